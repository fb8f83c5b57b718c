//! From the settings to a front and a host that runs beside it, and to the exit code.

use crate::{USAGE, fail};
use nearhand_desktop::words::Words;
use nearhand_host::{
    config::{Args, Settings},
    front::{self, Press, Show, Stage},
    inject::own::OwnWindows,
    relays::{self, RunError},
    terminal,
    window::{self, Setting},
};
use nearhand_proto::close::Close;
use std::{
    error::Error,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// What runs beside the front.
struct Program {
    runtime: Runtime,
    settings: Settings,
    stop: CancellationToken,
}

/// Runs the host to its end.
pub(crate) fn run(args: Args) -> ExitCode {
    let words = args.window().then(|| Words::new(args.language()));
    let settings = match args.resolve() {
        Ok(settings) => settings,
        Err(error) => return faulty(&error, Close::Internal, USAGE, words),
    };
    if let Err(error) = settings.desktop.check() {
        return faulty(&error, Close::NoScreen, Close::NoScreen.exit_code(), words);
    }
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return faulty(&error, Close::Internal, Close::Internal.exit_code(), words),
    };
    let program = Program { runtime, settings, stop: CancellationToken::new() };
    let _signals = AbortOnDropHandle::new(program.runtime.spawn(stop_on_signal(program.stop.clone())));
    if program.settings.plan.window { program.in_a_window() } else { program.in_the_terminal() }
}

/// There is nothing to run: says so on standard error, and in a window to whoever looks at one.
fn faulty(error: &dyn Error, why: Close, code: u8, words: Option<Words>) -> ExitCode {
    let code = fail(error, code);
    if let Some(words) = words {
        let (front, stage) = front::channels();
        for show in [Show::Fault(error.to_string()), Show::Bye(why)] {
            stage.shows.try_send(show).expect("a new channel has room for two");
        }
        // Without a window it stands on standard error alone.
        let stop = CancellationToken::new();
        let _ = window::run(front, Setting { own: OwnWindows::default(), words, stop });
    }
    code
}

impl Program {
    fn in_the_terminal(mut self) -> ExitCode {
        self.settings.plan.window = false;
        self.settings.own.add_terminal();
        let (front, stage) = front::channels();
        let host = self.start(stage, self.stop.clone());
        self.runtime.block_on(terminal::run(front));
        // The front ends once it has shown the last word.
        self.exit_code(host)
    }

    fn in_a_window(self) -> ExitCode {
        let (front, stage) = front::channels();
        let (presses, stop) = (front.presses.clone(), self.stop.child_token());
        let host = self.start(stage, stop.clone());
        let (own, words) = (self.settings.own.clone(), Words::new(self.settings.language));
        let closed = self.stop.clone();
        let Err(error) = window::run(front, Setting { own, words, stop: closed }) else {
            // However it was closed; a host that has ended by then takes nothing any more.
            let _ = presses.blocking_send(Press::Quit);
            return self.exit_code(host);
        };
        // Another front has another say, so it gets a host of its own.
        stop.cancel();
        let _ = self.runtime.block_on(host);
        if !io::stdin().is_terminal() || self.stop.is_cancelled() {
            return fail(&error, Close::Internal.exit_code());
        }
        let _ = writeln!(io::stderr(), "nearhand-host: {error}\nGoing on in this terminal.");
        self.in_the_terminal()
    }

    fn start(&self, stage: Stage, stop: CancellationToken) -> JoinHandle<Result<Close, RunError>> {
        let settings = self.settings.clone();
        let plan = settings.plan.clone();
        self.runtime.spawn(relays::run(plan, move |relay| settings.host(relay), stage, stop))
    }

    fn exit_code(&self, host: JoinHandle<Result<Close, RunError>>) -> ExitCode {
        match self.runtime.block_on(host) {
            Ok(Ok(Close::UserStopped)) => ExitCode::SUCCESS,
            Ok(Ok(why)) => why.exit_code().into(),
            Ok(Err(error @ (RunError::Book(_) | RunError::NoRelay | RunError::Unconfirmed(_)))) => {
                fail(&error, USAGE)
            }
            Ok(Err(error)) => fail(&error, error.close().exit_code()),
            Err(error) => fail(&error, Close::Internal.exit_code()),
        }
    }
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
