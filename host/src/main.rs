//! `nearhand-host`: the user's end. The main thread is the front's, since windows want it; the host runs beside it.

mod start;

use clap::Parser as _;
use nearhand_host::{config::Args, relays};
use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// Exit code of a wrong command line, or of wrong settings.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // The injector's library logs what it types; that never stands in a log, whatever RUST_LOG says.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "error".into())
        .add_directive("enigo=off".parse().expect("a fixed directive parses"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let args = Args::parse();
    match args.unblocks() {
        Ok(None) => start::run(args),
        Ok(Some((host, book))) => {
            match relays::unblock(&book, host, &mut io::stdin().lock(), &mut io::stderr()) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(error) => fail(&error, USAGE),
            }
        }
        Err(error) => fail(&error, USAGE),
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "nearhand-host: {error}");
    code.into()
}
