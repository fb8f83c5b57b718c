//! `nearhand-host`: the user's end.

use clap::Parser as _;
use nearhand_host::{config::Args, front, host, terminal};
use nearhand_proto::close::Close;
use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Exit code of a wrong command line.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    // The injector's library logs what it types; that never stands in a log, whatever RUST_LOG says.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "error".into())
        .add_directive("enigo=off".parse().expect("a fixed directive parses"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let config = match Args::parse().resolve() {
        Ok(config) => config,
        Err(error) => return fail(&error, USAGE),
    };
    if let Err(error) = tokio::task::block_in_place(|| config.desktop.check()) {
        return fail(&error, Close::NoScreen.exit_code());
    }
    let (front, stage) = front::channels();
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone()));
    let shown = tokio::spawn(terminal::run(front));
    let result = host::run(config, stage, stop).await;
    signals.abort();
    let code = match result {
        Ok(Close::UserStopped) => ExitCode::SUCCESS,
        Ok(why) => why.exit_code().into(),
        Err(error) => fail(&error, error.close().exit_code()),
    };
    // The front ends once it has shown the last word.
    let _ = shown.await;
    code
}

async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return;
    };
    // Hangup: the user has closed the terminal.
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
    stop.cancel();
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "nearhand-host: {error}");
    code.into()
}
