//! What was typed, and what follows from it, resolved once.

mod file;

use self::file::File;
use crate::{
    capture,
    host::HostConfig,
    inject::{self, own::OwnWindows},
    relays::{Book, FindError, Plan, find},
    session::Desktop,
    user::{self, echo::Echoes},
};
use clap::{Parser, ValueEnum};
use nearhand_desktop::words::Language;
use nearhand_proto::{
    close::Close,
    net::{IDLE, Moves, STEP},
    pair::Lifetimes,
    relay_string::RelayString,
    rights::Rights,
    session::consent,
    text::Name,
};
use std::{env, io::IsTerminal as _, path::PathBuf, sync::Arc, time::Duration};

/// Which capture backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// X11 with shared memory, damage and the pointer's own channel
    #[default]
    X11,
    /// The portable one: polls, no pointer
    #[cfg(feature = "scrap")]
    Scrap,
}

/// What can be typed.
#[derive(Debug, Parser)]
#[command(
    name = "nearhand-host",
    version,
    about = "Lets a help-desk technician see this computer's screen, after you have read a code out to them.",
    after_long_help = help()
)]
pub struct Args {
    /// Where your help desk's relay is, and its key: host:port#fingerprint. Remembered for the next time
    #[arg(long, value_name = "STRING")]
    relay: Option<RelayString>,
    /// Use the terminal instead of a window
    #[arg(long)]
    no_window: bool,
    /// Settings in TOML: relay, language [default: nearhand-host.toml beside the program or in the XDG config folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the window speaks: en or de [default: your own language]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Undo that the relay of this host name was called a scam, after a question, and end
    #[arg(long, value_name = "HOST", conflicts_with = "relay")]
    unblock: Option<String>,
    /// Give these rights without asking: for scripts and tests. The record says that they were preset
    #[arg(long, value_name = "RIGHTS", default_value = "none", hide_default_value = true)]
    allow: Rights,
    /// How to read the screen
    #[arg(long, value_enum, default_value_t)]
    capture: Backend,
    /// End after the first session
    #[arg(long)]
    once: bool,
    /// Folder for settings [default: the XDG state folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Seconds to try for a relay that does not answer at the start
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    dial_for: u64,
}

fn help() -> String {
    let mut codes: Vec<_> = Close::ALL.iter().map(|close| (close.exit_code(), close.sentence())).collect();
    codes.retain(|(code, _)| [1, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18].contains(code));
    codes.extend([
        (0, "done"),
        (2, "wrong command line or settings"),
        (11, "you called it a scam; the relay is blocked here"),
    ]);
    codes.sort();
    codes.dedup_by_key(|(code, _)| *code);
    let rows: String = codes.iter().map(|(code, words)| format!("\n  {code:2}  {words}")).collect();
    format!(
        "Example:\n  nearhand-host --relay relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\n\n\
         The relay is the one named by --relay, else by this program's own file name\n\
         (nearhand-host-relay.example.org_4433_FINGERPRINT), else by the settings file, else the one remembered; else\n\
         you are asked. A new relay is used once you have confirmed it; --relay with --no-window confirms it.\n\n\
         Keys in the terminal (--no-window):\n  y / n  answer a question\n  \
         p      pause: they see nothing and can do nothing; again to go on\n  \
         g      give control unasked\n  \
         c      take control back (they may go on watching)\n  \
         v      stop showing the screen (they may ask again)\n  \
         q      end the session, or the program if nobody is connected\n  \
         s s    twice within 5 seconds: this is a scam; ends everything and blocks the relay here\n\n\
         Exit codes (with --once those of the session as well):{rows}"
    )
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The settings file can't be read.
    #[error("can't read the settings in {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is wrong.
    #[error("the settings in {path} are wrong; mend or delete that file: {why}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Where and why.
        why: String,
    },
    /// No relay can be had from where one is named.
    #[error(transparent)]
    Relay(#[from] FindError),
    /// `--allow control`.
    #[error("--allow control needs view as well: --allow view,control")]
    ControlWithoutView,
    /// No folder.
    #[error("this system names no home folder; say with --state DIR where settings may be kept")]
    NoFolder,
}

