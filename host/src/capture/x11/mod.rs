//! Capture on X11, by x11rb: MIT-SHM with a private segment, DAMAGE, the XFixes pointer, RandR monitors.
//!
//! The root window is captured, which holds whatever the windows in it show. Damage gathers in the X server (level
//! `NonEmpty`: one event, then silence until it is fetched) and is taken out *before* the pixels are fetched, so a
//! change in between is reported again rather than lost. The X server leaves the pointer out of what it hands over.

mod desktop;
mod layout;
mod pointer;
mod segment;

use super::{Capture, CaptureError, Cursor, Frame, Happened, Open, Picture, Wake, areas};
use desktop::Desktop;
use nearhand_proto::session::geometry::{Monitor, MonitorId, Rect, Size};
use pointer::Pointer;
use segment::Segment;
use std::{
    mem,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    errors::{ConnectionError, ReplyError, ReplyOrIdError},
    protocol::{Event, damage::ConnectionExt as _, xfixes::ConnectionExt as _},
};

/// The X11 desktop of this display; `None`: of `$DISPLAY`.
pub fn open(display: Option<String>) -> Open {
    Box::new(move || Ok(Box::new(X11::open(display.as_deref())?) as Box<dyn Capture>))
}

/// An X11 desktop.
struct X11 {
    desktop: Desktop,
    /// As listed last; `None` after they changed, until they are listed again.
    monitors: Option<Vec<Monitor>>,
    watched: Option<Watched>,
    pointer: Pointer,
    /// When the damage that waits in the X server was noticed.
    dirty: Option<Instant>,
    /// What [`Capture::wait`] has not told yet.
    happened: Happened,
}

/// The monitor that is shown.
struct Watched {
    /// Its left and top edge.
    origin: (i32, i32),
    size: Size,
    segment: Segment,
    /// BGRX8, as the last frame left it.
    pixels: Vec<u8>,
    /// The areas of the last frame. Empty: there was none, so the next is whole.
    damage: Vec<Rect>,
}

impl X11 {
    fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        let desktop = Desktop::open(display)?;
        let monitors = Some(layout::monitors(&desktop)?);
        let (pointer, happened) = (Pointer::default(), Happened::default());
        Ok(Self { desktop, monitors, watched: None, pointer, dirty: None, happened })
    }

    /// Takes every event that is there. The last thing that it does is to find none left, so that waiting for the
    /// socket afterwards misses nothing.
    fn settle(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.desktop.connection.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => {
                    self.dirty.get_or_insert_with(Instant::now);
                    self.happened.damage = true;
                }
                Event::XfixesCursorNotify(_) => {
                    self.pointer.handle_shape();
                    self.happened.cursor = true;
                }
                Event::XinputRawMotion(_) | Event::XinputMotion(_) => self.doubt_pointer(),
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) | Event::ConfigureNotify(_) => {
                    self.check_layout()?;
                }
                Event::Error(error) => tracing::debug!(?error, "X server refused a request"),
                _ => {}
            }
        }
        self.monitors.as_ref().map(|_| ()).ok_or(CaptureError::Layout)
    }

    /// The pointer may be elsewhere by now.
    fn doubt_pointer(&mut self) {
        self.pointer.handle_motion();
        self.happened.cursor = true;
    }

    /// Believes in a new layout only if the monitors really differ: RandR also tells of things that don't matter.
    fn check_layout(&mut self) -> Result<(), CaptureError> {
        if self.monitors.is_some() && self.monitors != Some(layout::monitors(&self.desktop)?) {
            self.monitors = None;
            self.forget()?;
        }
        Ok(())
    }

    /// Shows nothing any more, and gives the X server's share of the memory back.
    fn forget(&mut self) -> Result<(), CaptureError> {
        self.watched.take().map_or(Ok(()), |watched| watched.segment.detach(&self.desktop))
    }
}

impl Capture for X11 {
    fn monitors(&mut self) -> Result<Vec<Monitor>, CaptureError> {
        let monitors = layout::monitors(&self.desktop)?;
        if self.monitors.as_ref() != Some(&monitors) {
            self.forget()?;
        }
        self.monitors = Some(monitors.clone());
        Ok(monitors)
    }

