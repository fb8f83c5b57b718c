//! The screen that tests paint: in memory, deterministic, several captures of it at once.
//!
//! A test keeps the [`Screen`]; each [`Screen::open`] gives a capture that sees what is painted. It keeps the same
//! promises as the real backends and passes the same conformance test.

use super::{Capture, CaptureError, Cursor, Frame, Happened, Open, Picture, Wake, areas};
use nearhand_proto::{
    session::{
        cursor::Shape,
        geometry::{Monitor, MonitorId, Rect, Size},
    },
    text::Name,
};
use std::{
    io, mem,
    os::fd::AsFd as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The handle by which a test paints. Clones paint the same screen.
#[derive(Clone, Debug)]
pub struct Screen(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// From left to right, side by side.
    monitors: Vec<Canvas>,
    /// Desktop pixels.
    pointer: (i32, i32),
    shape: Shape,
    captures: Vec<Ear>,
    lost: bool,
}

#[derive(Debug)]
struct Canvas {
    monitor: Monitor,
    /// BGRX8 without gaps.
    pixels: Vec<u8>,
}

/// What one capture has yet to hear.
#[derive(Debug)]
struct Ear {
    signal: Wake,
    damage: Vec<(MonitorId, Rect)>,
    since: Option<Instant>,
    happened: Happened,
    layout: bool,
    closed: bool,
}

impl Screen {
    /// A black screen with these monitors side by side, the first one primary.
    ///
    /// # Panics
    /// If a size isn't allowed; later methods, if what they name isn't there. It's the test's mistake.
    pub fn new(sizes: &[Size]) -> Self {
        let shape = Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![0, 0, 0, 255]);
        let monitors = canvases(sizes);
        Self(Arc::new(Mutex::new(State {
            monitors,
            pointer: (0, 0),
            shape,
            captures: Vec::new(),
            lost: false,
        })))
    }

    /// Opens a capture of it.
    pub fn open(&self) -> Open {
        let screen = self.clone();
        Box::new(move || Ok(Box::new(screen.capture()?) as Box<dyn Capture>))
    }

    /// Fills an area with one colour (R, G, B).
    pub fn fill(&self, monitor: MonitorId, area: Rect, [r, g, b]: [u8; 3]) {
        let pixels = [b, g, r, 0].repeat(usize::try_from(area.pixels()).unwrap_or(usize::MAX));
        self.put(monitor, area, &pixels);
    }

    /// Puts BGRX8 pixels, row by row without gaps, into an area.
    pub fn put(&self, monitor: MonitorId, area: Rect, pixels: &[u8]) {
        let mut state = self.state();
        let canvas = canvas(&mut state.monitors, monitor).expect("the test names a monitor that is there");
        assert!(area.fits(canvas.monitor.size), "{area:?} is outside");
        let (left, width) = (usize::from(area.x) * 4, usize::from(area.width) * 4);
        assert_eq!(pixels.len(), width * usize::from(area.height), "pixels of {area:?}");
        let stride = usize::from(canvas.monitor.size.width) * 4;
        let rows = canvas.pixels.chunks_mut(stride).skip(area.y.into());
        for (row, new) in rows.zip(pixels.chunks(width)) {
            row[left..left + width].copy_from_slice(new);
        }
        state.tell(|ear| {
            ear.damage.push((monitor, area));
            ear.happened.damage |= ear.since.is_none(); // told once
            ear.since.get_or_insert_with(Instant::now);
        });
    }

    /// What a screenshot would show: BGRX8 without gaps.
    pub fn pixels(&self, monitor: MonitorId) -> Vec<u8> {
        canvas(&mut self.state().monitors, monitor).map(|canvas| canvas.pixels.clone()).unwrap_or_default()
    }

    /// Replaces all monitors by black ones of these sizes.
    pub fn resize(&self, sizes: &[Size]) {
        let mut state = self.state();
        state.monitors = canvases(sizes);
        state.tell(|ear| ear.layout = true);
    }

    /// Moves the pointer (desktop pixels).
    pub fn move_cursor(&self, x: i32, y: i32) {
        let mut state = self.state();
        state.pointer = (x, y);
        state.tell(|ear| ear.happened.cursor = true);
    }

    /// Lets the display server die: everything fails with [`CaptureError::Lost`] from now on.
    pub fn lose(&self) {
        let mut state = self.state();
        state.lost = true;
        state.tell(|_| {});
    }

    fn capture(&self) -> Result<Scripted, CaptureError> {
        let signal = Wake::new().map_err(CaptureError::Lost)?;
        let mut state = self.state();
        let ear = state.captures.len();
        state.captures.push(Ear {
            signal: signal.clone(),
            damage: Vec::new(),
            since: None,
            happened: Happened::default(),
            layout: false,
            closed: false,
        });
        drop(state);
        Ok(Scripted { screen: self.clone(), ear, signal, watched: None, told: None })
    }

    /// A panic of another test thread in the middle of painting leaves pixels, nothing worse.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Fails if it is lost or its monitors changed unseen by this capture.
    fn check(&self, ear: usize) -> Result<(), CaptureError> {
        match (self.lost, self.captures[ear].layout) {
            (true, _) => Err(CaptureError::Lost(io::ErrorKind::BrokenPipe.into())),
            (false, true) => Err(CaptureError::Layout),
            (false, false) => Ok(()),
        }
    }

    fn tell(&mut self, what: impl Fn(&mut Ear)) {
        for ear in self.captures.iter_mut().filter(|ear| !ear.closed) {
            what(ear);
            ear.signal.wake();
        }
    }
}

