//! What this computer knows about relays, in the state folder: the one remembered (`relay`), and those that the user has
//! confirmed or called a scam (`relays`, an [`Entry`] a line). Files are written whole or not at all, for the user alone.
//! A relay is blocked under its key and its host name, whichever comes back.

use super::entry::{Blocked, Caller, Entry, concerns, same_host};
use nearhand_proto::relay_string::RelayString;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const REMEMBERED: &str = "relay";
const KNOWN: &str = "relays";
const LOCK: &str = "relays.lock";

/// The state folder. It is made when something is written.
#[derive(Clone, Debug)]
pub struct Book(PathBuf);

/// What this computer knows about a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    New,
    /// Its host name was confirmed with another key.
    KeyChanged,
    /// The user has confirmed it.
    Confirmed,
    /// The user has called it a scam.
    Blocked(Blocked),
}

/// Why the book is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// A file can't be read or written.
    #[error("can't use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is remembered is no relay string.
    #[error("{0} is damaged; delete it, or start with --relay STRING once")]
    Remembered(PathBuf),
    /// A line of the list.
    #[error("line {line} of {path} is damaged; mend that line, or delete it")]
    Known {
        /// The list.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

impl Book {
    /// Of this state folder.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The relay that is used where none is named.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn remembered(&self) -> Result<Option<RelayString>, BookError> {
        let path = self.0.join(REMEMBERED);
        match read(&path)? {
            Some(text) => text.parse().map(Some).map_err(|_| BookError::Remembered(path)),
            None => Ok(None),
        }
    }

    /// This one is used from now on where none is named.
    ///
    /// # Errors
    /// [`BookError::File`]
    pub fn remember(&self, relay: &RelayString) -> Result<(), BookError> {
        let _lock = self.lock()?;
        self.write(REMEMBERED, &format!("{relay}\n"))
    }

    /// What is known about this relay.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn standing(&self, relay: &RelayString) -> Result<Standing, BookError> {
        let entries = self.entries()?;
        let blocked = entries.iter().find_map(|entry| match entry {
            Entry::Blocked(blocked) if concerns(relay, &blocked.relay) => Some(blocked.clone()),
            _ => None,
        });
        if let Some(blocked) = blocked {
            return Ok(Standing::Blocked(blocked));
        }
        let known: Vec<_> = confirmed(&entries).filter(|known| same_host(&relay.host, &known.host)).collect();
        Ok(match known.as_slice() {
            [] => Standing::New,
            known if known.iter().any(|known| (known.port, known.key) == (relay.port, relay.key)) => {
                Standing::Confirmed
            }
            known if known.iter().any(|known| known.key == relay.key) => Standing::New,
            _ => Standing::KeyChanged,
        })
    }

    /// The user has confirmed this relay. Another key that it had before counts no more.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn confirm(&self, relay: &RelayString) -> Result<(), BookError> {
        self.change(|entries| {
            entries.retain(|entry| match entry {
                Entry::Confirmed(known) => !same_host(&known.host, &relay.host) || known.port != relay.port,
                Entry::Blocked(_) => true,
            });
            entries.push(Entry::Confirmed(relay.clone()));
        })
    }

    /// The user has called this relay a scam. It is on disk once this returns, and no longer confirmed.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn block(&self, relay: &RelayString, caller: Caller) -> Result<(), BookError> {
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        self.change(|entries| {
            entries.retain(|entry| match entry {
                Entry::Confirmed(known) => !concerns(relay, known),
                Entry::Blocked(known) => known.relay != *relay,
            });
            entries.push(Entry::Blocked(Blocked { relay: relay.clone(), at, caller }));
        })
    }

    /// What is blocked under this host name.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn blocked_as(&self, host: &str) -> Result<Vec<Blocked>, BookError> {
        let entries = self.entries()?.into_iter().filter_map(|entry| match entry {
            Entry::Blocked(blocked) if same_host(&blocked.relay.host, host) => Some(blocked),
            _ => None,
        });
        Ok(entries.collect())
    }

    /// What is blocked under this host name is so no longer; it is confirmed as little.
    ///
    /// # Errors
    /// [`BookError`]
    pub fn unblock(&self, host: &str) -> Result<(), BookError> {
        self.change(|entries| {
            entries.retain(
                |entry| !matches!(entry, Entry::Blocked(known) if same_host(&known.relay.host, host)),
            );
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, BookError> {
        let path = self.0.join(KNOWN);
        let Some(text) = read(&path)? else { return Ok(Vec::new()) };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(at, line)| {
                line.parse().map_err(|_| BookError::Known { path: path.clone(), line: at.saturating_add(1) })
            })
            .collect()
    }

    /// Reads, changes and writes the list, with no other host in between.
    fn change(&self, change: impl FnOnce(&mut Vec<Entry>)) -> Result<(), BookError> {
        let _lock = self.lock()?;
        let mut entries = self.entries()?;
        change(&mut entries);
        let text: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
        self.write(KNOWN, &text)
    }

    /// Held until it is dropped.
    fn lock(&self) -> Result<File, BookError> {
        let path = self.0.join(LOCK);
        let fails = |source| BookError::File { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(fails)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(fails)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| fails(error.into()))?;
        Ok(file)
    }

    /// Whole or not at all, and it survives a power cut. Only with the lock.
    fn write(&self, name: &str, text: &str) -> Result<(), BookError> {
        let path = self.0.join(name);
        let draft = self.0.join(format!("{name}.new"));
        let write = || {
            // One that a crash has left may be open to others.
            let _ = fs::remove_file(&draft);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            // The new name is durable with the folder.
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|source| BookError::File { path, source })
    }
}

fn read(path: &Path) -> Result<Option<String>, BookError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BookError::File { path: path.to_owned(), source }),
    }
}

