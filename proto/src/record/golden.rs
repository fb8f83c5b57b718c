//! Golden bytes of every event, and the table of events in `docs/record.md`.

use super::{Event, EventError, Left, Severity, Text};
use crate::{
    close::Close,
    control::{PublicKey, Role},
    ids::Fingerprint,
    rights::Rights,
    text::Name,
};
use proptest::prelude::*;
use std::{fmt::Write as _, path::Path};

fn samples() -> Vec<(Event, &'static str)> {
    let name: Name = "Vera".parse().unwrap();
    let technician = || name.clone();
    let key = || PublicKey::try_from(serde_bytes::ByteBuf::from([4; 65])).unwrap();
    let rights = Rights::VIEW | Rights::CONTROL;
    vec![
        (
            Event::RelayStarted { version: Text::new("0.1"), listen: Text::new("[::]:4") },
            "0003302e3100065b3a3a5d3a34",
        ),
        (Event::RelayStopped, ""),
        (Event::RelayCrashed, ""),
        (Event::ClockStep { step_ms: -600_000 }, "0008fffffffffff6d840"),
        (Event::TechnicianAdded { name: technician() }, "000456657261"),
        (
            Event::TechnicianEnrolled { name: technician(), key: Fingerprint([7; 32]) },
            "00045665726100200707070707070707070707070707070707070707070707070707070707070707",
        ),
        (Event::TechnicianRemoved { name: technician() }, "000456657261"),
        (Event::EnrolRefused { reason: Close::BadToken }, "00020016"),
        (Event::HostRegistered, ""),
        (Event::HostWaiting, ""),
        (Event::HostLeft { why: Left::Closed }, "000103"),
        (Event::ClaimRefused { technician: technician(), reason: Close::NoSuchCode }, "0004566572610002000a"),
        (Event::PairStarted { technician: technician() }, "000456657261"),
        (Event::PairWrongCode { technician: technician() }, "000456657261"),
        (Event::PairTwoClaimants, ""),
        (Event::PairCodeDead, ""),
        (Event::CodeMistyped { technician: technician() }, "000456657261"),
        (Event::CodeRefusedTwice { technician: technician() }, "000456657261"),
        (
            Event::HandshakeRefused { reason: Text::new("slow"), count: 300 },
            "0004736c6f770008000000000000012c",
        ),
        (
            Event::SessionStart {
                technician: technician(),
                desk: Name::lossy("Desk"),
                technician_key: Fingerprint([7; 32]),
                host_key: key(),
                viewer_key: key(),
            },
            "00045665726100044465736b002007070707070707070707070707070707070707070707070707070707070707070041040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040400410404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404",
        ),
        (Event::SessionReconnected { end: Role::Viewer }, "000101"),
        (
            Event::SessionEnd { reason: Close::TechnicianLeft, bytes: 1 << 40, packets: 9 },
            "000200020008000001000000000000080000000000000009",
        ),
        (Event::SessionLost { reason: Close::Lost }, "00020028"),
        (Event::RecordRead { command: Text::new("list") }, "00046c697374"),
        (Event::ConsentAsked { rights }, "000400000003"),
        (Event::ConsentGiven { rights }, "000400000003"),
        (Event::ConsentPreset { rights }, "000400000003"),
        (Event::ConsentDeclined { rights }, "000400000003"),
        (Event::ConsentTimedOut { rights }, "000400000003"),
        (Event::RightRevoked { rights }, "000400000003"),
        (
            Event::MonitorWatched { name: Name::lossy("HDMI-1"), width: 1_920, height: 1_080 },
            "000648444d492d310008000000000000078000080000000000000438",
        ),
        (Event::ControlTaken, ""),
        (Event::ControlYielded, ""),
        (Event::SessionSuspended, ""),
        (Event::SessionResumed, ""),
        (Event::SessionPaused, ""),
        (Event::SessionContinued, ""),
        (Event::HostEnded { reason: Close::UserStopped }, "00020001"),
        (Event::SessionReported, ""),
        (Event::ClipboardIn { kind: Text::new("text"), size: 300 }, "0004746578740008000000000000012c"),
        (Event::ClipboardOut { kind: Text::new("text"), size: 1 }, "00047465787400080000000000000001"),
        (Event::Note { text: Text::new("ü") }, "0002c3bc"),
    ]
}

#[test]
fn golden_bytes_of_every_event() {
    let mut wrong = String::new();
    for (event, golden) in samples() {
        let body = event.encode_body();
        assert_eq!(Event::decode(event.code(), &body), Ok(event.clone()));
        let shown = hex::encode(&body);
        if shown != golden {
            writeln!(wrong, "{}: {shown} is not {golden}", event.name()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let codes: Vec<_> = samples().iter().map(|(event, _)| event.code()).collect();
    let table: Vec<_> = Event::TABLE.iter().map(|row| row.code).collect();
    assert_eq!(codes, table, "a sample of every event, in the table's order");
}

#[test]
fn the_table_is_in_order_and_its_names_are_unique() {
    assert!(Event::TABLE.is_sorted_by(|a, b| a.code < b.code));
    for row in Event::TABLE {
        let same = Event::TABLE.iter().filter(|other| other.name == row.name).count();
        assert_eq!(same, 1, "{}", row.name);
    }
}

#[test]
fn damaged_bodies_are_refused_and_unknown_events_kept() {
    let damaged = Err(EventError::Field { event: "consent.given", field: "rights" });
    assert_eq!(Event::decode(1_001, &[0, 4, 0, 0, 0]), damaged);
    assert_eq!(Event::decode(1_001, &[0, 4, 0xff, 0, 0, 0]), damaged);
    assert_eq!(Event::decode(101, &[0]), Err(EventError::Trailing { event: "relay.stopped" }));
    let unknown = Event::Unknown { code: 9_999, body: vec![1] };
    assert_eq!(Event::decode(9_999, &[1]), Ok(unknown.clone()));
    assert_eq!(
        (unknown.name(), unknown.severity(), unknown.encode_body()),
        ("unknown", Severity::Info, vec![1])
    );
}

proptest! {
    #[test]
    fn decoding_never_panics_and_is_unique(at in 0..Event::TABLE.len(), body in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(event) = Event::decode(Event::TABLE[at].code, &body) {
            prop_assert_eq!(event.encode_body(), body);
        }
    }
}

/// The table in `docs/record.md`; `UPDATE_DOCS=1 cargo test -p nearhand-proto record` writes it anew.
#[test]
fn the_documentation_lists_every_event() {
    const BEGIN: &str = "<!-- events: begin -->\n";
    const END: &str = "<!-- events: end -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/record.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (listed, tail) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
    } else {
        let how = "run UPDATE_DOCS=1 cargo test -p nearhand-proto record";
        assert!(listed == table, "docs/record.md lists other events than the code; {how}");
    }
}

fn table() -> String {
    let mut out = "| code | name | severity | body | meaning |\n|---|---|---|---|---|\n".to_owned();
    for row in Event::TABLE {
        let fields: Vec<_> = row.fields.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let (severity, meaning) = (row.severity.word(), row.meaning.trim());
        let fields = if fields.is_empty() { "–".to_owned() } else { fields.join(", ") };
        writeln!(out, "| {} | `{}` | {severity} | {fields} | {meaning} |", row.code, row.name).unwrap();
    }
    out
}
