//! The fields that event bodies are made of, and how each is written and shown. Every field stands in the body as
//! `2 length (big endian) | value`, so that a reader who does not know an event can still split it.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::{
    close::Close,
    control::{Leave, PublicKey, Role},
    ids::Fingerprint,
    rights::Rights,
    text::{self, Name},
};
use serde_bytes::ByteBuf;
use std::fmt;

/// A type that may stand in an event's body.
pub trait Field: Sized {
    /// How the documentation calls it.
    const KIND: &'static str;
    /// Appends the value, without its length.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the whole of `bytes`; `None` if they are no such value.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// For showing and exporting.
    fn value(&self) -> Value;
}

/// A field's value, for showing and exporting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text as it was recorded: make it [`text::printable`] before it is shown.
    Text(String),
    /// A number.
    Number(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A key or a hash.
    Bytes(Vec<u8>),
    /// A set of rights.
    Rights(Rights),
    /// Why something ended or was refused.
    Reason(Close),
}

impl fmt::Display for Value {
    /// For people, on one line: nothing of it can drive a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&text::printable(text)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Signed(number) => write!(f, "{number:+}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Rights(rights) => write!(f, "{rights}"),
            Self::Reason(close) => write!(f, "{} ({})", close.name(), close.code()),
        }
    }
}

/// Text of at most `MAX` bytes of UTF-8. Anything may stand in it; it is made printable when it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize = 256>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes the text, cut to `MAX` bytes at a character boundary.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text::cut(&mut text, MAX);
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a host waits no longer, as the relay saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// 10 min are over.
    Expired,
    /// The second wrong start.
    WrongCodes,
    /// The user closed the host.
    Closed,
    /// Its connection broke.
    Lost,
    /// The user called this relay's desk a scam.
    Reported,
}

const LEFT: [(u8, Left, &str); 5] = [
    (1, Left::Expired, "the code expired"),
    (2, Left::WrongCodes, "too many wrong codes"),
    (3, Left::Closed, "closed by the user"),
    (4, Left::Lost, "connection lost"),
    (5, Left::Reported, "the user called it a scam"),
];

impl From<Leave> for Left {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Expired => Self::Expired,
            Leave::WrongCodes => Self::WrongCodes,
            Leave::Closed => Self::Closed,
            Leave::Reported => Self::Reported,
        }
    }
}

impl<const MAX: usize> Field for Text<MAX> {
    const KIND: &'static str = "text";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        (text.len() <= MAX).then(|| Self(text.to_owned()))
    }
    fn value(&self) -> Value {
        Value::Text(self.0.clone())
    }
}

impl Field for Name {
    const KIND: &'static str = "name";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
    fn value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl Field for u64 {
    const KIND: &'static str = "u64";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
    fn value(&self) -> Value {
        Value::Number(*self)
    }
}

impl Field for i64 {
    const KIND: &'static str = "i64";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
    fn value(&self) -> Value {
        Value::Signed(*self)
    }
}

impl Field for Fingerprint {
    const KIND: &'static str = "hash";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
    fn value(&self) -> Value {
        Value::Bytes(self.0.to_vec())
    }
}

impl Field for PublicKey {
    const KIND: &'static str = "key";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.point());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::try_from(ByteBuf::from(bytes)).ok()
    }
    fn value(&self) -> Value {
        Value::Bytes(self.point().to_vec())
    }
}

impl Field for Rights {
    const KIND: &'static str = "rights";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bits().to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_bits(u32::from_be_bytes(bytes.try_into().ok()?))
    }
    fn value(&self) -> Value {
        Value::Rights(*self)
    }
}

impl Field for Close {
    const KIND: &'static str = "reason";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.code().to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_code(u16::from_be_bytes(bytes.try_into().ok()?).into())
    }
    fn value(&self) -> Value {
        Value::Reason(*self)
    }
}

impl Field for Role {
    const KIND: &'static str = "role";
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Host => 0,
            Self::Viewer => 1,
        });
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Self::Host),
            [1] => Some(Self::Viewer),
            _ => None,
        }
    }
    fn value(&self) -> Value {
        Value::Text(match self {
            Self::Host => "host".to_owned(),
            Self::Viewer => "viewer".to_owned(),
        })
    }
}

impl Field for Left {
    const KIND: &'static str = "left";
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(LEFT.iter().filter(|row| row.1 == *self).map(|row| row.0));
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        LEFT.iter().find(|row| bytes == [row.0]).map(|row| row.1)
    }
    fn value(&self) -> Value {
        Value::Text(LEFT.iter().filter(|row| row.1 == *self).map(|row| row.2).collect())
    }
}

/// Appends one field: `2 length | value`.
pub(super) fn put<F: Field>(field: &F, out: &mut Vec<u8>) {
    let mut value = Vec::new();
    field.write(&mut value);
    let length = u16::try_from(value.len()).expect("the longest field is a note of 4,096 bytes");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&value);
}

/// Takes one field off the front of `rest`; `None` (and `rest` undefined) if it is cut off or no such value.
pub(super) fn take<F: Field>(rest: &mut &[u8]) -> Option<F> {
    let (length, tail) = rest.split_first_chunk::<2>()?;
    let (value, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
    *rest = tail;
    F::read(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<F: Field + PartialEq + fmt::Debug>(field: F, bytes: &str, shown: &str) {
        let mut out = Vec::new();
        put(&field, &mut out);
        assert_eq!(hex::encode(&out), bytes);
        let mut rest = out.as_slice();
        assert_eq!(field.value().to_string(), shown);
        assert_eq!(take(&mut rest), Some(field));
        assert!(rest.is_empty());
        let mut short = out.split_last().unwrap().1;
        assert_eq!(take::<F>(&mut short), None, "cut off");
    }

    #[test]
    fn every_kind_survives_its_bytes() {
        check(Text::<256>::new("a\u{1b}b"), "0003611b62", "a\u{fffd}b");
        check("Vera".parse::<Name>().unwrap(), "000456657261", "Vera");
        check(258_u64, "00080000000000000102", "258");
        check(Rights::VIEW | Rights::CONTROL, "000400000003", "view,control");
        check(Close::NoSuchCode, "0002000a", "no such code (10)");
        check(Role::Viewer, "000101", "viewer");
        check(Left::Lost, "000104", "connection lost");
        check(Fingerprint([7; 32]), &format!("0020{}", "07".repeat(32)), &"07".repeat(32));
        let point = ByteBuf::from([4; 65]);
        check(PublicKey::try_from(point).unwrap(), &format!("0041{}", "04".repeat(65)), &"04".repeat(65));
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        assert_eq!(Text::<2>::read(b"abc"), None);
        assert_eq!(Text::<2>::new("abc").as_str(), "ab");
        assert_eq!(Text::<8>::read(&[0xff]), None);
        assert_eq!(Name::read(b"a\nb"), None);
        assert_eq!(Rights::read(&[0xff; 4]), None);
        assert_eq!(Close::read(&[0xff; 2]), None);
        assert_eq!(Role::read(&[2]), None);
        assert_eq!(Left::read(&[0]), None);
    }
}
