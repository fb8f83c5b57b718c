//! What was typed, resolved once: [`Config`] has no option with a hidden default. Called by `main.rs`.

use crate::{
    headless::{Commands, EXIT_FAILED, EXIT_INTERRUPTED, Plan, parse},
    state::{State, StateError},
};
use clap::{ArgGroup, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use nearhand_proto::{
    close::Close,
    code::{CodeError, SessionCode},
    control::Token,
    relay_string::RelayString,
    rights::Rights,
};
use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

/// Exit code for a command line or script that is not understood; clap has the same.
const EXIT_USAGE: u8 = 2;

/// What the program is to do.
pub enum Config {
    /// Make this computer's key a technician's.
    Enrol(Enrol),
    /// Hold a session.
    Run(Box<Run>),
    /// Open the technician's window.
    Window(Box<Window>),
}

/// A window.
pub struct Window {
    /// What was typed as a code, as it is.
    pub typed: String,
    /// The rights that a session asks for at its start.
    pub want: Rights,
    /// Where hosts wait; `None` before the first enrolment.
    pub relay: Option<RelayString>,
    /// For how long a relay that does not answer is dialled.
    pub patience: Duration,
    /// Where the key is.
    pub state: State,
}

/// An enrolment.
pub struct Enrol {
    /// Where.
    pub relay: RelayString,
    /// The one-time token.
    pub token: Token,
    /// For how long a relay that does not answer is dialled.
    pub patience: Duration,
    /// Where the key goes.
    pub state: State,
}

/// A session.
pub struct Run {
    /// Where the host waits.
    pub relay: RelayString,
    /// Its code.
    pub code: SessionCode,
    /// What to do there.
    pub plan: Plan,
    /// For how long a relay that does not answer is dialled.
    pub patience: Duration,
    /// Where the key is.
    pub state: State,
}

/// Why the program does not begin.
#[non_exhaustive]
pub enum Refusal {
    /// `--help`, `--version`, or something that clap does not understand.
    Usage(clap::Error),
    /// A script, a command or a setting that won't do; the sentence says why.
    Input(String),
    /// A code with a typing slip; and where to report it, if that is known.
    Mistyped(CodeError, Option<(RelayString, State)>),
    /// The state folder can't be used.
    State(StateError),
}

#[derive(Parser)]
#[command(
    name = "nearhand-viewer",
    version,
    about = "Nearhand's viewer: the technician's end. Without a subcommand it opens the technician's window",
    args_conflicts_with_subcommands = true
)]
struct Typed {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    window: TypedWindow,
}

#[derive(Args)]
struct TypedWindow {
    /// The session code that the user reads out, in any grouping; asked for in the window if it is missing
    #[arg(value_name = "CODE", num_args = 0..)]
    code: Vec<String>,
    #[command(flatten)]
    terms: TypedTerms,
}

/// What goes with a code, in the window or without one.
#[derive(Args)]
struct TypedTerms {
    /// The rights to ask the user for, joined by commas
    #[arg(long, value_name = "RIGHTS", default_value = "view,control")]
    want: Rights,
    /// The relay string [default: that of the last enrolment]
    #[arg(long, value_name = "STRING")]
    relay: Option<RelayString>,
    /// Folder of the key and settings [default: the XDG state folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Seconds to try for a relay that does not answer at the start
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    dial_for: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Make this computer's key a technician's, once, with a token from the relay's operator
    Enrol {
        /// The token that 'nearhand-relay technician add NAME' printed
        #[arg(allow_hyphen_values = true)]
        token: String,
        /// The relay string, as the relay printed it after 'ready'
        #[arg(long, value_name = "STRING")]
        relay: RelayString,
        /// Folder of the key and settings [default: the XDG state folder]
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// Seconds to try for a relay that does not answer
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        dial_for: u64,
    },
    /// Hold a session with the computer that waits under CODE; commands in, JSON Lines out
    Run(TypedRun),
}

#[derive(Args)]
#[command(group(ArgGroup::new("commands").required(true).args(["script", "do_", "stdio"])))]
struct TypedRun {
    /// The session code that the user reads out, in any grouping
    #[arg(required = true, value_name = "CODE", num_args = 1..)]
    code: Vec<String>,
    #[command(flatten)]
    terms: TypedTerms,
    /// Run the commands of this file, one a line
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Run these commands, separated by '; '
    #[arg(long = "do", id = "do_", value_name = "COMMANDS")]
    do_: Option<String>,
    /// Run the commands that come on standard input, one a line
    #[arg(long)]
    stdio: bool,
}

const EXAMPLES: &str = "\
Examples:
  nearhand-viewer
  nearhand-viewer 384 711 904 253
  nearhand-viewer enrol --relay 'relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU' TOKEN
  nearhand-viewer run 384 711 904 253 --do 'wait-settled; snapshot desk.png'
  nearhand-viewer run 384711904253 --want view,control --do 'key ctrl+alt+t; wait-settled; type uname -a; key Return'
  nearhand-viewer run 384-711-904-253 --stdio

