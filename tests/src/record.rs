//! The record, as `record export` prints it and an auditor reads it.

use nearhand_proto::{close::Close, ids::SessionId};
use serde_json::Value;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The event's stable name.
    pub event: String,
    /// Who witnessed it: `relay`, `host` or `viewer`.
    pub origin: String,
    /// Its session, 32 zeros without one.
    pub session: String,
    /// Who did it, as an opaque id.
    pub actor: String,
    /// Its number among its witness's entries.
    pub seq: u64,
    /// The event's fields.
    pub fields: Value,
}

/// All entries, in order.
#[derive(Clone, Debug)]
pub struct Record {
    /// Without the tree's head.
    pub entries: Vec<Entry>,
}

impl Record {
    /// Out of the lines of `record export`.
    ///
    /// # Panics
    /// If a line is no JSON object, or the last one is no head over all others.
    pub fn parse(lines: &[String]) -> Self {
        let mut values: Vec<Value> =
            lines.iter().map(|line| serde_json::from_str(line).expect("export prints JSON Lines")).collect();
        let head = values.pop().expect("an export ends with the head");
        assert_eq!(head["tree_size"].as_u64(), u64::try_from(values.len()).ok(), "{head}");
        Self { entries: values.iter().map(Entry::parse).collect() }
    }

    /// The names of a session's events, in order.
    pub fn story(&self, session: SessionId) -> Vec<&str> {
        let id = session.to_string();
        self.entries.iter().filter(|entry| entry.session == id).map(|entry| entry.event.as_str()).collect()
    }

    /// How many entries have this event.
    pub fn count(&self, event: &str) -> usize {
        self.entries.iter().filter(|entry| entry.event == event).count()
    }

    /// One line each, for failures.
    pub fn lines(&self) -> Vec<String> {
        let line = |entry: &Entry| format!("{} {} {}", entry.origin, entry.event, entry.fields);
        self.entries.iter().map(line).collect()
    }
}

impl Entry {
    fn parse(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            event: text("event"),
            origin: text("origin"),
            session: text("session"),
            actor: text("actor"),
            seq: value["seq"].as_u64().unwrap_or(u64::MAX),
            fields: value["fields"].clone(),
        }
    }

    /// True for this event with this reason.
    pub fn is(&self, event: &str, reason: Close) -> bool {
        self.event == event && self.fields["reason"].as_u64() == Some(reason.code().into())
    }

    /// True if it belongs to this session.
    pub fn of(&self, session: SessionId) -> bool {
        self.session == session.to_string()
    }
}
