//! The program `nearhand-viewer`: carries out what was typed; at the end one sentence and the exit code. The window
//! has the main thread to itself; everything else runs on the runtime beside it.

use nearhand_desktop::words::{Language, Words};
use nearhand_proto::{
    close::Close,
    code::CodeError,
    net::{Identity, Moves},
};
use nearhand_viewer::{
    config::{self, Config, Enrol, Refusal, Run},
    headless::{OnSignal, drive},
    session::Figures,
    slips::Slips,
    state::State,
    viewer::{self, ViewerConfig},
    window::{self, desk::Setting},
};
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
    time::Duration,
};
use tracing_subscriber::EnvFilter;

/// For how long a lost host is dialled anew.
const ABSENCE: Duration = Duration::from_secs(600);

fn main() -> std::process::ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(io::stderr(), "no runtime: {error}");
            return Close::Internal.exit_code().into();
        }
    };
    let done = match Config::from_args(std::env::args_os()) {
        Ok(Config::Enrol(wanted)) => runtime.block_on(enrol(wanted)),
        Ok(Config::Run(wanted)) => runtime.block_on(run(*wanted)),
        Ok(Config::Window(wanted)) => open(&runtime, *wanted),
        Err(refusal) => Ok(runtime.block_on(refuse(&refusal))),
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{error:#}");
        Close::Internal.exit_code()
    })
    .into()
}

async fn refuse(refusal: &Refusal) -> u8 {
    refusal.print();
    if let Refusal::Mistyped(CodeError::Check, Some((relay, state))) = refusal
        && let Ok(technician) = technician(state)
    {
        viewer::report_mistyped(relay.clone(), technician).await;
    }
    refusal.exit_code()
}

fn open(runtime: &tokio::runtime::Runtime, wanted: config::Window) -> anyhow::Result<u8> {
    let config::Window { typed, want, relay, patience, state } = wanted;
    let words = Words::new(Language::of_the_user());
    let setting = Setting { state, relay, want, patience };
    window::run(runtime, window::Start { typed, setting, words })?;
    Ok(0)
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
        moves: Moves::default(),
        absence: ABSENCE,
        step: nearhand_proto::net::STEP,
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
