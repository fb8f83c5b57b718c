//! The relay's own keys, in `--data DIR`: the TLS key that the relay string pins, and the stateless-reset key
//! (RFC 9000 §10.3), kept so that control connections of a crashed run die at once.

use nearhand_proto::net::{Identity, IdentityError, random};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Validity of the certificate; clients pin the key and don't look at it.
const DAYS: i64 = 3_650;

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// A file can't be read or written.
    #[error("can't use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others could read a key.
    #[error("{0} can be read by others; run: chmod 600 {0}")]
    Open(PathBuf),
    /// The files don't belong together.
    #[error(
        "the relay's key in {folder} is unusable; restore it from a backup, since clients know this relay by it"
    )]
    Identity {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: IdentityError,
    },
}

/// Both keys.
pub struct Keys {
    /// For TLS.
    pub identity: Identity,
    /// For stateless resets.
    pub reset: Zeroizing<Vec<u8>>,
}

impl Keys {
    /// Loads the keys of a data folder, or makes them if it has none.
    ///
    /// # Errors
    /// [`KeysError`]
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| KeysError::File { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault(folder))?;
        let (certificate, key, reset) =
            (folder.join("relay.crt"), folder.join("relay.key"), folder.join("reset.key"));
        if !key.exists() {
            let made = Identity::generate(DAYS)
                .map_err(|source| KeysError::Identity { folder: folder.to_owned(), source })?;
            write(&certificate, made.certificate()).map_err(fault(&certificate))?;
            write(&key, made.pkcs8()).map_err(fault(&key))?;
        }
        if !reset.exists() {
            write(&reset, &random::<64>()).map_err(fault(&reset))?;
        }
        for secret in [&key, &reset] {
            let mode = fs::metadata(secret).map_err(fault(secret))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeysError::Open(secret.clone()));
            }
        }
        let pkcs8 = Zeroizing::new(fs::read(&key).map_err(fault(&key))?);
        let identity = Identity::load(fs::read(&certificate).map_err(fault(&certificate))?, pkcs8)
            .map_err(|source| KeysError::Identity { folder: folder.to_owned(), source })?;
        Ok(Self { identity, reset: Zeroizing::new(fs::read(&reset).map_err(fault(&reset))?) })
    }
}

/// Writes a new file, readable by its owner alone, whole or not at all; it survives a power cut.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // The new name is durable with the folder.
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_keys_come_back_and_open_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::open(folder.path()).unwrap();
        let again = Keys::open(folder.path()).unwrap();
        assert_eq!(first.identity.public(), again.identity.public());
        assert_eq!(first.reset, again.reset);
        let key = folder.path().join("relay.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::open(folder.path()), Err(KeysError::Open(_))));
    }
}
