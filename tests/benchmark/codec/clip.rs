//! What a screen showed: recorded from a real desktop by the host's own capture, kept in memory, played back as often as
//! one likes.

use anyhow::Context as _;
use nearhand_host::capture::{self, Capture, Wake};
use nearhand_proto::session::geometry::{Rect, Size};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Between two frames, at least: 30 a second.
const STEP: Duration = Duration::from_millis(33);

/// How hard clips are compressed in memory.
const LEVEL: i32 = 1;

/// What changed from one frame to the next.
struct Frame {
    areas: Vec<Rect>,
    /// BGRX8 of all areas, row by row; compressed.
    pixels: Vec<u8>,
}

/// A clip.
pub(super) struct Clip {
    /// Of the whole screen.
    pub(super) size: Size,
    /// How long it took.
    pub(super) length: Duration,
    /// The first one is whole.
    frames: Vec<Frame>,
}

/// A recording under way, on a thread of its own.
pub(super) struct Recording {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Clip>>,
}

impl Recording {
    /// Begins to record this display.
    ///
    /// # Errors
    /// If there is no thread for it.
    pub(super) fn start(display: &str) -> anyhow::Result<Self> {
        let (stop, open) = (Arc::new(AtomicBool::new(false)), capture::x11::open(Some(display.to_owned())));
        let until = stop.clone();
        let thread = thread::Builder::new().name("record".to_owned()).spawn(move || record(open, &until))?;
        Ok(Self { stop, thread })
    }

    /// The clip so far.
    ///
    /// # Errors
    /// If the display could not be captured.
    pub(super) fn stop(self) -> anyhow::Result<Clip> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the recording has failed"))?
    }
}

fn record(open: capture::Open, stop: &AtomicBool) -> anyhow::Result<Clip> {
    let (mut capture, wake): (Box<dyn Capture>, _) = (open()?, Wake::new()?);
    let monitor = capture.monitors()?.first().context("a display without a monitor")?.id;
    let (size, began, mut frames) = (capture.watch(monitor)?, Instant::now(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        capture.wait(&wake, Some(STEP))?;
        let Some(frame) = capture.frame()? else { continue };
        let mut pixels = Vec::new();
        for area in frame.damage {
            for y in rows(*area) {
                pixels.extend_from_slice(&frame.picture.pixels[row(*area, y, frame.picture.stride)]);
            }
        }
        frames.push(Frame { areas: frame.damage.to_vec(), pixels: zstd::bulk::compress(&pixels, LEVEL)? });
        thread::sleep(STEP);
    }
    Ok(Clip { size, length: began.elapsed(), frames })
}

impl Clip {
    /// How many frames there are.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Shows every frame: the whole screen (BGRX8, no padding) and what of it is new.
    ///
    /// # Errors
    /// What `show` returns.
    pub(super) fn play(
        &self,
        mut show: impl FnMut(&[u8], &[Rect]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let stride = 4 * usize::from(self.size.width);
        let mut screen = vec![0; stride * usize::from(self.size.height)];
        for Frame { areas, pixels } in &self.frames {
            let bytes: usize =
                areas.iter().map(|area| 4 * usize::from(area.width) * usize::from(area.height)).sum();
            let pixels = zstd::bulk::decompress(pixels, bytes)?;
            let mut rest = &pixels[..];
            for area in areas {
                for y in rows(*area) {
                    let (new, later) = rest.split_at(4 * usize::from(area.width));
                    screen[row(*area, y, stride)].copy_from_slice(new);
                    rest = later;
                }
            }
            show(&screen, areas)?;
        }
        Ok(())
    }
}

fn rows(area: Rect) -> std::ops::Range<u16> {
    area.y..area.y + area.height
}

fn row(area: Rect, y: u16, stride: usize) -> std::ops::Range<usize> {
    let start = usize::from(y) * stride + 4 * usize::from(area.x);
    start..start + 4 * usize::from(area.width)
}
