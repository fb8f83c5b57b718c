//! The relay's figures: the real program in a process of its own, hosts and viewers of the product's parts in this
//! one, all on this machine. Each kind of figure has a fresh relay with default settings.

mod bulk;
mod end;
mod idle;
mod pair;
mod pairing;
mod ping;
mod sheet;

use self::sheet::{Section, Sheet};
use crate::{
    machine::{Machine, quiet},
    peers, say,
};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::{io::Write as _, path::PathBuf, time::Duration};

/// What can be typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Pairs of the bulk runs, comma separated
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 8])]
    pairs: Vec<usize>,
    /// Length of each bulk run and of the pairings, seconds
    #[arg(long, value_name = "S", default_value_t = 4)]
    seconds: u64,
    /// Repetitions; the median counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    reps: usize,
    /// Idle sessions whose memory is measured
    #[arg(long, value_name = "N", default_value_t = 500)]
    idle: usize,
    /// Pings
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pings: usize,
    /// Kinds of figures, comma separated; all if nothing is said
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Bulk, Kind::Ping, Kind::Idle, Kind::Pairing])]
    only: Vec<Kind>,
    /// How long to wait before each figure until nothing else runs, seconds
    #[arg(long, value_name = "S", default_value_t = 20)]
    quiet: u64,
    /// A smoke run: one repetition, a second each, few pairs; its figures say nothing, but it fails if one is not above 0
    #[arg(long)]
    quick: bool,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// The relay's program [default: nearhand-relay beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
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
    /// Throughput and processor time
    Bulk,
    /// Latency
    Ping,
    /// Memory of idle sessions
    Idle,
    /// Pairings a second and their processor time
    Pairing,
}

/// Measures and prints.
///
/// # Errors
/// If something could not be measured.
pub(crate) async fn run(mut args: Args) -> anyhow::Result<()> {
    if args.quick {
        (args.reps, args.seconds, args.idle, args.pings, args.quiet) = (1, 1, 40, 2_000, 0);
        args.pairs.iter_mut().for_each(|pairs| *pairs = (*pairs).min(2));
    }
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("nearhand-relay"),
    };
    let machine = Machine::look().await?;
    let mut sheet = Sheet::default();
    for round in 1..=args.reps.max(1) {
        say(&format!("round {round} of {}", args.reps.max(1)));
        for kind in &args.only {
            let idle = quiet(Duration::from_secs(args.quiet)).await?;
            sheet.add(Section::Whole, "idle_before_percent", idle);
            measure(*kind, &args, &program, &mut sheet).await.with_context(|| format!("{kind:?}"))?;
        }
        if let Some(command) = &args.between {
            peers::between(command).await?;
        }
    }
    let missing = sheet.missing();
    anyhow::ensure!(!args.quick || missing.is_empty(), "not above 0: {}", missing.join(", "));
    report(&args, &sheet, &machine)
}

fn report(args: &Args, sheet: &Sheet, machine: &Machine) -> anyhow::Result<()> {
    let (mut out, version) = (std::io::stdout(), env!("CARGO_PKG_VERSION"));
    if !args.json {
        let reps = args.reps.max(1);
        writeln!(out, "{}\nnearhand-relay {version}, {reps} repetitions; {}", sheet.table(), machine.line())?;
        return Ok(());
    }
    let mut report = sheet.json();
    report.insert("machine".to_owned(), machine.json());
    report.insert("version".to_owned(), json!(version));
    report.insert("seconds".to_owned(), json!(args.seconds));
    report.insert("reps".to_owned(), json!(args.reps));
    if let Some(file) = &args.beside {
        report.insert("peers".to_owned(), peers::figures(file)?);
    }
    writeln!(out, "{}", Value::Object(report))?;
    Ok(())
}

async fn measure(
    kind: Kind,
    args: &Args,
    program: &std::path::Path,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let seconds = Duration::from_secs(args.seconds.max(1));
    match kind {
        Kind::Bulk => {
            for pairs in &args.pairs {
                say(&format!("bulk, {pairs} pairs"));
                bulk::measure(program, *pairs, seconds, sheet).await?;
            }
            Ok(())
        }
        Kind::Ping => {
            say("ping");
            ping::measure(program, args.pings, sheet).await
        }
        Kind::Idle => {
            say(&format!("idle, {} pairs", args.idle));
            idle::measure(program, args.idle, sheet).await
        }
        Kind::Pairing => {
            say("pairings");
            pairing::measure(program, seconds, sheet).await
        }
    }
}
