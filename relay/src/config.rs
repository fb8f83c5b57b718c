//! What was typed (command line, `config.toml`) and what follows from it, resolved once.

use crate::limits::Limits;
use clap::Args as ClapArgs;
use nearhand_proto::text::{Name, printable, printable_lines};
use serde::Deserialize;
use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the relay listens if nothing is said.
const DEFAULT_LISTEN: &str = "[::]:4433";

/// What can be typed for `serve`.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct ServeArgs {
    /// Folder for the relay's key and record; made if it isn't there
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// UDP address to listen on; by default port 4433 of every address
    #[arg(long, value_name = "ADDR", help = "UDP address to listen on [default: [::]:4433]")]
    pub listen: Option<String>,
    /// Name or address by which hosts and viewers reach this relay; needed when --listen names no single address
    #[arg(long, value_name = "HOST")]
    pub name: Option<String>,
    /// The help desk's name, as users see it [default: the relay's name]
    #[arg(long, value_name = "NAME")]
    pub desk: Option<Name>,
    /// Settings in TOML: listen, name, desk, drain_seconds, the table limits; the command line wins
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What can stand in the file. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<String>,
    name: Option<String>,
    desk: Option<Name>,
    /// How long running sessions may go on after SIGTERM. Seconds, default 60.
    drain_seconds: Option<u64>,
    #[serde(default)]
    limits: Limits,
}

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Key and record.
    pub data: PathBuf,
    /// UDP address to bind; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Host part of the relay string.
    pub name: String,
    /// The help desk's name.
    pub desk: Name,
    /// How long running sessions may go on after SIGTERM. Default 60 s.
    pub drain: Duration,
    /// After how long an absent end's session counts as lost. 10 min.
    pub absence: Duration,
    /// The brakes.
    pub limits: Limits,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the settings in {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML or has unknown keys.
    #[error("the settings in {path} are wrong: {why}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why, as it may be shown.
        why: String,
    },
    /// `--listen` is no address.
    #[error("'{0}' is no address to listen on; write it like 0.0.0.0:4433 or [::]:4433")]
    Listen(String),
    /// No name to give to users.
    #[error("--listen {0} is no single address: say with --name how hosts and viewers reach this relay")]
    NoName(SocketAddr),
    /// The name would not parse in a relay string.
    #[error("'{0}' can't stand in a relay string; --name takes a DNS name or an address, without port")]
    Name(String),
}

impl Config {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn resolve(args: ServeArgs) -> Result<Self, ConfigError> {
        let file = args.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let typed = args.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let listen = typed
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .ok_or_else(|| ConfigError::Listen(printable(&typed)))?;
        let name = match args.name.or(file.name) {
            Some(name) => name,
            None if listen.ip().is_unspecified() => return Err(ConfigError::NoName(listen)),
            None => listen.ip().to_string(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if name.is_empty() || 253 < name.len() || !name.chars().all(plain) {
            return Err(ConfigError::Name(printable(&name)));
        }
        Ok(Self {
            data: args.data,
            listen,
            desk: args.desk.or(file.desk).unwrap_or_else(|| Name::lossy(&name)),
            name,
            drain: Duration::from_secs(file.drain_seconds.unwrap_or(60)),
            absence: Duration::from_secs(600),
            limits: file.limits,
        })
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| ConfigError::Parse {
        path: path.to_owned(),
        why: printable_lines(&error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(listen: &str, name: Option<&str>) -> ServeArgs {
        ServeArgs { listen: Some(listen.into()), name: name.map(Into::into), ..ServeArgs::default() }
    }

    #[test]
    fn a_name_is_needed_where_the_address_says_nothing() {
        assert!(matches!(Config::resolve(args("0.0.0.0:4433", None)), Err(ConfigError::NoName(_))));
        let config = Config::resolve(args("127.0.0.1:0", None)).unwrap();
        assert_eq!((config.name.as_str(), config.desk.as_str()), ("127.0.0.1", "127.0.0.1"));
        assert!(Config::resolve(args("[::]:4433", Some("relay.example.org"))).is_ok());
        assert!(matches!(Config::resolve(args("[::]:4433", Some("a b"))), Err(ConfigError::Name(_))));
        assert!(matches!(Config::resolve(args("nowhere", None)), Err(ConfigError::Listen(_))));
    }

    #[test]
    fn the_file_fills_gaps_and_unknown_keys_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "desk = 'Help'\ndrain_seconds = 5\n[limits]\nwrong_codes_per_hour = 3\n")
            .unwrap();
        let typed = ServeArgs { config: Some(path.clone()), ..args("127.0.0.1:0", None) };
        let config = Config::resolve(typed.clone()).unwrap();
        assert_eq!(config.desk.as_str(), "Help");
        assert_eq!(config.drain, Duration::from_secs(5));
        assert_eq!((config.limits.wrong_codes_per_hour, config.limits.wrong_codes_per_day), (3, 20));
        std::fs::write(&path, "dsek = 'Help'\n").unwrap();
        assert!(matches!(Config::resolve(typed.clone()), Err(ConfigError::Parse { .. })));
        std::fs::write(&path, "desk = \u{1b}[31m\n").unwrap();
        assert!(!Config::resolve(typed).unwrap_err().to_string().contains('\u{1b}'));
    }
}
