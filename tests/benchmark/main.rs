//! `nearhand-bench`: figures of the real programs on this machine. Run by `tests/bench`, which builds them first; not
//! part of the product, and no test: nothing here fails because a machine is slow.
#![forbid(unsafe_code)]

mod congestion;
mod machine;
mod relay;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures Nearhand on this machine.
#[derive(Parser)]
#[command(name = "nearhand-bench", version)]
struct Args {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// Congestion control: how old the picture gets, and how fast bulk is, on bad links
    Congestion(congestion::Args),
    /// The relay's program: throughput, processor time, memory, latency, pairings
    Relay(relay::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Args::parse().subject {
        Subject::Congestion(args) => congestion::run(args).await,
        Subject::Relay(args) => relay::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "nearhand-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
