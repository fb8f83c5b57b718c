//! Where pixels come from: the user's desktop, one monitor at a time, as the display server shows it.
//!
//! [`Capture`] is the seam; [`x11`] is the real one, [`scrap`] the portable one, [`scripted`] the one that tests
//! paint. No clock stands in the way: damage wakes the waiter at once, and while nobody asks for a frame it gathers
//! in the display server, so the next frame is always the newest picture. Encoding is not this module's business.

pub mod areas;
#[cfg(feature = "scrap")]
pub mod scrap;
pub mod scripted;
pub mod shape;
pub mod wayland;
#[cfg(target_os = "linux")]
pub mod x11;

pub use nearhand_desktop::wake::Wake;
use nearhand_proto::session::{
    cursor::{Shape, ShapeId},
    geometry::{Monitor, MonitorId, Rect, Size},
};
use std::time::{Duration, Instant};

/// A desktop whose pixels can be had. Lives on one thread from [`Open`] to drop.
///
/// After [`CaptureError::Layout`] every method but [`Capture::monitors`] repeats that error; once the monitors are
/// listed again, [`Capture::watch`] works with the new geometry. After [`CaptureError::Lost`] nothing works: open
/// a new one.
pub trait Capture {
    /// The monitors now, from left to right, at most [`MAX_MONITORS`]; their ids hold until [`CaptureError::Layout`].
    ///
    /// [`MAX_MONITORS`]: nearhand_proto::session::control::MAX_MONITORS
    ///
    /// # Errors
    /// [`CaptureError::Lost`]; [`CaptureError::Unsupported`] if no monitor is left.
    fn monitors(&mut self) -> Result<Vec<Monitor>, CaptureError>;

    /// Shows this monitor from now on; the next frame is whole. Watching the same one again makes it whole again.
    ///
    /// # Errors
    /// [`CaptureError::UnknownMonitor`], [`CaptureError::Layout`], [`CaptureError::Lost`].
    fn watch(&mut self, monitor: MonitorId) -> Result<Size, CaptureError>;

    /// Blocks until something new happened, `wake` was called or `timeout` passed (`None`: never). Tells each thing
    /// once: damage that was told and not fetched is not told again, so a waiter without credit sleeps.
    ///
    /// # Errors
    /// [`CaptureError::Layout`], [`CaptureError::Lost`].
    fn wait(&mut self, wake: &Wake, timeout: Option<Duration>) -> Result<Happened, CaptureError>;

    /// Fetches what changed since the last frame, as it is now. `None` if nothing did, or nothing is watched.
    ///
    /// # Errors
    /// [`CaptureError::Layout`], [`CaptureError::Lost`].
    fn frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError>;

    /// The watched monitor as the last frame left it; `None` before the first. For an encoder whose credit comes
    /// later than another's.
    fn picture(&self) -> Option<Picture<'_>>;

    /// Where the pointer is and what it looks like, if either changed since the last call or [`Capture::watch`].
    ///
    /// # Errors
    /// [`CaptureError::Layout`], [`CaptureError::Lost`].
    fn cursor(&mut self) -> Result<Option<Cursor>, CaptureError>;
}

/// Sent to the capture thread and called there.
pub type Open = Box<dyn FnOnce() -> Result<Box<dyn Capture>, CaptureError> + Send>;

/// What [`Capture::wait`] saw; nothing at all means that the time passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// The screen changed somewhere; [`Capture::frame`] tells whether the watched monitor did.
    pub damage: bool,
    /// The pointer may have moved or changed; [`Capture::cursor`] tells.
    pub cursor: bool,
    /// [`Wake::wake`] was called.
    pub woken: bool,
}

impl Happened {
    /// True if there is anything to look at.
    pub fn any(self) -> bool {
        self.damage || self.cursor || self.woken
    }
}

/// A monitor's pixels, without the pointer.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Columns and rows.
    pub size: Size,
    /// Bytes from one row to the next; at least 4 × width.
    pub stride: usize,
    /// BGRX8, row by row from the top: `stride` × height bytes. X is anything.
    pub pixels: &'a [u8],
}

/// A picture and what changed in it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The whole monitor, changed areas up to date.
    pub picture: Picture<'a>,
    /// Covers every change since the last frame: 1 to [`areas::MAX_AREAS`] rectangles that fit the picture.
    pub damage: &'a [Rect],
    /// When the first of these changes was noticed.
    pub since: Instant,
}

/// The pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Monitor pixels; outside the picture when the pointer is on another monitor.
    pub x: i32,
    /// Monitor pixels.
    pub y: i32,
    /// The shape it has.
    pub shape: ShapeId,
    /// That shape itself, when it differs from the one told before (or after [`Capture::watch`]).
    pub image: Option<Shape>,
}

/// Why there are no pixels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Nothing to connect to. The text is the reason.
    #[error("no desktop to show ({0}); start the host inside the desktop's own session, or set DISPLAY")]
    NoDesktop(String),
    /// The desktop is there, but not of a kind that works. The text says what and what to do.
    #[error("{0}")]
    Unsupported(String),
    /// The monitors changed: list them again and watch one.
    #[error("the monitors changed")]
    Layout,
    /// No monitor has this id now.
    #[error("there is no monitor {}", .0.0)]
    UnknownMonitor(MonitorId),
    /// The display server refused a request although nothing seems to have changed; may pass.
    #[error("the display server refused to give its picture ({0}); it may do so again in a moment")]
    Refused(String),
    /// The display server is gone.
    #[error("the connection to the display server broke; the desktop has probably ended")]
    Lost(#[source] std::io::Error),
}
