//! `record show SESSION`: one session's timeline, for people. Nothing that is shown can drive a terminal.

use super::{
    output::{CommandError, Output},
    pages::Entries,
    recorder::Recorder,
    store::{EntryRow, Filter},
};
use nearhand_proto::{
    ids::SessionId,
    record::{Event, Header, Severity, Value},
};
use time::OffsetDateTime;

/// Prints the timeline.
pub(crate) async fn show(
    recorder: &Recorder,
    session: SessionId,
    output: &Output,
) -> Result<(), CommandError> {
    let (end, _) = recorder.end().await?;
    let filter = Filter { session: Some(session), ..Filter::default() };
    let start = Event::TABLE.iter().find(|row| row.name == "session.start").map(|row| row.code);
    if recorder.entries(Filter { code: start, ..filter }, 1).await?.is_empty() {
        return Err(CommandError::NoSession(session));
    }
    let mut entries = Entries::new(recorder, filter, end);
    output.line(format!("session {session}")).await?;
    while let Some(row) = entries.next().await? {
        output.line(line(&row)).await?;
    }
    Ok(())
}

/// `time  witness  event  field: value, …`
fn line(row: &EntryRow) -> String {
    let Ok(header) = Header::from_bytes(&row.header) else {
        return format!("entry {} is damaged; 'record verify' says how", row.index);
    };
    let mark = match header.severity {
        Severity::Info => "",
        Severity::Warning | Severity::Alarm => header.severity.word(),
    };
    let (when, witness) = (utc(header.stamp.wall_ms), header.stamp.origin.word());
    let (name, fields) = match Event::decode(header.code, &row.body) {
        Ok(event) => (event.name(), fields(&event)),
        Err(error) => ("unreadable", error.to_string()),
    };
    format!("{when}  {witness:<6}  {name:<20} {mark:<7}  {fields}").trim_end().to_owned()
}

fn fields(event: &Event) -> String {
    let shown: Vec<_> =
        event.fields().iter().map(|(name, value)| format!("{name}: {}", short(value))).collect();
    shown.join(", ")
}

/// Keys and hashes by their first bytes; `record export` has all of them.
fn short(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) if 8 < bytes.len() => format!("{}…", Value::Bytes(bytes[..8].to_vec())),
        Value::Reason(close) => format!("{} ({})", close.name(), close.code()),
        other => other.to_string(),
    }
}

/// `2026-11-03T14:02:11.123Z`; the number itself where no calendar reaches.
pub(super) fn utc(wall_ms: u64) -> String {
    match OffsetDateTime::from_unix_timestamp_nanos(i128::from(wall_ms) * 1_000_000) {
        Err(_) => format!("{wall_ms} ms"),
        Ok(at) => {
            let (date, time) = (at.date(), at.time());
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                date.year(),
                u8::from(date.month()),
                date.day(),
                time.hour(),
                time.minute(),
                time.second(),
                time.millisecond()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_to_the_millisecond() {
        assert_eq!(utc(1_793_714_531_007), "2026-11-03T14:02:11.007Z");
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(u64::MAX), format!("{} ms", u64::MAX));
    }
}
