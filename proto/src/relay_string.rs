//! The relay string: where a relay is and which key it must hold, in one text that a user can paste:
//! `relay.example.org:4433#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU`.

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
}
