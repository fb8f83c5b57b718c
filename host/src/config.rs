//! What was typed, and what follows from it, resolved once.

use crate::{capture, host::HostConfig, inject, session::Desktop};
use clap::{Parser, ValueEnum};
use nearhand_proto::{
    close::Close, net::IDLE, pair::Lifetimes, relay_string::RelayString, rights::Rights, session::consent,
    text::Name,
};
use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

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
    /// Use the terminal (the only front there is for now)
    #[arg(long)]
    no_window: bool,
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
    codes.retain(|(code, _)| [1, 8, 9, 10, 12, 13, 14, 15, 16, 17].contains(code));
    codes.extend([(0, "done"), (2, "wrong command line")]);
    codes.sort();
    codes.dedup_by_key(|(code, _)| *code);
    let rows: String = codes.iter().map(|(code, words)| format!("\n  {code:2}  {words}")).collect();
    format!(
        "Example:\n  nearhand-host --relay relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\n\n\
         Keys while it runs:\n  y / n  answer a question\n  \
         c      take control back (they may go on watching)\n  \
         v      stop showing the screen (they may ask again)\n  \
         q      end the session, or the program if nobody is connected\n\n\
         Exit codes (with --once those of the session as well):{rows}"
    )
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No relay named, none remembered.
    #[error("no relay is known yet: ask your help desk for its relay string and start with --relay STRING")]
    NoRelay,
    /// The remembered relay can't be read or written.
    #[error("can't use {path}: {source}")]
    State {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is remembered is no relay string.
    #[error("{0} is damaged; start with --relay STRING once")]
    Damaged(PathBuf),
    /// `--allow control`.
    #[error("--allow control needs view as well: --allow view,control")]
    ControlWithoutView,
    /// No folder.
    #[error("this system names no home folder; say with --state DIR where settings may be kept")]
    NoFolder,
}

impl Args {
    /// Resolves what was typed; remembers a relay that was named.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn resolve(self) -> Result<HostConfig, ConfigError> {
        if !self.allow.is_empty() && !self.allow.contains(Rights::VIEW) {
            return Err(ConfigError::ControlWithoutView);
        }
        let folder = match self.state {
            Some(folder) => folder,
            None => default_folder().ok_or(ConfigError::NoFolder)?,
        };
        let relay = relay(&folder, self.relay)?;
        let backend = self.capture;
        let desktop = Desktop {
            capture: Arc::new(move || open(backend)),
            inject: Arc::new(|| -> inject::Open { inject::enigo::open(None) }),
        };
        Ok(HostConfig {
            relay,
            preset: self.allow,
            computer: computer(),
            has_user: std::io::stdin().is_terminal(),
            lifetimes: Lifetimes::default(),
            answer: consent::PATIENCE,
            idle: IDLE,
            absence: Duration::from_secs(600),
            patience: Duration::from_secs(self.dial_for),
            once: self.once,
            desktop,
        })
    }
}

fn open(backend: Backend) -> capture::Open {
    match backend {
        Backend::X11 => capture::x11::open(None),
        #[cfg(feature = "scrap")]
        Backend::Scrap => capture::scrap::open(),
    }
}

fn default_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "nearhand-host")?;
    Some(folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned())
}

/// The relay named now, then remembered; or the one remembered.
fn relay(folder: &Path, named: Option<RelayString>) -> Result<RelayString, ConfigError> {
    let path = folder.join("relay");
    let fault = |source| ConfigError::State { path: path.clone(), source };
    if let Some(relay) = named {
        std::fs::create_dir_all(folder).map_err(fault)?;
        let draft = folder.join("relay.new");
        std::fs::write(&draft, format!("{relay}\n")).map_err(fault)?;
        std::fs::rename(&draft, &path).map_err(fault)?;
        return Ok(relay);
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => text.parse().map_err(|_| ConfigError::Damaged(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ConfigError::NoRelay),
        Err(error) => Err(fault(error)),
    }
}

fn computer() -> Name {
    Name::lossy(&rustix::system::uname().nodename().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    #[test]
    fn a_relay_named_once_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(relay(folder.path(), None), Err(ConfigError::NoRelay)));
        let named = RelayString { host: "a.example".into(), port: 1, key: Fingerprint::of(b"k") };
        assert_eq!(relay(folder.path(), Some(named.clone())).unwrap(), named);
        assert_eq!(relay(folder.path(), None).unwrap(), named);
        std::fs::write(folder.path().join("relay"), "x").unwrap();
        assert!(matches!(relay(folder.path(), None), Err(ConfigError::Damaged(_))));
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        let typed = Args::try_parse_from(["nearhand-host", "--allow", "control"]).unwrap();
        assert!(matches!(typed.resolve(), Err(ConfigError::ControlWithoutView)));
    }
}
