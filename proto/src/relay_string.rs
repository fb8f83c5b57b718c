//! The relay string: where a relay is and which key it must hold, in one text that a user can paste:
//! `relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU`. The same can stand in the name of the
//! downloaded host: `nearhand-host-relay.example.org_4433_47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU`.

use crate::ids::Fingerprint;
use std::{fmt, str::FromStr};

/// Host, UDP port and the SHA-256 of the relay's SubjectPublicKeyInfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayString {
    /// DNS name or address; an IPv6 address without its brackets.
    pub host: String,
    /// UDP port.
    pub port: u16,
    /// The relay's key; any other is refused.
    pub key: Fingerprint,
}

/// What is wrong with a typed or pasted relay string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayStringError {
    /// No `#fingerprint`.
    #[error(
        "the relay string has no '#' and fingerprint; copy the whole line that the relay printed after 'ready'"
    )]
    NoKey,
    /// The fingerprint does not parse.
    #[error("the fingerprint after '#' is damaged; copy the relay string again, whole")]
    Key,
    /// No `host:port` before the `#`.
    #[error("the relay string must begin with host:port, such as relay.example.org:4433")]
    Address,
    /// A file name that was to name a relay.
    #[error(
        "it does not end in host_port_fingerprint as it was given to you; download the program again, or rename it \
         to nearhand-host"
    )]
    FileName,
}

/// What the host's file name begins with.
const PREFIX: &str = "nearhand-host";

/// Characters of a fingerprint.
const FINGERPRINT: usize = 43;

/// Longest file name that is given out, in bytes: most file systems take 255, and browsers add ` (1)`.
const MAX_FILE_NAME: usize = 240;

impl RelayString {
    /// The file name under which a downloaded host knows this relay, without an extension:
    /// `nearhand-host-HOST_PORT_FINGERPRINT`. `None` for an IPv6 address, whose colons no file name of Windows may
    /// hold, and for a host name so long that the file name would be.
    pub fn file_name(&self) -> Option<String> {
        let name = format!("{PREFIX}-{}_{}_{}", self.host, self.port, self.key);
        (!self.host.contains([':', '%']) && name.len() <= MAX_FILE_NAME).then_some(name)
    }

    /// The relay that the host's own file name names; without a folder. An extension `.exe` and the number that
    /// Chrome (` (1)`) and Firefox (`(1)`) add to a second download don't matter. Safari's `-1` does: it could belong
    /// to the host name. `None` if it is a name without a relay, such as `nearhand-host` or `nearhand-host-x86_64`.
    ///
    /// # Errors
    /// [`RelayStringError::FileName`] if it was to name a relay and is damaged.
    pub fn from_file_name(name: &str) -> Option<Result<Self, RelayStringError>> {
        let (prefix, _) = name.split_at_checked(PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return None;
        }
        let name = without_numbers(name);
        let rest = without_exe(&name).get(PREFIX.len()..)?.strip_prefix('-')?;
        match from_parts(rest) {
            Some(relay) => Some(Ok(relay)),
            // Nothing but a relay brings an underscore there, except for the processor that a build is for.
            None => rest.replace("x86_64", "").contains('_').then_some(Err(RelayStringError::FileName)),
        }
    }
}

/// Parses `HOST_PORT_FINGERPRINT` from its right end: host and fingerprint may hold underscores themselves.
fn from_parts(text: &str) -> Option<RelayString> {
    let (address, key) = text.split_at_checked(text.len().checked_sub(FINGERPRINT)?)?;
    let (host, port) = address.strip_suffix('_')?.rsplit_once('_')?;
    format!("{host}:{port}#{key}").parse().ok()
}

fn without_exe(name: &str) -> &str {
    match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(".exe") => stem,
        _ => name,
    }
}

/// Takes every `(1)` out, with the space before it. Browsers put it before what they take for the extension, and that
/// may be any dot of the host name's: `nearhand-host-relay.example (1).org_4433_…`.
fn without_numbers(name: &str) -> String {
    let mut left = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('(') {
        match after.split_once(')') {
            Some((number, after)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
                left.push_str(before.strip_suffix(' ').unwrap_or(before));
                rest = after;
            }
            _ => {
                left.push_str(before);
                left.push('(');
                rest = after;
            }
        }
    }
    left + rest
}

impl FromStr for RelayString {
    type Err = RelayStringError;
    fn from_str(text: &str) -> Result<Self, RelayStringError> {
        let (address, key) = text.trim().split_once('#').ok_or(RelayStringError::NoKey)?;
        let key = key.parse().map_err(|_| RelayStringError::Key)?;
        let (host, port) = address.rsplit_once(':').ok_or(RelayStringError::Address)?;
        let port = port.parse().map_err(|_| RelayStringError::Address)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or(RelayStringError::Address)?,
            None if host.contains(':') => return Err(RelayStringError::Address),
            None => host,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || 253 < host.len() || !host.chars().all(plain) || port == 0 {
            return Err(RelayStringError::Address);
        }
        Ok(Self { host: host.to_owned(), port, key })
    }
}