fn canvases(sizes: &[Size]) -> Vec<Canvas> {
    let mut left = 0;
    let mut canvases = Vec::new();
    for (number, size) in (0..).zip(sizes) {
        assert!(size.is_allowed(), "{size:?}");
        let name = Name::lossy(&format!("SCRIPTED-{number}"));
        let (id, primary) = (MonitorId(number), number == 0);
        let monitor = Monitor { id, name, left, top: 0, size: *size, primary };
        let pixels = vec![0; usize::from(size.width) * usize::from(size.height) * 4];
        left += i32::from(size.width);
        canvases.push(Canvas { monitor, pixels });
    }
    canvases
}

fn canvas(canvases: &mut [Canvas], id: MonitorId) -> Option<&mut Canvas> {
    canvases.iter_mut().find(|canvas| canvas.monitor.id == id)
}

/// One capture of a [`Screen`].
struct Scripted {
    screen: Screen,
    /// Which of the screen's ears is ours.
    ear: usize,
    signal: Wake,
    watched: Option<Watched>,
    told: Option<Cursor>,
}

struct Watched {
    monitor: Monitor,
    pixels: Vec<u8>,
    /// Empty: there was no frame yet, so the next is whole.
    damage: Vec<Rect>,
}

impl Scripted {
    /// The screen, unless it is lost or its monitors changed.
    fn state(&self) -> Result<MutexGuard<'_, State>, CaptureError> {
        let state = self.screen.state();
        state.check(self.ear)?;
        Ok(state)
    }
}

impl Capture for Scripted {
    fn monitors(&mut self) -> Result<Vec<Monitor>, CaptureError> {
        let mut state = self.screen.state();
        if mem::take(&mut state.captures[self.ear].layout) {
            self.watched = None;
        }
        state.check(self.ear)?;
        Ok(state.monitors.iter().map(|canvas| canvas.monitor.clone()).collect())
    }

    fn watch(&mut self, id: MonitorId) -> Result<Size, CaptureError> {
        let mut state = self.state()?;
        let canvas = canvas(&mut state.monitors, id).ok_or(CaptureError::UnknownMonitor(id))?;
        let monitor = canvas.monitor.clone();
        let (size, pixels) = (monitor.size, vec![0; canvas.pixels.len()]);
        let ear = &mut state.captures[self.ear];
        ear.since = Some(Instant::now());
        ear.happened = Happened { damage: true, cursor: true, woken: false };
        drop(state);
        self.watched = Some(Watched { monitor, pixels, damage: Vec::new() });
        self.told = None;
        Ok(size)
    }

    fn wait(&mut self, wake: &Wake, timeout: Option<Duration>) -> Result<Happened, CaptureError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.signal.take();
            let news = mem::take(&mut self.state()?.captures[self.ear].happened);
            let happened = Happened { woken: wake.take(), ..news };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if happened.any() || left == Some(Duration::ZERO) {
                return Ok(happened);
            }
            wake.sleep(Some(self.signal.as_fd()), left).map_err(CaptureError::Lost)?;
        }
    }

    fn frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let mut state = self.screen.state();
        state.check(self.ear)?;
        let Some(watched) = &mut self.watched else { return Ok(None) };
        let ear = &mut state.captures[self.ear];
        let Some(since) = ear.since.take() else { return Ok(None) };
        ear.happened.damage = false;
        let (id, size) = (watched.monitor.id, watched.monitor.size);
        let here = mem::take(&mut ear.damage).into_iter().filter(|(monitor, _)| *monitor == id);
        let damage: Vec<_> = match watched.damage.is_empty() {
            true => vec![size.rect()],
            false => areas::few(here.map(|(_, area)| area).collect(), size),
        };
        if damage.is_empty() {
            return Ok(None);
        }
        watched.damage = damage;
        if let Some(canvas) = canvas(&mut state.monitors, id) {
            watched.pixels.copy_from_slice(&canvas.pixels);
        }
        Ok(Some(Frame { picture: watched.picture(), damage: &watched.damage, since }))
    }

    fn picture(&self) -> Option<Picture<'_>> {
        self.watched.as_ref().filter(|watched| !watched.damage.is_empty()).map(Watched::picture)
    }

    fn cursor(&mut self) -> Result<Option<Cursor>, CaptureError> {
        let mut state = self.state()?;
        state.captures[self.ear].happened.cursor = false;
        let ((x, y), shape) = (state.pointer, state.shape.clone());
        drop(state);
        let Some(watched) = &self.watched else { return Ok(None) };
        let (x, y) = (x - watched.monitor.left, y - watched.monitor.top);
        let now = Cursor { x, y, shape: shape.id, image: None };
        let before = self.told.replace(now.clone());
        let image = (before.as_ref().map(|told| told.shape) != Some(shape.id)).then_some(shape);
        Ok((before.as_ref() != Some(&now)).then_some(Cursor { image, ..now }))
    }
}

impl Watched {
    fn picture(&self) -> Picture<'_> {
        let size = self.monitor.size;
        Picture { size, stride: usize::from(size.width) * 4, pixels: &self.pixels }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let mut state = self.screen.state();
        let ear = &mut state.captures[self.ear];
        ear.closed = true;
        ear.damage = Vec::new();
    }
}
