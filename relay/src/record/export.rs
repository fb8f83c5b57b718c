//! `record export --format jsonl`: every entry, one JSON object a line, with everything that is needed to check the
//! tree again; the last line is the tree's head.

use super::{
    output::{CommandError, Output},
    pages::Entries,
    recorder::Recorder,
    show::utc,
    store::{EntryRow, Filter},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nearhand_proto::{
    record::{Event, Header, Value},
    text::printable_json,
};
use serde::Serialize;
use serde_json::Map;

#[derive(Serialize)]
struct Line {
    index: u64,
    #[serde(flatten)]
    header: Option<Shown>,
    fields: Map<String, serde_json::Value>,
    /// Canonical bytes, salt, body and leaf in hexadecimal digits.
    canonical: String,
    salt: String,
    body: String,
    leaf: String,
}

/// What the header says, for people and programs that don't parse it.
#[derive(Serialize)]
struct Shown {
    session: String,
    seq: u64,
    code: u16,
    event: &'static str,
    severity: &'static str,
    origin: &'static str,
    time: String,
    wall_ms: u64,
    monotonic_ns: u64,
    actor: String,
}

#[derive(Serialize)]
struct End {
    tree_size: u64,
    tree_head: String,
}

/// Prints all entries, then the head.
pub(crate) async fn export(recorder: &Recorder, output: &Output) -> Result<(), CommandError> {
    let (end, head) = recorder.end().await?;
    let mut entries = Entries::new(recorder, Filter::default(), end);
    while let Some(row) = entries.next().await? {
        output.line(json(&line(&row))).await?;
    }
    match head {
        None => Ok(()),
        Some(head) => {
            output.line(json(&End { tree_size: head.size, tree_head: STANDARD.encode(head.root) })).await
        }
    }
}

fn line(row: &EntryRow) -> Line {
    let header = Header::from_bytes(&row.header).ok();
    let event = header.and_then(|header| Event::decode(header.code, &row.body).ok());
    let fields = match &event {
        // Its body stands below.
        None | Some(Event::Unknown { .. }) => Vec::new(),
        Some(event) => event.fields(),
    };
    let name = event.as_ref().map_or("unreadable", Event::name);
    Line {
        index: row.index,
        header: header.map(|header| shown(&header, name)),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), field(value))).collect(),
        canonical: hex(&row.header),
        salt: hex(&row.salt),
        body: hex(&row.body),
        leaf: hex(&row.leaf),
    }
}

fn shown(header: &Header, event: &'static str) -> Shown {
    let stamp = &header.stamp;
    Shown {
        session: stamp.session.to_string(),
        seq: stamp.seq,
        code: header.code,
        event,
        severity: header.severity.word(),
        origin: stamp.origin.word(),
        time: utc(stamp.wall_ms),
        wall_ms: stamp.wall_ms,
        monotonic_ns: stamp.monotonic_ns,
        actor: stamp.actor.to_string(),
    }
}

fn field(value: Value) -> serde_json::Value {
    match value {
        Value::Number(number) => number.into(),
        Value::Signed(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Reason(close) => close.code().into(),
        other => other.to_string().into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    Value::Bytes(bytes.to_vec()).to_string()
}

fn json(line: &impl Serialize) -> String {
    printable_json(&serde_json::to_string(line).expect("strings and numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{
        ids::{ActorId, SessionId},
        record::{Entry, Origin, Stamp, Text},
    };

    fn row(event: &Event) -> EntryRow {
        let stamp = Stamp {
            origin: Origin::Viewer,
            session: SessionId([1; 16]),
            seq: u64::MAX,
            wall_ms: u64::MAX,
            monotonic_ns: u64::MAX,
            actor: ActorId([2; 16]),
        };
        let entry = Entry::new(event, stamp, [0; 32]);
        EntryRow {
            index: u64::MAX,
            session: vec![1; 16],
            seq: Some(u64::MAX),
            code: event.code(),
            header: entry.header.to_bytes().to_vec(),
            salt: entry.salt.to_vec(),
            body: entry.body.to_vec(),
            leaf: vec![0; 32],
        }
    }

    #[test]
    fn one_object_a_line_with_its_fields() {
        let text = "a\u{1b}\n\u{9b}\u{7f}\u{202e}ü";
        let shown = json(&line(&row(&Event::Note { text: Text::new(text) })));
        let parsed: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(parsed["fields"]["text"], text);
        assert_eq!(parsed["event"], "note");
        assert_eq!(parsed["origin"], "viewer");
        assert!(shown.chars().all(nearhand_proto::text::is_printable) && shown.contains('ü'));
    }

    #[test]
    fn the_longest_line_fits_the_admin_socket() {
        let note = Event::Note { text: Text::new("\u{1}".repeat(4_096)) };
        let unknown = Event::Unknown { code: 9_999, body: vec![0; 8 << 10] };
        for event in [note, unknown] {
            let reply = super::super::output::Reply::Out(json(&line(&row(&event))));
            assert!(
                serde_json::to_string(&reply).unwrap().len() < crate::admin::MAX_LINE,
                "{}",
                event.name()
            );
        }
    }
}
