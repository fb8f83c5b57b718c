//! `nearhand-relay`: the relay, and its operator's commands.

use clap::{Parser, Subcommand};
use nearhand_relay::{
    admin,
    config::{Config, ServeArgs},
    relay::Relay,
};
use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};
use tokio::runtime::Builder;

/// Pairs user and technician by session code, forwards their packets without being able to read them, and keeps the
/// record of what was done.
#[derive(Parser)]
#[command(name = "nearhand-relay", version, after_long_help = EXAMPLES)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the relay; prints 'ready' and the relay string once it serves
    Serve(ServeArgs),
    #[command(flatten)]
    Admin(admin::Command),
}

const EXAMPLES: &str = "\
Examples:
  nearhand-relay serve --data /var/lib/nearhand --name relay.example.org --desk 'Example Help Desk'
  nearhand-relay technician add 'Vera Example' --data /var/lib/nearhand
  nearhand-relay record list --data /var/lib/nearhand

SIGTERM drains: no new session, running ones go on for up to a minute. A second SIGTERM ends at once; running sessions
then wait for the relay to come back.
Exit codes: 0 done, 1 failed (the sentence says why), 2 wrong command line.
";

/// Threads that serve: half of the processors, at least one. What is forwarded is one task's work; a second thread on two
/// processors is woken for every packet that comes meanwhile, finds nothing to do, and takes a fifth more processor time.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |all| (all.get() / 2).max(1))
}

fn main() -> ExitCode {
    match Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "nearhand-relay: can't start threads: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match Args::parse().command {
        Command::Admin(command) => admin::run(command).await,
        Command::Serve(args) => match serve(args).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "nearhand-relay: {}", in_words(&error));
                ExitCode::FAILURE
            }
        },
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let relay = Relay::start(Config::resolve(args)?).await?;
    writeln!(std::io::stdout(), "ready {}", relay.string())?;
    if let Some(file) = relay.string().file_name() {
        tracing::info!(file, "the host under this file name knows this relay by itself");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = relay.ended() => {
            relay.stop().await;
            anyhow::bail!("the relay can't use its UDP port any more; start it again");
        }
    }
    tracing::info!("draining; a second signal ends at once");
    tokio::select! {
        () = relay.drain() => {}
        _ = terminate.recv() => tracing::warn!("ended at once"),
        _ = interrupt.recv() => tracing::warn!("ended at once"),
    }
    Ok(())
}

/// The error and its causes, each said once.
fn in_words(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause if said.is_empty() => cause,
        cause => format!("{said}: {cause}"),
    })
}