/// What was typed, resolved.
#[derive(Clone)]
pub struct Settings {
    /// The way to the relay.
    pub plan: Plan,
    /// What the window speaks.
    pub language: Language,
    /// The host's own windows: a front adds its own, injected input never acts on them.
    pub own: OwnWindows,
    /// The desktop.
    pub desktop: Desktop,
    preset: Rights,
    patience: Duration,
    once: bool,
}

impl Settings {
    /// The settings of a host at this relay.
    pub fn host(&self, relay: RelayString) -> HostConfig {
        HostConfig {
            relay,
            preset: self.preset,
            computer: computer(),
            has_user: self.plan.window || std::io::stdin().is_terminal(),
            lifetimes: Lifetimes::default(),
            answer: consent::PATIENCE,
            idle: IDLE,
            absence: Duration::from_secs(600),
            step: STEP,
            patience: self.patience,
            moves: Moves::default(),
            once: self.once,
            desktop: self.desktop.clone(),
        }
    }
}

impl Args {
    /// True unless the terminal was asked for.
    pub fn window(&self) -> bool {
        !self.no_window
    }

    /// The language of the window when nothing else can be known: as typed, or the user's.
    pub fn language(&self) -> Language {
        self.language.unwrap_or_else(Language::of_the_user)
    }

    /// The relay to unblock, by host name, and what is known about relays. `None` if nothing is to be unblocked.
    ///
    /// # Errors
    /// [`ConfigError::NoFolder`]
    pub fn unblocks(&self) -> Result<Option<(&str, Book)>, ConfigError> {
        let Some(host) = &self.unblock else { return Ok(None) };
        Ok(Some((host, book(self.state.clone())?)))
    }

    /// Resolves what was typed. Reads the program's own file name, the settings file and the state folder.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn resolve(self) -> Result<Settings, ConfigError> {
        if !self.allow.is_empty() && !self.allow.contains(Rights::VIEW) {
            return Err(ConfigError::ControlWithoutView);
        }
        let file = File::find(self.config, &settings_folders())?;
        let book = book(self.state)?;
        let found = find(self.relay, &own_paths(), file.relay, &book)?;
        let backend = self.capture;
        let (echoes, own) = (Echoes::default(), OwnWindows::default());
        let shielded = own.clone();
        let desktop = Desktop {
            capture: Arc::new(move || open(backend)),
            user: Arc::new(user::x11::watch(None, echoes.clone())),
            inject: Arc::new(move || -> inject::Open {
                inject::enigo::open(None, echoes.clone(), shielded.clone())
            }),
            clipboard: nearhand_desktop::clipboard::system(),
        };
        Ok(Settings {
            plan: Plan { found, book, window: !self.no_window },
            language: self.language.or(file.language).unwrap_or_else(Language::of_the_user),
            own,
            desktop,
            preset: self.allow,
            patience: Duration::from_secs(self.dial_for),
            once: self.once,
        })
    }
}

/// By which paths this program may have been started: as it was called, which may be a link, and where it lies.
fn own_paths() -> Vec<PathBuf> {
    env::args_os().next().map(PathBuf::from).into_iter().chain(env::current_exe()).collect()
}

fn settings_folders() -> Vec<PathBuf> {
    let beside = env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned()));
    beside.into_iter().chain(folders().map(|folders| folders.config_dir().to_owned())).collect()
}

fn folders() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "nearhand-host")
}

fn book(state: Option<PathBuf>) -> Result<Book, ConfigError> {
    let default = || folders().map(|all| all.state_dir().unwrap_or(all.data_local_dir()).to_owned());
    state.or_else(default).map(Book::new).ok_or(ConfigError::NoFolder)
}

fn open(backend: Backend) -> capture::Open {
    match backend {
        Backend::X11 => capture::x11::open(None),
        #[cfg(feature = "scrap")]
        Backend::Scrap => capture::scrap::open(),
    }
}

fn computer() -> Name {
    Name::lossy(&rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        let typed = Args::try_parse_from(["nearhand-host", "--allow", "control"]).unwrap();
        assert!(typed.window());
        assert!(matches!(typed.resolve(), Err(ConfigError::ControlWithoutView)));
    }
}
