//! How often a code has failed here. After two failures the viewer refuses the code: in the PAKE the viewer proves
//! first, so a relay that poses as the host gets one guess at the code each time that it is entered.
//!
//! The count outlives the program but the code is not kept: an entry is HMAC-SHA-256 (RFC 2104) of its digits under
//! a random key of this state folder. A code lives 10 min, an entry [`LIFETIME`].
//!
//! `slips` holds at most [`MAX_ENTRIES`] lines, oldest first: `64 hexadecimal digits, count, seconds since 1970`.

use crate::state::{State, StateError, failed};
use hmac::{Hmac, Mac as _};
use nearhand_proto::code::SessionCode;
use sha2::Sha256;
use std::{
    fs::File,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long a failure is remembered.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Failures after which a code is refused.
pub const MOST: u32 = 2;

/// Codes remembered; with more, the oldest is forgotten.
pub const MAX_ENTRIES: usize = 1_024;

const ENTRIES: &str = "slips";
const KEY: &str = "slips.key";
const LOCK: &str = "slips.lock";

/// The counter of one state folder. Several programs may use it at once.
#[derive(Clone, Debug)]
pub struct Slips {
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    code: String,
    count: u32,
    /// Of the last failure, in seconds since 1970.
    seconds: u64,
}

impl Slips {
    /// The counter of this state folder.
    pub fn new(state: State) -> Self {
        Self { state }
    }

    /// True if the code has failed [`MOST`] times: refuse it. Blocks for the time of a few small files.
    ///
    /// # Errors
    /// [`StateError`] if the folder can't be used; the code must then not be tried.
    pub fn is_refused(&self, code: &SessionCode) -> Result<bool, StateError> {
        let _lock = self.lock()?;
        let name = self.name(code)?;
        Ok(self.entries(SystemTime::now())?.iter().any(|entry| entry.code == name && MOST <= entry.count))
    }

    /// Counts a failed proof of this code; returns how often it has failed by now. Call it before the program may
    /// end. Blocks likewise.
    ///
    /// # Errors
    /// [`StateError`] if the folder can't be used.
    pub fn count(&self, code: &SessionCode) -> Result<u32, StateError> {
        self.count_at(code, SystemTime::now())
    }

    /// Takes one count back: the host has proved that it knows the code. Blocks likewise.
    ///
    /// # Errors
    /// [`StateError`] if the folder can't be used.
    pub fn forgive(&self, code: &SessionCode) -> Result<(), StateError> {
        self.change(code, SystemTime::now(), |count| count.saturating_sub(1)).map(drop)
    }

    fn count_at(&self, code: &SessionCode, now: SystemTime) -> Result<u32, StateError> {
        self.change(code, now, |count| count.saturating_add(1))
    }

    fn change(
        &self,
        code: &SessionCode,
        now: SystemTime,
        by: impl FnOnce(u32) -> u32,
    ) -> Result<u32, StateError> {
        let _lock = self.lock()?;
        let name = self.name(code)?;
        let mut entries = self.entries(now)?;
        let known = entries.iter().position(|entry| entry.code == name).map(|at| entries.remove(at).count);
        let count = by(known.unwrap_or(0));
        if count != 0 {
            entries.push(Entry { code: name, count, seconds: seconds(now) });
        }
        let first = entries.len().saturating_sub(MAX_ENTRIES);
        let text: String = entries.iter().skip(first).map(Entry::line).collect();
        self.state.write(ENTRIES, text.as_bytes())?;
        Ok(count)
    }

    /// Held until the returned file is dropped.
    fn lock(&self) -> Result<File, StateError> {
        let path = self.state.path(LOCK);
        let file = File::options().create(true).append(true).open(&path).map_err(failed(&path))?;
        file.lock().map_err(failed(&path))?;
        Ok(file)
    }

    /// What stands for this code.
    fn name(&self, code: &SessionCode) -> Result<String, StateError> {
        let key = match self.state.read_secret(KEY)? {
            Some(key) => key,
            None => {
                let mut key = vec![0; 32];
                let path = self.state.path(KEY);
                getrandom::fill(&mut key).map_err(|error| failed(&path)(std::io::Error::other(error)))?;
                self.state.write(KEY, &key)?;
                key
            }
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(code.locator.to_string().as_bytes());
        mac.update(code.secret.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    /// The entries that still count. A file of nonsense is damaged, not empty: else writing it would reset counts.
    fn entries(&self, now: SystemTime) -> Result<Vec<Entry>, StateError> {
        let Some(bytes) = self.state.read(ENTRIES)? else { return Ok(Vec::new()) };
        let text = std::str::from_utf8(&bytes).map_err(|_| StateError::Damaged(self.state.path(ENTRIES)))?;
        let entries: Option<Vec<_>> = text.lines().map(Entry::parse).collect();
        let mut entries = entries.ok_or_else(|| StateError::Damaged(self.state.path(ENTRIES)))?;
        let now = seconds(now);
        // An entry of the future is kept: the clock was set back, which must not open a code again.
        entries.retain(|entry| now.saturating_sub(entry.seconds) < LIFETIME.as_secs());
        Ok(entries)
    }
}

impl Entry {
    fn line(&self) -> String {
        format!("{} {} {}\n", self.code, self.count, self.seconds)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (code, count, seconds) = (words.next()?, words.next()?, words.next()?);
        if code.len() != 64 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) || words.next().is_some() {
            return None;
        }
        Some(Self { code: code.to_owned(), count: count.parse().ok()?, seconds: seconds.parse().ok()? })
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::code::{Locator, Secret};

    fn slips() -> (tempfile::TempDir, Slips) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path().to_owned())).unwrap();
        (folder, Slips::new(state))
    }

    fn code(number: u32) -> SessionCode {
        let locator = Locator::new(12_345, 5).unwrap();
        SessionCode { locator, secret: Secret::draw(number.to_be_bytes()).unwrap() }
    }

    #[test]
    fn the_second_failure_refuses_this_code_and_no_other() {
        let (_folder, slips) = slips();
        for (times, refused) in [(1, false), (2, true), (3, true)] {
            assert_eq!(slips.count(&code(7)).unwrap(), times);
            let again = Slips::new(slips.state.clone());
            assert_eq!(again.is_refused(&code(7)).unwrap(), refused);
            assert!(!again.is_refused(&code(8)).unwrap());
        }
    }

    #[test]
    fn failures_are_forgotten_after_half_an_hour() {
        let (_folder, slips) = slips();
        let now = SystemTime::now();
        slips.count_at(&code(7), now - LIFETIME).unwrap();
        assert_eq!(slips.count_at(&code(7), now).unwrap(), 1);
        assert_eq!(slips.count_at(&code(7), now - LIFETIME).unwrap(), 2, "a clock set back opens nothing");
    }

    #[test]
    fn the_code_is_not_in_the_files() {
        let (folder, slips) = slips();
        slips.count(&code(123_456)).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let digits = b"12345123456";
            assert!(!bytes.windows(digits.len()).any(|part| part == digits));
        }
        assert_eq!(slips.entries(SystemTime::now()).unwrap().len(), 1);
        assert_eq!(slips.entries(SystemTime::now()).unwrap()[0].code.len(), 64);
    }

    #[test]
    fn the_file_is_bounded_and_nonsense_resets_nothing() {
        let (_folder, slips) = slips();
        let now = SystemTime::now();
        let old = Entry { code: "0".repeat(64), count: 1, seconds: seconds(now) };
        slips.state.write(ENTRIES, old.line().repeat(MAX_ENTRIES).as_bytes()).unwrap();
        slips.count_at(&code(7), now).unwrap();
        assert_eq!(slips.entries(now).unwrap().len(), MAX_ENTRIES);
        slips.state.write(ENTRIES, b"nonsense").unwrap();
        assert!(matches!(slips.is_refused(&code(7)), Err(StateError::Damaged(_))));
    }
}
