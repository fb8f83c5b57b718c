//! `nearhand-bench`: figures of the real programs on this machine. Run by `tests/bench`, which builds them first; not
//! part of the product, and no test: nothing here fails because a machine is slow.
#![forbid(unsafe_code)]

mod codec;
mod congestion;
mod machine;
mod peers;
mod percentile;
mod process;
mod relay;
mod screen;

use self::percentile::percentile;
use clap::{Parser, Subcommand};
use std::{io::Write as _, process::ExitCode};

/// Measures Nearhand on this machine.
#[derive(Parser)]
#[command(name = "nearhand-bench", version)]
struct Args {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// The picture's codec alone: bytes, processor time and worst frame on clips of real programs
    Codec(codec::Args),
    /// Congestion control: how old the picture gets, and how fast bulk is, on bad links
    Congestion(congestion::Args),
    /// The relay's program: throughput, processor time, memory, latency, pairings
    Relay(relay::Args),
    /// The picture: how soon a change is seen, what it costs in bytes and processor time
    Screen(screen::Args),
    /// Paints what 'screen' looks at; run by it
    #[command(hide = true)]
    Paint(screen::paint::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Args::parse().subject {
        Subject::Codec(args) => codec::run(args).await,
        Subject::Congestion(args) => congestion::run(args).await,
        Subject::Relay(args) => relay::run(args).await,
        Subject::Screen(args) => screen::run(args).await,
        Subject::Paint(args) => screen::paint::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "nearhand-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// To people who wait.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "-- {what}");
}