fn confirmed(entries: &[Entry]) -> impl Iterator<Item = &RelayString> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Confirmed(relay) => Some(relay),
        Entry::Blocked(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;
    use std::os::unix::fs::PermissionsExt as _;

    fn relay(host: &str, port: u16, key: &str) -> RelayString {
        RelayString { host: host.into(), port, key: Fingerprint::of(key.as_bytes()) }
    }

    fn book() -> (tempfile::TempDir, Book) {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::new(folder.path().join("state"));
        (folder, book)
    }

    #[test]
    fn what_was_confirmed_is_that_relay_and_no_other() {
        let (_folder, book) = book();
        let check =
            |relay: RelayString, expected| assert_eq!(book.standing(&relay).unwrap(), expected, "{relay}");
        check(relay("a.example", 1, "k"), Standing::New);
        book.confirm(&relay("a.example", 1, "k")).unwrap();
        check(relay("a.example", 1, "k"), Standing::Confirmed);
        check(relay("A.Example.", 1, "k"), Standing::Confirmed);
        check(relay("a.example", 2, "k"), Standing::New);
        check(relay("b.example", 1, "k"), Standing::New);
        check(relay("a.example", 1, "other"), Standing::KeyChanged);
        check(relay("a.example", 2, "other"), Standing::KeyChanged);
        book.confirm(&relay("a.example", 1, "other")).unwrap();
        check(relay("a.example", 1, "k"), Standing::KeyChanged);
    }

    #[test]
    fn what_was_blocked_stays_so_under_its_name_and_its_key_until_it_is_unblocked() {
        let (_folder, book) = book();
        let scam = relay("scam.example", 1, "k");
        book.confirm(&scam).unwrap();
        book.confirm(&relay("good.example", 1, "good")).unwrap();
        let caller = Caller { technician: Some("Eve".parse().unwrap()), desk: None };
        book.block(&scam, caller.clone()).unwrap();
        let blocked = |relay: RelayString| {
            matches!(
                book.standing(&relay).unwrap(), Standing::Blocked(known) if known.relay == scam && known.caller == caller
            )
        };
        assert!(blocked(scam.clone()));
        assert!(blocked(relay("SCAM.example", 2, "other")));
        assert!(blocked(relay("elsewhere.example", 1, "k")));
        assert_eq!(book.standing(&relay("good.example", 1, "good")).unwrap(), Standing::Confirmed);
        assert_eq!(book.blocked_as("elsewhere.example").unwrap(), []);
        assert_eq!(book.blocked_as("Scam.Example").unwrap().len(), 1);
        book.unblock("Scam.Example").unwrap();
        assert_eq!(book.standing(&scam).unwrap(), Standing::New, "it is not confirmed either");
    }

    #[test]
    fn one_is_remembered() {
        let (_folder, book) = book();
        assert_eq!(book.remembered().unwrap(), None);
        let named = relay("a.example", 1, "k");
        book.remember(&named).unwrap();
        assert_eq!(book.remembered().unwrap(), Some(named));
        fs::write(book.0.join(REMEMBERED), "x").unwrap();
        assert!(matches!(book.remembered(), Err(BookError::Remembered(_))));
    }

    #[test]
    fn files_are_the_users_alone_and_damaged_ones_are_named() {
        let (_folder, book) = book();
        book.block(&relay("a.example", 1, "k"), Caller::default()).unwrap();
        let path = book.0.join(KNOWN);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&book.0).unwrap().permissions().mode() & 0o777, 0o700);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}\nblocked\ta.example")).unwrap();
        let damaged = |result: Result<(), BookError>| {
            assert!(matches!(result, Err(BookError::Known { line: 3, .. })), "{result:?}");
        };
        damaged(book.standing(&relay("b.example", 1, "k")).map(drop));
        damaged(book.confirm(&relay("b.example", 1, "k")));
    }
}
