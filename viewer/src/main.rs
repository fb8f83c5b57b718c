//! The program `nearhand-viewer`: carries out what was typed; at the end one sentence and the exit code.

use nearhand_proto::{close::Close, code::CodeError, net::Identity};
use nearhand_viewer::{
    config::{Config, Enrol, Refusal, Run},
    headless::{OnSignal, drive},
    session::Figures,
    slips::Slips,
    state::State,
    viewer::{self, ViewerConfig},
};
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::Duration,
};
use tracing_subscriber::EnvFilter;

/// For how long a lost host is dialled anew.
const ABSENCE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let done = match Config::from_args(std::env::args_os()) {
        Ok(Config::Enrol(wanted)) => enrol(wanted).await,
        Ok(Config::Run(wanted)) => run(*wanted).await,
        Err(refusal) => {
            refusal.print();
            if let Refusal::Mistyped(CodeError::Check, Some((relay, state))) = &refusal
                && let Ok(technician) = technician(state)
            {
                viewer::report_mistyped(relay.clone(), technician).await;
            }
            Ok(refusal.exit_code())
        }
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{error:#}");
        Close::Internal.exit_code()
    })
    .into()
}

/// The enrolled key; or a fresh one, so that the relay can tell (and record) that it knows nobody by it.
fn technician(state: &State) -> anyhow::Result<Arc<Identity>> {
    Ok(Arc::new(match state.identity()? {
        Some(identity) => identity,
        None => viewer::new_technician()?,
    }))
}

async fn enrol(Enrol { relay, token, patience, state }: Enrol) -> anyhow::Result<u8> {
    let identity = technician(&state)?;
    // Kept before the relay knows it: a key that is lost after enrolment would cost a new token.
    state.save_identity(&identity)?;
    let enrolled = viewer::enrol(relay.clone(), identity, token, patience).await;
    let technician = match enrolled {
        Ok(technician) => technician,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            return Ok(error.close().exit_code());
        }
    };
    state.save_relay(&relay)?;
    writeln!(io::stdout(), "enrolled as {} at {}", technician.name, technician.desk)?;
    Ok(0)
}

async fn run(Run { relay, code, plan, patience, state }: Run) -> anyhow::Result<u8> {
    let signals = OnSignal::listen()?;
    let config = ViewerConfig {
        relay,
        code,
        want: plan.want,
        technician: technician(&state)?,
        slips: Slips::new(state),
        patience,
        absence: ABSENCE,
    };
    let figures = Arc::new(Figures::default());
    let telemetry = figures.clone();
    let start = |ends| async {
        // The reason is told as the last event.
        let _ = viewer::run(config, ends, figures).await;
    };
    let outcome = drive(plan, io::stdout(), signals.token(), telemetry, start).await;
    if outcome.exit_code() != 0 {
        let _ = writeln!(io::stderr(), "{outcome}");
    }
    Ok(outcome.exit_code())
}