Commands:
  wait-settled [MS]        snapshot FILE.png        watch X Y            monitor N
  move X Y                 click X Y [left|middle|right]                 drag X1 Y1 X2 Y2
  wheel X Y N              key ctrl+alt+t           hold KEYS            release KEYS
  type TEXT                note TEXT                clipboard TEXT       ask RIGHTS
  stats                    end
";

impl Config {
    /// Resolves the program's arguments, its own name first. Reads the script and the state folder.
    ///
    /// # Errors
    /// [`Refusal`]: what to say, and with which exit code.
    pub fn from_args<A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> Result<Self, Refusal> {
        let command = Typed::command().after_long_help(format!("{EXAMPLES}\n{}", exit_codes()));
        let typed = Typed::from_arg_matches(&command.try_get_matches_from(args).map_err(Refusal::Usage)?);
        let typed = typed.map_err(Refusal::Usage)?;
        let Some(command) = typed.command else {
            return window(typed.window).map(|window| Self::Window(Box::new(window)));
        };
        match command {
            Command::Enrol { token, relay, state, dial_for } => {
                let state = State::open(state).map_err(Refusal::State)?;
                let patience = Duration::from_secs(dial_for);
                Ok(Self::Enrol(Enrol { relay, token: Token(token), patience, state }))
            }
            Command::Run(typed) => resolve(typed).map(|run| Self::Run(Box::new(run))),
        }
    }
}

impl Refusal {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(error) => u8::try_from(error.exit_code()).unwrap_or(EXIT_USAGE),
            Self::Input(_) => EXIT_USAGE,
            Self::Mistyped(..) => Close::Mistyped.exit_code(),
            Self::State(_) => Close::Internal.exit_code(),
        }
    }

    /// Says it: help on standard output, everything else as a sentence on standard error.
    pub fn print(&self) {
        match self {
            Self::Usage(error) => {
                let _ = error.print(); // nowhere left to say it
            }
            Self::Input(sentence) => eprintln!("{sentence}"),
            Self::Mistyped(error, _) => eprintln!("{error}"),
            Self::State(error) => match std::error::Error::source(error) {
                Some(source) => eprintln!("{error} ({source})"),
                None => eprintln!("{error}"),
            },
        }
    }
}

impl TypedTerms {
    /// The rights, the relay if one is known, for how long it is dialled, and the state folder.
    fn resolve(self) -> Result<(Rights, Option<RelayString>, Duration, State), Refusal> {
        if !self.want.contains(Rights::VIEW) {
            return Err(Refusal::Input("--want needs at least 'view'".to_owned()));
        }
        let state = State::open(self.state).map_err(Refusal::State)?;
        let relay = match self.relay {
            Some(relay) => Some(relay),
            None => state.relay().map_err(Refusal::State)?,
        };
        Ok((self.want, relay, Duration::from_secs(self.dial_for), state))
    }
}

fn window(typed: TypedWindow) -> Result<Window, Refusal> {
    let (want, relay, patience, state) = typed.terms.resolve()?;
    Ok(Window { typed: typed.code.join(" "), want, relay, patience, state })
}

fn resolve(typed: TypedRun) -> Result<Run, Refusal> {
    let commands = commands(&typed)?;
    let code = typed.code.join(" ").parse();
    let (want, relay, patience, state) = typed.terms.resolve()?;
    match (code, relay) {
        (Ok(code), Some(relay)) => Ok(Run { relay, code, plan: Plan { commands, want }, patience, state }),
        (Err(error), relay) => Err(Refusal::Mistyped(error, relay.map(|relay| (relay, state)))),
        (Ok(_), None) => Err(Refusal::Input(
            "no relay is known here; enrol first with 'nearhand-viewer enrol', or give --relay STRING"
                .to_owned(),
        )),
    }
}

fn commands(typed: &TypedRun) -> Result<Commands, Refusal> {
    if let Some(path) = &typed.script {
        let unreadable =
            |why: String| Refusal::Input(format!("can't read the script {}: {why}", path.display()));
        let length = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if usize::try_from(length).is_ok_and(|length| length <= parse::MAX_SCRIPT) {
            let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
            let steps = parse::script(&text)
                .map_err(|error| Refusal::Input(format!("{}, {error}", path.display())))?;
            return Ok(Commands::script(steps));
        }
        return Err(unreadable("it has more than 1 MiB".to_owned()));
    }
    if let Some(text) = &typed.do_ {
        return parse::parts(text).map(Commands::script).map_err(|error| Refusal::Input(error.to_string()));
    }
    Commands::standard_input()
        .map_err(|error| Refusal::Input(format!("standard input can't be read: {error}")))
}

/// Every exit code and what it says, for people.
pub fn exit_codes() -> String {
    let mut rows: Vec<(u8, &str)> = Close::ALL.iter().map(|why| (why.exit_code(), why.sentence())).collect();
    rows.push((EXIT_USAGE, "the command line or the script is not understood; nothing was dialled"));
    rows.push((EXIT_FAILED, "a command of the script failed; the event 'failed' says which and why"));
    rows.push((EXIT_INTERRUPTED, "stopped by Ctrl+C or a signal; the session was ended"));
    rows.sort_by_key(|row| row.0);
    let rows = rows.iter().map(|(code, words)| format!("  {code:>3}  {words}\n"));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests;
