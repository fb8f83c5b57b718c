//! Capture by the scrap crate, for platforms without a backend of their own; `--capture scrap`.
//!
//! It tells neither damage nor pointer nor a change of the layout, so this backend looks at the screen each
//! `POLL`, compares with what it had, and asks for the displays each `LOOK`. Positions of monitors are not known
//! either: they are taken to stand side by side. On X11 it is here to be compared; `docs/decisions/0003-capture.md`
//! lists what is wrong with it there.

use super::{Capture, CaptureError, Cursor, Frame, Happened, Open, Picture, Wake, areas::Grid};
use ::scrap::{Capturer, Display};
use nearhand_proto::{
    session::{
        control::MAX_MONITORS,
        geometry::{Monitor, MonitorId, Rect, Size},
    },
    text::Name,
};
use std::{
    io::{self, ErrorKind},
    time::{Duration, Instant},
};

/// Between two looks at the pixels.
const POLL: Duration = Duration::from_millis(8);

/// Between two looks at the list of displays. On X11 scrap shows the last picture for ever after a change.
const LOOK: Duration = Duration::from_secs(1);

/// Side of the squares that are compared, in pixels.
const SIDE: u32 = 64;

/// The desktop that scrap finds: on X11 that of `$DISPLAY`.
pub fn open() -> Open {
    Box::new(|| {
        let monitors = Some(monitors()?);
        Ok(Box::new(Scrap { monitors, watched: None, looked: Instant::now(), told: false })
            as Box<dyn Capture>)
    })
}

struct Scrap {
    /// As listed last; `None` after they changed, until they are listed again.
    monitors: Option<Vec<Monitor>>,
    watched: Option<Watched>,
    /// When the displays were listed last.
    looked: Instant,
    /// True if the damage that stands was told already.
    told: bool,
}

struct Watched {
    capturer: Capturer,
    size: Size,
    /// BGRX8 without gaps, as the last frame left it.
    pixels: Vec<u8>,
    /// Empty: there was no frame yet, so the next is whole.
    damage: Vec<Rect>,
    /// When a difference was seen that no frame has fetched yet.
    since: Option<Instant>,
}

impl Scrap {
    fn check_layout(&mut self) -> Result<(), CaptureError> {
        if LOOK <= self.looked.elapsed() {
            self.looked = Instant::now();
            if self.monitors.is_some() && self.monitors != Some(monitors()?) {
                self.monitors = None;
                self.watched = None;
            }
        }
        self.monitors.as_ref().map(|_| ()).ok_or(CaptureError::Layout)
    }
}

impl Capture for Scrap {
    fn monitors(&mut self) -> Result<Vec<Monitor>, CaptureError> {
        let monitors = monitors()?;
        if self.monitors.as_ref() != Some(&monitors) {
            self.watched = None;
        }
        self.looked = Instant::now();
        self.monitors = Some(monitors.clone());
        Ok(monitors)
    }

    fn watch(&mut self, id: MonitorId) -> Result<Size, CaptureError> {
        self.check_layout()?;
        self.watched = None; // scrap can't hold the same display twice on every platform
        let number = usize::try_from(id.0).unwrap_or(usize::MAX);
        let mut displays = displays()?;
        if displays.len() <= number {
            return Err(CaptureError::UnknownMonitor(id));
        }
        let display = displays.swap_remove(number);
        let size = size(&display).ok_or(CaptureError::UnknownMonitor(id))?;
        let capturer = Capturer::new(display).map_err(refused)?;
        let pixels = vec![0; usize::from(size.width) * usize::from(size.height) * 4];
        self.told = false;
        self.watched =
            Some(Watched { capturer, size, pixels, damage: Vec::new(), since: Some(Instant::now()) });
        Ok(size)
    }

