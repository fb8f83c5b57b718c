//! Where the host looks for its relay's string: the command line, its own file's name, the settings file, the state
//! folder, in this order. The first one counts; one that is damaged is an error, never skipped.

use super::book::{Book, BookError};
use nearhand_proto::relay_string::{RelayString, RelayStringError};
use std::path::Path;

/// A relay, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub relay: RelayString,
    /// By what.
    pub origin: Origin,
}

/// What named the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--relay`.
    CommandLine,
    /// The name of the program's file, or of a link to it.
    FileName,
    /// The settings file.
    Settings,
    /// An earlier start.
    Remembered,
}

/// Why a relay's string can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// The program's name.
    #[error("this program's file name, {name}, is damaged: {source}")]
    FileName {
        /// Its file name.
        name: String,
        /// What is wrong.
        source: RelayStringError,
    },
    /// The state folder.
    #[error(transparent)]
    Book(#[from] BookError),
}

/// Finds the relay; `None` if nothing names one. `paths`: those by which the program may have been started; their file
/// names are looked at in this order.
///
/// # Errors
/// [`FindError`]
pub fn find(
    typed: Option<RelayString>,
    paths: &[impl AsRef<Path>],
    settings: Option<RelayString>,
    book: &Book,
) -> Result<Option<Found>, FindError> {
    let found = |origin| move |relay| Found { relay, origin };
    if let Some(relay) = typed {
        return Ok(Some(found(Origin::CommandLine)(relay)));
    }
    for name in paths.iter().filter_map(|path| path.as_ref().file_name()?.to_str()) {
        if let Some(named) = RelayString::from_file_name(name) {
            let fault = |source| FindError::FileName { name: name.to_owned(), source };
            return named.map(found(Origin::FileName)).map(Some).map_err(fault);
        }
    }
    if let Some(relay) = settings {
        return Ok(Some(found(Origin::Settings)(relay)));
    }
    Ok(book.remembered()?.map(found(Origin::Remembered)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    fn relay(host: &str) -> RelayString {
        RelayString { host: host.into(), port: 4433, key: Fingerprint::of(b"k") }
    }

    #[test]
    fn the_first_that_names_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::new(folder.path().to_owned());
        let file = format!("/downloads/{} (1)", relay("file.example").file_name().unwrap());
        let check = |typed: Option<&str>, paths: &[&str], settings: Option<&str>, expected| {
            let found = find(typed.map(relay), paths, settings.map(relay), &book).unwrap();
            assert_eq!(found.map(|found| (found.relay.host, found.origin)), expected);
        };
        let named = |host: &str, origin| Some((host.to_owned(), origin));
        check(None, &["/bin/nearhand-host"], None, None);
        book.remember(&relay("before.example")).unwrap();
        check(None, &["nearhand-host", "x"], None, named("before.example", Origin::Remembered));
        check(None, &[], Some("set.example"), named("set.example", Origin::Settings));
        check(None, &["nearhand-host", &file], Some("set.example"), named("file.example", Origin::FileName));
        check(Some("typed.example"), &[&file], Some("s"), named("typed.example", Origin::CommandLine));
    }

    #[test]
    fn what_is_damaged_is_named_and_not_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::new(folder.path().to_owned());
        let error =
            find(None, &["/a/nearhand-host-relay.example.org_4433"], Some(relay("a")), &book).unwrap_err();
        assert!(error.to_string().contains("nearhand-host-relay.example.org_4433, is damaged"), "{error}");
        std::fs::write(folder.path().join("relay"), "relay.example.org:4433#").unwrap();
        let error = find(None, &["nearhand-host"], None, &book).unwrap_err();
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
    }
}
