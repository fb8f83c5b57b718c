//! Files where there are no Unix permissions: the state folder lies in the user's own profile, whose access list
//! keeps others out. Called by [`super::State`].

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Makes the folder and those above it.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// True if the file is there: who may read it is said by the profile's access list.
pub(super) fn is_private(path: &Path) -> io::Result<bool> {
    fs::metadata(path).map(|_| true)
}

/// Writes beside `path`, then renames: after a crash it is the old file or the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let beside = path.with_extension(format!("{}.new", hex::encode(random)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside); // the first error is the one to report
    }
    written
}