impl fmt::Display for RelayString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}#{}", self.host, self.port, self.key)
        } else {
            write!(f, "{}:{}#{}", self.host, self.port, self.key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints_and_says_what_is_wrong() {
        let key = Fingerprint::of(b"x");
        for host in ["relay.example.org", "127.0.0.1", "::1"] {
            let relay = RelayString { host: host.into(), port: 4433, key };
            assert_eq!(relay.to_string().parse(), Ok(relay));
        }
        let check = |text: &str, error| assert_eq!(text.parse::<RelayString>(), Err(error), "{text}");
        check("relay.example.org:4433", RelayStringError::NoKey);
        check("relay.example.org:4433#abc", RelayStringError::Key);
        check(&format!("relay.example.org#{key}"), RelayStringError::Address);
        check(&format!("::1:4433#{key}"), RelayStringError::Address);
        check(&format!("a b:4433#{key}"), RelayStringError::Address);
        check(&format!("a:0#{key}"), RelayStringError::Address);
    }

    const KEY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn from_file(name: &str, expected: Option<Result<&str, RelayStringError>>) {
        let found = RelayString::from_file_name(name).map(|found| found.map(|relay| relay.to_string()));
        assert_eq!(found, expected.map(|found| found.map(|address| format!("{address}#{KEY}"))), "{name}");
    }

    #[test]
    fn a_downloaded_host_knows_its_relay() {
        let check = |name: &str, address| from_file(&name.replace("KEY", KEY), Some(Ok(address)));
        check("nearhand-host-relay.example.org_4433_KEY", "relay.example.org:4433");
        check("Nearhand-Host-relay.example.org_4433_KEY.exe", "relay.example.org:4433");
        check("nearhand-host-relay.example.org_4433_KEY (1).EXE", "relay.example.org:4433");
        check("nearhand-host-relay.example.org_4433_KEY(12)", "relay.example.org:4433");
        check("nearhand-host-relay.example (1).org_4433_KEY", "relay.example.org:4433");
        check("nearhand-host-relay.example(2).org_4433_KEY", "relay.example.org:4433");
        check("nearhand-host-a_b_1_4433_KEY", "a_b_1:4433");
        check("nearhand-host-127.0.0.1_1_KEY", "127.0.0.1:1");
    }

    #[test]
    fn other_names_name_none_and_damaged_ones_are_said_to_be() {
        for plain in
            ["nearhand-host", "nearhand-host.exe", "nearhand-host (1)", "nearhand-host-1.0", "nearhand"]
        {
            from_file(plain, None);
        }
        from_file("nearhand-host-1.0-linux-x86_64", None);
        from_file("other-relay.example.org_4433_KEY", None);
        let damaged = |name: &str| {
            from_file(&name.replace("KEY", KEY), Some(Err(RelayStringError::FileName)));
        };
        damaged("nearhand-host-relay.example.org_4433");
        damaged("nearhand-host-relay.example.org_4433_47DEQpj8HBSa");
        damaged("nearhand-host-relay.example.org_4433_KEY-1.exe");
        damaged("nearhand-host-relay.example.org_4433_KEY (copy)");
        damaged("nearhand-host-relay.example.org__KEY");
        damaged("nearhand-host-_4433_KEY");
        damaged("nearhand-host-relay.example.org_99999_KEY");
        damaged("nearhand-host-relay.exämple.org_4433_KEY");
    }

    #[test]
    fn no_file_name_for_what_a_file_name_cannot_hold() {
        let key = Fingerprint::of(b"x");
        let name = |host: &str| RelayString { host: host.into(), port: 4433, key }.file_name();
        assert_eq!(name("::1"), None);
        assert_eq!(name(&"a".repeat(200)), None);
        assert_eq!(name("a.example"), Some(format!("nearhand-host-a.example_4433_{key}")));
    }

    proptest::proptest! {
        #[test]
        fn every_relay_survives_its_file_name(
            host in "[a-zA-Z0-9._-]{1,60}", port in 1_u16.., key: [u8; 32], suffix in "( ?\\([0-9]{1,2}\\))?(\\.exe|\\.EXE)?",
        ) {
            let relay = RelayString { host, port, key: Fingerprint(key) };
            let name = relay.file_name().unwrap() + &suffix;
            proptest::prop_assert_eq!(RelayString::from_file_name(&name), Some(Ok(relay)));
        }

        #[test]
        fn no_file_name_is_too_much(name in "(nearhand-host)?\\PC*") {
            drop(RelayString::from_file_name(&name));
        }
    }
}
