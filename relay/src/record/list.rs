//! `record list`: one line a session, made from the entries alone.

use super::{
    output::{CommandError, Output},
    pages::Entries,
    recorder::Recorder,
    show::utc,
    store::{EntryRow, Filter},
};
use nearhand_proto::{
    ids::SessionId,
    record::{Event, Header},
};

/// `session.start`.
const START: u16 = 500;

/// Prints `id, start, technician, end, number of events`, separated by tabs, in the order in which they started.
pub(crate) async fn list(recorder: &Recorder, output: &Output) -> Result<(), CommandError> {
    let (end, _) = recorder.end().await?;
    let mut starts = Entries::new(recorder, Filter { code: Some(START), ..Filter::default() }, end);
    while let Some(start) = starts.next().await? {
        let Ok(header) = Header::from_bytes(&start.header) else { continue };
        let (reason, events) = ending(recorder, header.stamp.session, end).await?;
        let technician = match event(&start) {
            Some(Event::SessionStart { technician, .. }) => technician.to_string(),
            _ => "-".to_owned(),
        };
        let (session, when) = (header.stamp.session, utc(header.stamp.wall_ms));
        output.line(format!("{session}\t{when}\t{technician}\t{reason}\t{events} events")).await?;
    }
    Ok(())
}

/// How the session ended, and how many events it has.
async fn ending(recorder: &Recorder, session: SessionId, end: u64) -> Result<(String, u64), CommandError> {
    let filter = Filter { session: Some(session), ..Filter::default() };
    let mut entries = Entries::new(recorder, filter, end);
    let (mut reason, mut events) = ("open".to_owned(), 0);
    while let Some(row) = entries.next().await? {
        events += 1;
        match event(&row) {
            Some(Event::SessionEnd { reason: why, .. }) => reason = why.name(),
            Some(Event::SessionLost { reason: why }) => reason = format!("lost: {}", why.name()),
            _ => {}
        }
    }
    Ok((reason, events))
}

fn event(row: &EntryRow) -> Option<Event> {
    Event::decode(row.code, &row.body).ok()
}
