//! The settings file, TOML: `nearhand-host.toml` beside the program or in the user's configuration folder. Unknown keys
//! are errors.
//!
//! ```toml
//! relay = "relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
//! language = "de"
//! ```

use super::ConfigError;
use nearhand_desktop::words::Language;
use nearhand_proto::{relay_string::RelayString, text::printable_lines};
use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const NAME: &str = "nearhand-host.toml";

/// What can stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    relay: Option<String>,
    language: Option<String>,
}

/// What stands in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// The help desk's relay.
    pub(super) relay: Option<RelayString>,
    /// What the window speaks; the user's own language if nothing is said.
    pub(super) language: Option<Language>,
}

impl File {
    /// Reads the file that was named, or else the first that is there.
    pub(super) fn find(named: Option<PathBuf>, folders: &[PathBuf]) -> Result<Self, ConfigError> {
        if let Some(path) = named {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            return parse(&path, &text);
        }
        for path in folders.iter().map(|folder| folder.join(NAME)) {
            match fs::read_to_string(&path) {
                Ok(text) => return parse(&path, &text),
                Err(error) if absent(&error) => {}
                Err(source) => return Err(ConfigError::Read { path, source }),
            }
        }
        Ok(Self::default())
    }
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn parse(path: &Path, text: &str) -> Result<File, ConfigError> {
    // What is wrong is quoted, whatever stands there.
    let wrong = |why: String| ConfigError::Parse { path: path.to_owned(), why: printable_lines(&why) };
    let keys: Keys = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let relay = keys.relay.map(|text| text.parse()).transpose();
    let language = keys.language.map(|text| text.parse()).transpose();
    Ok(File {
        relay: relay
            .map_err(|error: nearhand_proto::relay_string::RelayStringError| wrong(error.to_string()))?,
        language: language
            .map_err(|error: nearhand_desktop::words::LanguageError| wrong(error.to_string()))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    #[test]
    fn the_first_file_that_is_there_counts_and_a_damaged_one_is_named() {
        let (beside, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [beside.path().to_owned(), home.path().to_owned()];
        let relay = |host: &str| RelayString { host: host.into(), port: 1, key: Fingerprint::of(b"k") };
        let find = || File::find(None, &folders);
        assert_eq!(find().unwrap(), File::default());
        let write = |folder: &Path, text: &str| fs::write(folder.join(NAME), text).unwrap();
        write(home.path(), &format!("relay = '{}'\nlanguage = 'de_AT'\n", relay("home.example")));
        let expected = File { relay: Some(relay("home.example")), language: Some(Language::De) };
        assert_eq!(find().unwrap(), expected);
        write(beside.path(), &format!("relay = '{}'\n", relay("beside.example")));
        assert_eq!(find().unwrap(), File { relay: Some(relay("beside.example")), language: None });
        for damaged in
            ["relay = 'a.example:1'", "relais = ''", "language = 'tlh'", "relay", "relay = \u{1b}[31m"]
        {
            write(beside.path(), damaged);
            let error = find().unwrap_err().to_string();
            assert!(error.contains(beside.path().join(NAME).to_str().unwrap()), "{damaged}: {error}");
            assert!(!error.contains('\u{1b}'), "{error:?}");
        }
        let named = File::find(Some(home.path().join(NAME)), &folders);
        assert_eq!(named.unwrap(), expected);
        let missing = File::find(Some(home.path().join("other.toml")), &folders);
        assert!(matches!(missing, Err(ConfigError::Read { .. })));
    }
}
