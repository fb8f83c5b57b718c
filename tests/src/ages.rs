//! How old the picture is that the technician sees: the real host, relay and viewer, over a screen on which something of a
//! given size changes 30 times a second, with a number in its pixels. Of the time at which a number is painted and the time
//! at which the viewer presents it, the difference is the picture's age.

use crate::{
    host::FIRST,
    viewer::Viewer,
    weather::{Link, Weather},
    world::{World, consent},
};
use nearhand_host::capture::scripted::Screen;
use nearhand_proto::session::geometry::{Point, Rect, Size};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;

/// The screen, in pixels.
const SCREEN: Size = Size { width: 640, height: 192 };
/// Rows that change, one row of tiles.
const ROWS: u16 = 64;
/// Columns that are all of one colour: the number. A corner of them is watched.
const NUMBER: u16 = 16;
/// Between two changes.
const EVERY: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// Before the first figure: congestion windows grow.
const WARM_UP: Duration = Duration::from_secs(2);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Ages {
    /// Ages of what was presented, the youngest first.
    pub sorted: Vec<Duration>,
    /// For how long it was watched.
    pub watched: Duration,
    /// Changes painted meanwhile.
    pub painted: usize,
    /// The longest time without anything new.
    pub longest_gap: Duration,
}

impl Ages {
    /// The age that so many percent of what was presented did not exceed; without anything, the time that was watched.
    pub fn percentile(&self, percent: usize) -> Duration {
        let place = (self.sorted.len() * percent / 100).min(self.sorted.len().saturating_sub(1));
        self.sorted.get(place).copied().unwrap_or(self.watched)
    }

    /// Updates presented in a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.sorted.len()).unwrap_or(u32::MAX)) / self.watched.as_secs_f64()
    }
}

/// When each number was painted.
type Painted = Arc<Mutex<Vec<Instant>>>;

/// Watches for so long a picture of which each change takes `bytes` (20,000 or 60,000, not more than 119,000), with this
/// network between relay and viewer.
///
/// # Panics
/// If the picture does not come at all.
pub async fn measure(link: Link, seed: u64, bytes: usize, watched: Duration) -> Ages {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let weather = Weather::start(world.address(), link, seed, false).await;
    let mut host = world.host();
    host.screen.resize(&[SCREEN]);
    let code = host.code().await;
    let mut viewer = Viewer::start(technician.config(world.through(&weather), &code));
    consent(&mut host, &mut viewer).await;
    assert!(viewer.screen.watch(Point { x: 0, y: 0 }), "one pixel can be watched");
    let painted = Painted::default();
    let painter = AbortOnDropHandle::new(tokio::spawn(paint(host.screen.clone(), painted.clone(), bytes)));
    sleep(WARM_UP).await;
    viewer.screen.take_changes();
    let before = lock(&painted).len();
    let began = Instant::now();
    sleep(watched).await;
    let changes = viewer.screen.take_changes();
    drop(painter);
    let painted = lock(&painted);
    let mut ages = Ages { watched: began.elapsed(), painted: painted.len() - before, ..Ages::default() };
    let mut last = began;
    for change in changes {
        let [r, g, b] = change.rgb.map(usize::from);
        let Some(at) = painted.get(r << 16 | g << 8 | b) else { continue };
        ages.sorted.push(change.presented.saturating_duration_since(*at));
        ages.longest_gap = ages.longest_gap.max(change.presented.saturating_duration_since(last));
        last = change.presented;
    }
    ages.sorted.sort_unstable();
    ages
}

fn lock(painted: &Painted) -> std::sync::MutexGuard<'_, Vec<Instant>> {
    painted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Paints noise and its number, again and again. Three bytes a pixel of it can't be compressed.
async fn paint(screen: Screen, painted: Painted, bytes: usize) {
    let columns = u16::try_from(bytes / 3 / usize::from(ROWS)).unwrap_or(u16::MAX);
    let area = Rect { x: 0, y: 0, width: columns.saturating_add(NUMBER).min(SCREEN.width), height: ROWS };
    let mut pixels = vec![0_u8; usize::from(area.width) * usize::from(ROWS) * 4];
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0_u32.. {
        tick.tick().await;
        fastrand::fill(&mut pixels);
        let [b, g, r, _] = number.to_le_bytes();
        for row in pixels.chunks_mut(usize::from(area.width) * 4) {
            row[..usize::from(NUMBER) * 4].copy_from_slice(&[b, g, r, 0].repeat(NUMBER.into()));
        }
        lock(&painted).push(Instant::now());
        screen.put(FIRST, area, &pixels);
    }
}
