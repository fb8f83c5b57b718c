//! The technician's state folder: key and certificate, the relay of the last enrolment, and what slips are counted
//! with. Files of our own only; the identity itself is `nearhand_proto::net`'s. Called at the start of a run.
//!
//! | file | what |
//! |---|---|
//! | `technician.key` | private key, PKCS #8 DER (RFC 5958), mode 0600 |
//! | `technician.cert` | its self-signed certificate, DER |
//! | `technician.relay` | the relay string of the last enrolment |
//! | `slips`, `slips.key`, `slips.lock` | see [`crate::slips`] |
//!
//! Every file is written whole: beside its place, synced, then renamed into it.

#[cfg_attr(unix, path = "state/private_unix.rs")]
#[cfg_attr(not(unix), path = "state/private_other.rs")]
mod private;

use nearhand_proto::{net::Identity, relay_string::RelayString};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const KEY: &str = "technician.key";
const CERTIFICATE: &str = "technician.cert";
const RELAY: &str = "technician.relay";

/// No file of ours is larger, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Why the state folder can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The system names no home for state.
    #[error("this system names no folder for state; choose one with --state DIR")]
    NoFolder,
    /// Reading or writing failed.
    #[error("can't use {}; check the folder or choose another with --state DIR", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Other users of this computer can read a secret.
    #[error("others on this computer can read {}, so it is refused; make it yours alone with chmod 600, or enrol again with a new token if they may have read it", .0.display())]
    Exposed(PathBuf),
    /// A file of ours holds something else.
    #[error("{} is damaged; remove it and enrol again with a new token", .0.display())]
    Damaged(PathBuf),
}

/// The folder. Cloning it is cheap; nothing is kept open.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
}

impl State {
    /// Opens `folder`, or the XDG state folder's `nearhand` if none is given; makes it, for its owner alone.
    ///
    /// # Errors
    /// [`StateError::NoFolder`], or [`StateError::Io`] if it can't be made.
    pub fn open(folder: Option<PathBuf>) -> Result<Self, StateError> {
        let folder = folder.map_or_else(default_folder, Ok)?;
        private::make_folder(&folder).map_err(failed(&folder))?;
        Ok(Self { folder })
    }

    /// The technician's key and certificate; `None` before the first enrolment.
    ///
    /// # Errors
    /// [`StateError::Exposed`] if others can read the key, [`StateError::Damaged`] if one of both is missing or they
    /// don't belong together.
    pub fn identity(&self) -> Result<Option<Identity>, StateError> {
        match (self.read_secret(KEY)?, self.read(CERTIFICATE)?) {
            (Some(key), Some(certificate)) => {
                let identity = Identity::load(certificate, key.into());
                identity.map(Some).map_err(|_| StateError::Damaged(self.path(KEY)))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => Err(StateError::Damaged(self.path(CERTIFICATE))),
            (Some(_), None) => Err(StateError::Damaged(self.path(KEY))),
        }
    }

    /// Keeps a new identity in the place of any other.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn save_identity(&self, identity: &Identity) -> Result<(), StateError> {
        self.write(KEY, identity.pkcs8())?;
        self.write(CERTIFICATE, identity.certificate())
    }

    /// The relay of the last enrolment.
    ///
    /// # Errors
    /// [`StateError::Damaged`] if the file holds no relay string.
    pub fn relay(&self) -> Result<Option<RelayString>, StateError> {
        let Some(bytes) = self.read(RELAY)? else { return Ok(None) };
        let relay = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        relay.map(Some).ok_or_else(|| StateError::Damaged(self.path(RELAY)))
    }

    /// Keeps the relay that `run` dials when no other is given.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn save_relay(&self, relay: &RelayString) -> Result<(), StateError> {
        self.write(RELAY, format!("{relay}\n").as_bytes())
    }

    /// The path of the file `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The bytes of the file `name`; `None` if there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(found) if MAX_FILE < found.len() => return Err(StateError::Damaged(path)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path)(error)),
        }
        fs::read(&path).map(Some).map_err(failed(&path))
    }

    /// The same for a file that nobody else may read.
    pub(crate) fn read_secret(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        let path = self.path(name);
        match private::is_private(&path) {
            Ok(true) => self.read(name),
            Ok(false) => Err(StateError::Exposed(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Puts `bytes` into the place of the file `name`, for its owner alone, whole or not at all.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.path(name);
        private::write(&path, bytes).map_err(failed(&path))
    }
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, source }
}

fn default_folder() -> Result<PathBuf, StateError> {
    let folders = directories::ProjectDirs::from("", "", "nearhand").ok_or(StateError::NoFolder)?;
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    fn open() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path().join("new/state"))).unwrap();
        (folder, state)
    }

    #[test]
    fn what_is_saved_is_found_again() {
        let (_folder, state) = open();
        assert!(state.identity().unwrap().is_none());
        assert_eq!(state.relay().unwrap(), None);
        let identity = Identity::generate(1).unwrap();
        state.save_identity(&identity).unwrap();
        assert_eq!(state.identity().unwrap().unwrap().certificate(), identity.certificate());
        let relay = RelayString { host: "::1".into(), port: 4433, key: Fingerprint::of(b"relay") };
        state.save_relay(&relay).unwrap();
        assert_eq!(state.relay().unwrap(), Some(relay));
    }

    #[test]
    fn says_what_is_damaged() {
        let (_folder, state) = open();
        state.write(RELAY, b"nonsense").unwrap();
        assert!(matches!(state.relay(), Err(StateError::Damaged(path)) if path.ends_with(RELAY)));
        state.write(CERTIFICATE, b"alone").unwrap();
        assert!(matches!(state.identity(), Err(StateError::Damaged(_))));
        state.save_identity(&Identity::generate(1).unwrap()).unwrap();
        state.write(CERTIFICATE, Identity::generate(1).unwrap().certificate()).unwrap();
        assert!(matches!(state.identity(), Err(StateError::Damaged(path)) if path.ends_with(KEY)));
        let large = vec![0; usize::try_from(MAX_FILE).unwrap() + 1];
        state.write(RELAY, &large).unwrap();
        assert!(matches!(state.relay(), Err(StateError::Damaged(_))));
    }

    #[test]
    #[cfg(unix)]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, state) = open();
        state.save_identity(&Identity::generate(1).unwrap()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state.folder), 0o700);
        assert_eq!(mode(&state.path(KEY)), 0o600);
        fs::set_permissions(state.path(KEY), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(state.identity(), Err(StateError::Exposed(path)) if path.ends_with(KEY)));
    }

    #[test]
    fn nothing_is_left_beside_the_files() {
        let (_folder, state) = open();
        state.write(RELAY, b"a").unwrap();
        state.write(RELAY, b"b").unwrap();
        let names: Vec<_> =
            fs::read_dir(&state.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [RELAY]);
    }
}
