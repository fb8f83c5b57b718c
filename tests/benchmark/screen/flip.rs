//! How soon a key press is seen: the technician presses, the user's program repaints, the picture here has changed.

use super::{
    desk::Desk,
    paint::COLOURS,
    seat::Seat,
    sheet::{Sheet, spread},
};
use anyhow::Context as _;
use nearhand_proto::session::geometry::Point;
use nearhand_viewer::{messages::Event, screen::Rgb};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// The key `a` (USB HID usage tables, page 7).
const KEY: u16 = 4;

/// How long one press may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What flips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    /// As a painter is told.
    pub(super) kind: &'static str,
    /// Left, top, width, height.
    pub(super) place: [u16; 4],
    /// Before the names of its figures.
    pub(super) prefix: &'static str,
}

/// A square of one colour.
pub(super) const SQUARE: Area = Area { kind: "flip", place: [860, 440, 200, 200], prefix: "flip" };

/// A whole screen of something like text.
pub(super) const PAGE: Area = Area { kind: "page", place: [0, 0, 1_920, 1_080], prefix: "page" };

impl Area {
    /// Pixels that must all have changed: top left, bottom right, and in the middle.
    fn points(self) -> [Point; 3] {
        let [x, y, width, height] = self.place;
        let at = |dx: u16, dy: u16| Point { x: x + dx, y: y + dy };
        [at(4, 4), at(width - 5, height - 5), at(width / 2 - 14, height / 2 - 14)]
    }
}

/// Presses `trials` times.
///
/// # Errors
/// If nothing is to be seen.
pub(super) async fn measure(
    desk: &Desk,
    seat: &mut Seat,
    area: Area,
    trials: usize,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let place = area.place.map(|number| number.to_string()).join(",");
    let painter = desk.paint(&[area.kind.to_owned(), place]).await?;
    for point in area.points() {
        anyhow::ensure!(seat.viewer.screen.watch(point), "too many pixels are watched");
    }
    sleep(Duration::from_millis(500)).await;
    seat.viewer.events.skip();
    let (host, bytes) = (seat.host(), seat.viewer.stats().bytes_received);
    let (cpu, mut missed) = (host.cpu()?, 0_u32);
    let (mut times, mut encode, mut decode) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..trials {
        sleep(Duration::from_millis(60 + fastrand::u64(0..100))).await;
        match press(seat, area).await? {
            Some(trial) => {
                times.push(trial.all.as_secs_f64() * 1e3);
                encode.push(f64::from(trial.spent_us) / 1e3);
                decode.push(f64::from(trial.decode_us) / 1e3);
            }
            None => missed += 1,
        }
    }
    anyhow::ensure!(!times.is_empty(), "no press was seen");
    let [p50, p95, p99] = spread(&mut times);
    let each = |total: f64| total / f64::from(u32::try_from(trials).unwrap_or(u32::MAX));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let received = (seat.viewer.stats().bytes_received - bytes) as f64;
    let add = |sheet: &mut Sheet, name, value| sheet.add(area.prefix, name, value);
    add(sheet, "p50_ms", p50);
    add(sheet, "p95_ms", p95);
    add(sheet, "p99_ms", p99);
    add(sheet, "damage_to_encoded_p50_ms", spread(&mut encode)[0]);
    add(sheet, "decode_p50_ms", spread(&mut decode)[0]);
    add(sheet, "kb_per_press", each(received) / 1e3);
    add(sheet, "host_cpu_ms_per_press", each(host.cpu()? - cpu) * 1e3);
    add(sheet, "missed", f64::from(missed));
    drop(painter);
    // What it covered shows again.
    sleep(Duration::from_millis(300)).await;
    Ok(())
}

struct Trial {
    all: Duration,
    spent_us: u32,
    decode_us: u32,
}

/// One press; `None` if it is not seen in time.
async fn press(seat: &mut Seat, area: Area) -> anyhow::Result<Option<Trial>> {
    let points = area.points();
    let colour = |seat: &Seat, at: Point| seat.viewer.screen.pixel(at).and_then(number);
    let before = colour(seat, points[0]).context("the painter's colours are not to be seen")?;
    seat.viewer.screen.take_changes();
    seat.viewer.events.skip();
    let began = Instant::now();
    seat.viewer.key(KEY, true).await;
    seat.viewer.key(KEY, false).await;
    let flipped = timeout(PATIENCE, async {
        loop {
            let pick = |event: &Event| match event {
                Event::Updated { spent_us, decode_us, presented, .. } => {
                    Some((*spent_us, *decode_us, *presented))
                }
                _ => None,
            };
            let (spent_us, decode_us, presented) = seat.viewer.events.next("an update", pick).await;
            if points.iter().all(|at| colour(seat, *at) == Some(1 - before)) {
                return Trial { all: presented.saturating_duration_since(began), spent_us, decode_us };
            }
        }
    });
    Ok(flipped.await.ok())
}

/// Which of the two colours it is.
fn number(rgb: Rgb) -> Option<usize> {
    COLOURS.iter().position(|colour| *colour == rgb)
}
