//! One line of the list of relays: fields apart by tabs.
//!
//! ```text
//! confirmed  relay.example.org:4433#FINGERPRINT
//! blocked    scam.example:4433#FINGERPRINT  1764028800  technician  desk
//! ```
//! The number is the time of blocking, in seconds of Unix time; technician and desk are empty where unknown.

use nearhand_proto::{relay_string::RelayString, text::Name};
use std::{
    fmt,
    net::IpAddr,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The user has said that it is their help desk's.
    Confirmed(RelayString),
    /// The user has called it a scam.
    Blocked(Blocked),
}

/// A relay that was called a scam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Which.
    pub relay: RelayString,
    /// When, to the second.
    pub at: SystemTime,
    /// Who called there, if it is known.
    pub caller: Caller,
}

/// Who called, as the relay said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The technician's name.
    pub technician: Option<Name>,
    /// Their desk's name.
    pub desk: Option<Name>,
}

/// A line that is no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EntryError;

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirmed(relay) => write!(f, "confirmed\t{relay}"),
            Self::Blocked(Blocked { relay, at, caller }) => {
                let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                let name = |name: &Option<Name>| name.as_ref().map_or(String::new(), Name::to_string);
                write!(f, "blocked\t{relay}\t{seconds}\t{}\t{}", name(&caller.technician), name(&caller.desk))
            }
        }
    }
}

impl FromStr for Entry {
    type Err = EntryError;
    fn from_str(line: &str) -> Result<Self, EntryError> {
        parse(line).ok_or(EntryError)
    }
}

fn parse(line: &str) -> Option<Entry> {
    let name = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    match line.split('\t').collect::<Vec<_>>().as_slice() {
        ["confirmed", relay] => Some(Entry::Confirmed(relay.parse().ok()?)),
        ["blocked", relay, seconds, technician, desk] => {
            let since = Duration::from_secs(seconds.parse().ok()?);
            Some(Entry::Blocked(Blocked {
                relay: relay.parse().ok()?,
                at: SystemTime::UNIX_EPOCH.checked_add(since)?,
                caller: Caller { technician: name(technician)?, desk: name(desk)? },
            }))
        }
        _ => None,
    }
}

/// True if what is known about one counts for the other.
pub(super) fn concerns(one: &RelayString, other: &RelayString) -> bool {
    one.key == other.key || same_host(&one.host, &other.host)
}

/// Case and a dot at the end make no other name, nor does another way to write an address.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    let plain = |host: &str| {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        host.parse::<IpAddr>().map_or(host, |address| address.to_canonical().to_string())
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    #[test]
    fn a_line_survives_and_anything_else_is_none() {
        let relay = RelayString { host: "a.example".into(), port: 1, key: Fingerprint::of(b"k") };
        let name = |text: &str| Some(Name::lossy(text));
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_028_800);
        let blocked = |technician, desk| {
            Entry::Blocked(Blocked { relay: relay.clone(), at, caller: Caller { technician, desk } })
        };
        let entries = [
            Entry::Confirmed(relay.clone()),
            blocked(None, None),
            blocked(name("Eve Example"), name("Ünreal Desk")),
            blocked(None, name("Desk")),
        ];
        for entry in entries {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
        let wrong = [
            String::new(),
            "confirmed".to_owned(),
            "confirmed\ta.example:1".to_owned(),
            format!("confirmed\t{relay}\tmore"),
            format!("blocked\t{relay}"),
            format!("blocked\t{relay}\t-1\t\t"),
            format!("blocked\t{relay}\t{}\t\t", u64::MAX),
            format!("trusted\t{relay}"),
        ];
        for line in wrong {
            assert_eq!(line.parse::<Entry>(), Err(EntryError), "{line}");
        }
    }

    #[test]
    fn one_host_has_many_spellings() {
        let check = |one, other, expected| assert_eq!(same_host(one, other), expected, "{one} {other}");
        check("a.example", "A.EXAMPLE.", true);
        check("a.example", "b.example", false);
        check("::1", "0:0::0:1", true);
        check("127.0.0.1", "::ffff:127.0.0.1", true);
    }
}
