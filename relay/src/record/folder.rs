//! The relay's data folder: made for its owner alone, and locked by whoever writes the record.

use super::error::OpenError;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// The folder's lock, held until dropped. INVARIANT: one holder per folder, kept by the system, so that it does not
/// outlive a killed process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Makes the folder (mode 0700) if it is missing. An empty one is tightened; one with files in it is somebody's and
/// stays as it is: our files are 0600.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let fails = |source| OpenError::Folder { path: path.to_owned(), source };
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fails(error)),
        _ => {}
    }
    if fs::read_dir(path).map_err(fails)?.next().is_none() {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(fails)?;
    }
    Ok(())
}

/// Takes the lock.
pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let fails = |source| OpenError::Folder { path: path.to_owned(), source };
    let file = private_file(&path.join("relay.lock")).map_err(fails)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock { _file: file }),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked),
        Err(error) => Err(fails(error.into())),
    }
}

/// Opens a file for reading and writing, made with mode 0600 if it is missing.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/data");
        create(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        let held = lock(&path).unwrap();
        assert_eq!(mode(&path.join("relay.lock")), 0o600);
        assert!(matches!(lock(&path), Err(OpenError::Locked)));
        drop(held);
        assert!(lock(&path).is_ok());
    }
}
