//! The picture's figures: the programs of relay and host in processes of their own, the product's viewer in this one, on a
//! desktop of their own (Xvfb).

pub(crate) mod desk;
mod flip;
mod motion;
pub(crate) mod paint;
mod seat;
mod sheet;
pub(crate) mod work;

use self::{desk::Desk, seat::Seat, sheet::Sheet};
use crate::{
    machine::{Machine, quiet},
    peers,
    process::Usage,
    say,
};
use anyhow::Context as _;
use nearhand_viewer::messages::Event;
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The desktop's size, in pixels.
const SIZE: (u16, u16) = (1_920, 1_080);

/// What can be typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Key presses of each kind
    #[arg(long, value_name = "N", default_value_t = 200)]
    trials: usize,
    /// How long the moving screen and the idle one are watched, seconds
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Repetitions; the median counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    reps: usize,
    /// Kinds of figures, comma separated; all if nothing is said
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Flip, Kind::Page, Kind::Work, Kind::Motion, Kind::Rest])]
    only: Vec<Kind>,
    /// How long to wait before each figure until nothing else runs, seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    quiet: u64,
    /// A smoke run: few presses, two seconds, no work; its figures say nothing
    #[arg(long)]
    quick: bool,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// The folder with the programs of relay and host [default: that of this one]
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// A shell command to run after each repetition; its output goes to standard error
    #[arg(long, value_name = "COMMAND")]
    between: Option<String>,
    /// A file of JSON lines, made meanwhile, that becomes `peers` in the JSON report
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
}

/// A kind of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// From a key press to the decoded change of 200 × 200 pixels
    Flip,
    /// The same of a whole screen of text
    Page,
    /// 20 s of work with real programs
    Work,
    /// The whole screen changes 60 times a second
    Motion,
    /// Nothing happens
    Rest,
}

/// Measures and prints.
///
/// # Errors
/// If something could not be measured.
pub(crate) async fn run(mut args: Args) -> anyhow::Result<()> {
    if args.quick {
        (args.reps, args.seconds, args.trials, args.quiet) = (1, 2, 10, 0);
        args.only.retain(|kind| *kind != Kind::Work);
    }
    let programs = match &args.programs {
        Some(programs) => programs.clone(),
        None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let (machine, mut sheet) = (Machine::look().await?, Sheet::default());
    for round in 1..=args.reps.max(1) {
        say(&format!("round {round} of {}", args.reps.max(1)));
        for kind in &args.only {
            quiet(Duration::from_secs(args.quiet)).await?;
            measure(*kind, &args, &programs, &mut sheet).await.with_context(|| format!("{kind:?}"))?;
        }
        if let Some(command) = &args.between {
            peers::between(command).await?;
        }
    }
    let mut out = std::io::stdout();
    if args.json {
        let mut report = sheet.json();
        report.insert("machine".to_owned(), machine.json());
        report.insert("reps".to_owned(), json!(args.reps.max(1)));
        if let Some(file) = &args.beside {
            report.insert("peers".to_owned(), peers::figures(file)?);
        }
        writeln!(out, "{}", Value::Object(report))?;
    } else {
        writeln!(out, "{}\n{}", sheet.table(), machine.line())?;
    }
    Ok(())
}

async fn measure(kind: Kind, args: &Args, programs: &Path, sheet: &mut Sheet) -> anyhow::Result<()> {
    say(&format!("{kind:?}").to_lowercase());
    let desk = Desk::start(SIZE).await?;
    // Out of the way of what is painted.
    desk.warp(5, 1_000)?;
    let mut seat = Seat::take(&desk, programs).await?;
    let first = |event: &Event| matches!(event, Event::Updated { .. }).then_some(());
    seat.viewer.events.next("the first picture", first).await;
    sleep(Duration::from_secs(1)).await;
    let watched = Duration::from_secs(args.seconds.max(1));
    match kind {
        Kind::Flip => flip::measure(&desk, &mut seat, flip::SQUARE, args.trials, sheet).await,
        Kind::Page => flip::measure(&desk, &mut seat, flip::PAGE, args.trials, sheet).await,
        Kind::Work => work::measure(&desk, &mut seat, sheet).await,
        Kind::Motion => motion::measure(&desk, &mut seat, watched, sheet).await,
        Kind::Rest => rest(&seat, watched, sheet).await,
    }?;
    let host = seat.host();
    let viewer = Usage::own();
    sheet.add("memory", "host_rss_kib", host.rss()?);
    sheet.add("memory", "host_peak_kib", host.peak()?);
    sheet.add("memory", "viewer_and_bench_rss_kib", viewer.rss()?);
    Ok(())
}

/// What nothing costs.
async fn rest(seat: &Seat, watched: Duration, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (host, bytes) = (seat.host(), seat.viewer.stats().bytes_received);
    let (cpu, began) = (host.cpu()?, Instant::now());
    sleep(watched).await;
    let lasted = began.elapsed().as_secs_f64();
    sheet.add("rest", "host_cpu_percent", (host.cpu()? - cpu) * 100.0 / lasted);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let received = (seat.viewer.stats().bytes_received - bytes) as f64;
    sheet.add("rest", "bytes_per_s", received / lasted);
    Ok(())
}