    fn wait(&mut self, wake: &Wake, timeout: Option<Duration>) -> Result<Happened, CaptureError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.check_layout()?;
            let mut happened = Happened { woken: wake.take(), ..Happened::default() };
            if let Some(watched) = self.watched.as_mut().filter(|_| !self.told) {
                watched.look()?;
                happened.damage = watched.since.is_some();
                self.told = happened.damage;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if happened.any() || left == Some(Duration::ZERO) {
                return Ok(happened);
            }
            wake.sleep(None, Some(left.unwrap_or(POLL).min(POLL))).map_err(CaptureError::Lost)?;
        }
    }

    fn frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        self.check_layout()?;
        let Some(watched) = &mut self.watched else { return Ok(None) };
        self.told = false;
        let now = Instant::now();
        let damage = watched.update()?;
        if damage.is_empty() {
            watched.since = None;
            return Ok(None);
        }
        watched.damage = damage;
        let since = watched.since.take().unwrap_or(now);
        Ok(Some(Frame { picture: watched.picture(), damage: &watched.damage, since }))
    }

    fn picture(&self) -> Option<Picture<'_>> {
        self.watched.as_ref().filter(|watched| !watched.damage.is_empty()).map(Watched::picture)
    }

    /// Never tells anything: scrap knows no pointer.
    fn cursor(&mut self) -> Result<Option<Cursor>, CaptureError> {
        self.check_layout()?;
        Ok(None)
    }
}

impl Watched {
    fn picture(&self) -> Picture<'_> {
        Picture { size: self.size, stride: usize::from(self.size.width) * 4, pixels: &self.pixels }
    }

    /// Notices whether anything differs from the last frame.
    fn look(&mut self) -> Result<(), CaptureError> {
        if self.since.is_none() {
            let Self { capturer, size, pixels, .. } = self;
            let differs = grab(capturer, *size, |rows| {
                rows.zip(pixels.chunks(usize::from(size.width) * 4)).any(|(new, old)| new != old)
            })?;
            self.since = differs.unwrap_or(false).then(Instant::now);
        }
        Ok(())
    }

    /// Takes over what differs: where that was.
    fn update(&mut self) -> Result<Vec<Rect>, CaptureError> {
        let Self { capturer, size, pixels, damage, .. } = self;
        let mut grid = Grid::new(*size, SIDE);
        let width = usize::from(size.width) * 4;
        let grabbed = grab(capturer, *size, |rows| {
            for (y, (new, old)) in (0_u16..).zip(rows.zip(pixels.chunks_mut(width))) {
                mark(&mut grid, y, new, old);
                old.copy_from_slice(new);
            }
        })?;
        Ok(match grabbed {
            None => Vec::new(),
            Some(()) if damage.is_empty() => vec![size.rect()],
            Some(()) => super::areas::few(grid.rects(), *size),
        })
    }
}

/// Marks the squares in which one row differs.
fn mark(grid: &mut Grid, y: u16, new: &[u8], old: &[u8]) {
    const BYTES: usize = 64 * 4; // of one square's row: SIDE × 4
    if new == old {
        return;
    }
    for (column, (new, old)) in (0_u16..).zip(new.chunks(BYTES).zip(old.chunks(BYTES))) {
        if new != old {
            grid.mark(Rect { x: column * 64, y, width: 1, height: 1 });
        }
    }
}

/// Hands the rows of the screen, as it is now, to `read`. `None` if the platform has nothing new to show.
fn grab<T>(
    capturer: &mut Capturer,
    size: Size,
    read: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T,
) -> Result<Option<T>, CaptureError> {
    let frame = match capturer.frame() {
        Ok(frame) => frame,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let stride = frame.len() / usize::from(size.height);
    let width = usize::from(size.width) * 4;
    if stride < width {
        return Err(CaptureError::Refused("a frame of another size".to_owned()));
    }
    Ok(Some(read(&mut frame.chunks_exact(stride).map(|row| &row[..width]))))
}

fn displays() -> Result<Vec<Display>, CaptureError> {
    let displays = Display::all().map_err(|error| {
        super::wayland::unsupported().unwrap_or_else(|| CaptureError::NoDesktop(error.to_string()))
    })?;
    Ok(displays)
}

/// The displays in scrap's order, as if they stood side by side.
fn monitors() -> Result<Vec<Monitor>, CaptureError> {
    let mut left = 0;
    let mut monitors = Vec::new();
    for (number, display) in (0..).zip(displays()?.iter().take(MAX_MONITORS)) {
        let Some(size) = size(display) else { continue };
        let (id, name) = (MonitorId(number), Name::lossy(&format!("display {}", number + 1)));
        monitors.push(Monitor { id, name, left, top: 0, size, primary: number == 0 });
        left += i32::from(size.width);
    }
    Ok(monitors)
}

fn size(display: &Display) -> Option<Size> {
    let size =
        Size { width: u16::try_from(display.width()).ok()?, height: u16::try_from(display.height()).ok()? };
    size.is_allowed().then_some(size)
}

fn refused(error: io::Error) -> CaptureError {
    CaptureError::Refused(error.to_string())
}