    fn watch(&mut self, id: MonitorId) -> Result<Size, CaptureError> {
        self.settle()?;
        let mut monitors = self.monitors.iter().flatten();
        let monitor = monitors.find(|monitor| monitor.id == id).ok_or(CaptureError::UnknownMonitor(id))?;
        let (size, origin) = (monitor.size, (monitor.left, monitor.top));
        self.forget()?;
        let segment = Segment::new(&self.desktop, size)?;
        let pixels = vec![0; stride(size) * usize::from(size.height)];
        self.watched = Some(Watched { origin, size, segment, pixels, damage: Vec::new() });
        self.pointer = Pointer::default();
        self.dirty = Some(Instant::now());
        self.happened = Happened { damage: true, cursor: true, woken: false };
        Ok(size)
    }

    fn wait(&mut self, wake: &Wake, timeout: Option<Duration>) -> Result<Happened, CaptureError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.desktop.connection.flush()?;
            self.settle()?;
            let happened = Happened { woken: wake.take(), ..mem::take(&mut self.happened) };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if happened.any() || left == Some(Duration::ZERO) {
                return Ok(happened);
            }
            wake.sleep(Some(self.desktop.socket()), left).map_err(CaptureError::Lost)?;
        }
    }

    fn frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        self.settle()?;
        let Some(watched) = &mut self.watched else { return Ok(None) };
        let Some(since) = self.dirty.take() else { return Ok(None) };
        self.happened.damage = false;
        let updated = watched.update(&self.desktop);
        if let Err(error) = updated {
            // Most likely the screen has just shrunk and the event is still under way. If not, what was taken out
            // of the X server is lost: the next frame must be whole.
            watched.damage.clear();
            self.dirty = Some(since);
            self.check_layout()?;
            return Err(if self.monitors.is_none() { CaptureError::Layout } else { error });
        }
        // A program that warps the pointer causes no raw motion, but as good as always a new picture.
        self.doubt_pointer();
        let watched = self.watched.as_ref().filter(|_| matches!(updated, Ok(true)));
        Ok(watched.map(|watched| Frame { picture: watched.picture(), damage: &watched.damage, since }))
    }

    fn picture(&self) -> Option<Picture<'_>> {
        let watched = self.watched.as_ref()?;
        (!watched.damage.is_empty()).then(|| watched.picture())
    }

    fn cursor(&mut self) -> Result<Option<Cursor>, CaptureError> {
        self.settle()?;
        let Some(watched) = &self.watched else { return Ok(None) };
        self.happened.cursor = false;
        self.pointer.poll(&self.desktop, watched.origin)
    }
}

impl Watched {
    fn picture(&self) -> Picture<'_> {
        Picture { size: self.size, stride: stride(self.size), pixels: &self.pixels }
    }

    /// Fetches what changed. False if nothing of this monitor did.
    fn update(&mut self, desktop: &Desktop) -> Result<bool, CaptureError> {
        let damage = self.take_damage(desktop)?;
        if damage.is_empty() {
            return Ok(false);
        }
        self.segment.fetch(desktop, self.origin, &damage, &mut self.pixels, stride(self.size))?;
        self.damage = damage;
        Ok(true)
    }

    /// Takes the damage out of the X server: which areas to fetch.
    fn take_damage(&self, desktop: &Desktop) -> Result<Vec<Rect>, CaptureError> {
        let Desktop { connection, damage, region, .. } = desktop;
        connection.damage_subtract(*damage, x11rb::NONE, *region)?;
        let region = connection.xfixes_fetch_region(*region)?.reply()?;
        if self.damage.is_empty() {
            return Ok(vec![self.size.rect()]);
        }
        let here = region.rectangles.iter().filter_map(|area| {
            let area = (area.x.into(), area.y.into(), area.width.into(), area.height.into());
            areas::on_monitor(area, self.origin, self.size)
        });
        Ok(areas::few(here.collect(), self.size))
    }
}

/// Bytes of a row.
fn stride(size: Size) -> usize {
    usize::from(size.width) * 4
}

impl From<ConnectionError> for CaptureError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::IoError(error) => Self::Lost(error),
            other => Self::Lost(std::io::Error::other(other)),
        }
    }
}

impl From<ReplyError> for CaptureError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => Self::Refused(format!("{:?}", error.error_kind)),
        }
    }
}

impl From<ReplyOrIdError> for CaptureError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::IdsExhausted => Self::Lost(std::io::Error::other(error)),
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => ReplyError::X11Error(error).into(),
        }
    }
}
