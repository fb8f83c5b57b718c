//! The record as a whole: one thread, one file, what is acknowledged and what is not.

use super::{Filter, OpenError, Output, RecordError, Recorder, Reply, SessionRow, list, show, verify};
use nearhand_proto::{
    close::Close,
    control::PublicKey,
    ids::{ActorId, Fingerprint, SessionId},
    record::{Entry, Event, Ledger, Origin, Stamp, Text},
    rights::Rights,
    text::Name,
};
use std::time::{Duration, Instant};

const RELAY: ActorId = ActorId([1; 16]);
const SESSION: SessionId = SessionId([7; 16]);
const HOST_KEY: Fingerprint = Fingerprint([10; 32]);
const TECHNICIAN: ActorId = ActorId([2; 16]);

fn row() -> SessionRow {
    SessionRow { id: SESSION, host_key: HOST_KEY, viewer_key: Fingerprint([20; 32]), technician: TECHNICIAN }
}

fn start() -> Event {
    let key: PublicKey = serde_json::from_value(vec![4; 65].into()).unwrap();
    Event::SessionStart {
        technician: "Vera".parse().unwrap(),
        desk: "Help".parse().unwrap(),
        technician_key: Fingerprint([3; 32]),
        host_key: key,
        viewer_key: key,
    }
}

fn facts(count: usize) -> Vec<Entry> {
    let now = Instant::now();
    let mut ledger = Ledger::new(SESSION, now);
    let rights = Rights::VIEW;
    for at in 0..count {
        let salt = [u8::try_from(at).unwrap(); 32];
        ledger.append(&Event::ConsentAsked { rights }, Origin::Host, HOST_KEY.actor(), 5, now, salt);
    }
    ledger.poll_batch(count)
}

async fn open(dir: &tempfile::TempDir) -> Recorder {
    let recorder = Recorder::open(dir.path(), RELAY).unwrap();
    recorder.start_session(row(), start()).await.unwrap();
    recorder
}

async fn codes(recorder: &Recorder) -> Vec<u16> {
    recorder.entries(Filter::default(), 999).await.unwrap().iter().map(|row| row.code).collect()
}

/// What a command printed, or its error.
async fn output(
    run: impl AsyncFnOnce(&Output) -> Result<(), super::CommandError>,
) -> Result<Vec<String>, String> {
    let (output, mut replies) = Output::new();
    let collect = async {
        let mut lines = Vec::new();
        while let Some(Reply::Out(line)) = replies.recv().await {
            lines.push(line);
        }
        lines
    };
    let run = async move { run(&output).await };
    let (result, lines) = tokio::join!(run, collect);
    result.map(|()| lines).map_err(|error| error.to_string())
}

#[tokio::test]
async fn session_facts_are_consecutive_and_repeats_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    let entries = facts(4);
    assert_eq!(recorder.append(SESSION, entries[..2].to_vec()).await, Ok(2));
    assert_eq!(recorder.append(SESSION, entries[..3].to_vec()).await, Ok(3), "two repeats and a new one");
    assert_eq!(recorder.append(SESSION, entries[1..2].to_vec()).await, Ok(3));
    assert_eq!(recorder.append(SESSION, vec![]).await, Ok(3));
    let mut other = entries[1].clone();
    other.header.stamp.wall_ms += 1;
    assert_eq!(recorder.append(SESSION, vec![other]).await, Err(RecordError::PeerConflict { seq: 1 }));
    let gap = vec![entries[3].clone(), entries[3].clone()];
    let expected = Err(RecordError::PeerGap { expected: 4, got: 3 });
    assert_eq!(recorder.append(SESSION, gap).await, expected, "all or nothing");
    assert_eq!(codes(&recorder).await, [500, 1_000, 1_000, 1_000]);
    assert_eq!(recorder.all_open_sessions().await, Ok(vec![(row(), 3)]));
    let end = Event::SessionEnd { reason: Close::Done, bytes: 1, packets: 1 };
    assert_eq!(recorder.end_session(SESSION, end.clone()).await, Ok(true));
    assert_eq!(recorder.end_session(SESSION, end).await, Ok(false));
    assert_eq!(recorder.append(SESSION, entries[..3].to_vec()).await, Ok(3), "repeats after the end");
    assert_eq!(recorder.append(SESSION, entries).await, Err(RecordError::NotOpen));
    assert_eq!(recorder.all_open_sessions().await, Ok(vec![]));
    recorder.close().await;
}

#[tokio::test]
async fn a_host_records_nothing_that_it_can_not_witness() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    let check_as = async |actor, event: Event, origin, session, expected| {
        let stamp = Stamp { origin, session, seq: 0, wall_ms: 0, monotonic_ns: 0, actor };
        let entry = Entry::new(&event, stamp, [0; 32]);
        assert_eq!(recorder.append(SESSION, vec![entry]).await, expected, "{event:?}");
    };
    let check = async |event, origin, session, expected| {
        let actor = if origin == Origin::Viewer { TECHNICIAN } else { HOST_KEY.actor() };
        check_as(actor, event, origin, session, expected).await;
    };
    let malformed = || Err(RecordError::PeerMalformed);
    check(Event::RelayStopped, Origin::Relay, SESSION, malformed()).await;
    check(Event::RelayStopped, Origin::Host, SESSION, malformed()).await;
    check(Event::ControlTaken, Origin::Viewer, SESSION, malformed()).await;
    check(Event::ControlTaken, Origin::Host, SessionId([8; 16]), malformed()).await;
    let damaged = Event::Unknown { code: 2_000, body: vec![0, 9] };
    check(damaged, Origin::Viewer, SESSION, malformed()).await;
    let note = || Event::Note { text: Text::new("x") };
    check_as(TECHNICIAN, Event::ControlTaken, Origin::Host, SESSION, malformed()).await;
    check_as(HOST_KEY.actor(), note(), Origin::Viewer, SESSION, malformed()).await;
    check_as(RELAY, note(), Origin::Viewer, SESSION, malformed()).await;
    let newer = Event::Unknown { code: 1_999, body: vec![1] };
    check(newer, Origin::Host, SESSION, Ok(1)).await;
    assert_eq!(recorder.append(SessionId([8; 16]), vec![]).await, Err(RecordError::NotOpen));
    assert_eq!(recorder.start_session(row(), start()).await, Err(RecordError::NotOpen), "an id is used once");
    recorder.close().await;
}

#[tokio::test]
async fn many_at_once_are_all_recorded_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let recorder = recorder.clone();
        tasks.spawn(
            async move { recorder.fact(SessionId::NONE, RELAY, Event::HostRegistered).await.unwrap() },
        );
    }
    let mut leaves = tasks.join_all().await;
    leaves.sort_unstable();
    assert_eq!(leaves, (1..=300).collect::<Vec<_>>());
    let heads = recorder.heads(0, 999).await.unwrap().len();
    assert!(heads < 300, "group commit: {heads} heads");
    let lines = output(async |out| verify(&recorder, out).await).await.unwrap();
    assert!(lines[0].starts_with("verified 301 entries, tree head "), "{lines:?}");
    recorder.close().await;
}

#[tokio::test]
async fn a_run_that_ended_without_a_word_is_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let started = || Event::RelayStarted { version: Text::new("0"), listen: Text::new("-") };
    for last in [Some(Event::RelayStopped), None, None] {
        let recorder = Recorder::open(dir.path(), RELAY).unwrap();
        recorder.fact(SessionId::NONE, RELAY, started()).await.unwrap();
        if let Some(event) = last {
            recorder.fact(SessionId::NONE, RELAY, event).await.unwrap();
        }
        recorder.close().await;
    }
    let recorder = Recorder::open_for_command(dir.path(), false).unwrap();
    assert_eq!(recorder.actor(), RELAY, "remembered");
    assert_eq!(codes(&recorder).await, [100, 101, 100, 102, 100]);
    recorder.close().await;
}

#[tokio::test]
async fn one_writer_a_folder_and_nothing_after_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    assert!(matches!(Recorder::open(dir.path(), RELAY), Err(OpenError::Locked)));
    let other = recorder.clone();
    recorder.close().await;
    assert_eq!(other.fact(SessionId::NONE, RELAY, Event::RelayStopped).await, Err(RecordError::Closed));
    Recorder::open(dir.path(), RELAY).unwrap().close().await;
}

/// Whoever writes to the file beside the relay: here the test's own hand on the database.
fn by_hand(dir: &tempfile::TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.path().join("record.db")).unwrap()
}

#[tokio::test]
async fn nothing_is_acknowledged_that_the_store_did_not_take_and_it_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    let hand = by_hand(&dir);
    hand.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    .unwrap();
    let entries = facts(2);
    let refused = recorder.append(SESSION, entries.clone()).await;
    assert!(
        matches!(&refused, Err(RecordError::Unavailable(why)) if why.contains("disk full")),
        "{refused:?}"
    );
    assert_eq!(refused.unwrap_err().close(), Close::RecordUnavailable);
    hand.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(recorder.append(SESSION, entries).await, Ok(2));
    assert_eq!(codes(&recorder).await, [500, 1_000, 1_000]);
    let lines = output(async |out| verify(&recorder, out).await).await.unwrap();
    assert!(lines[0].starts_with("verified 3 entries"), "{lines:?}");
    recorder.close().await;
}

#[tokio::test]
async fn what_nobody_waits_for_is_durable_by_itself_and_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    for event in [Event::HostRegistered, Event::HostWaiting] {
        recorder.note(SessionId::NONE, HOST_KEY.actor(), event).await.unwrap();
    }
    // No job in haste takes them along: somebody else's eyes see them come.
    let reader = by_hand(&dir);
    let mut size: i64 = 0;
    let began = Instant::now();
    while size < 3 {
        assert!(began.elapsed() < Duration::from_secs(20), "the last head covers {size}");
        tokio::task::yield_now().await;
        size = reader.query_row("SELECT max(size) FROM head", [], |row| row.get(0)).unwrap();
    }
    recorder.note(SessionId::NONE, HOST_KEY.actor(), Event::HostRegistered).await.unwrap();
    assert_eq!(recorder.fact(SessionId::NONE, RELAY, Event::RelayStopped).await, Ok(4), "behind it");
    assert_eq!(codes(&recorder).await, [500, 300, 301, 300, 101]);
    recorder.close().await;
}

#[tokio::test]
async fn who_may_claim_changes_with_the_commit_alone() {
    const KEY: Fingerprint = Fingerprint([4; 32]);
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    let vera: Name = "Vera".parse().unwrap();
    let token = recorder.add_technician(vera.clone()).await.unwrap();
    recorder.enrol(token, KEY).await.unwrap();
    let hand = by_hand(&dir);
    let full = "CREATE TRIGGER full BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    hand.execute_batch(full).unwrap();
    let removed = recorder.remove_technician(vera.clone()).await;
    assert!(matches!(removed, Err(RecordError::Unavailable(_))), "{removed:?}");
    assert!(recorder.is_enrolled(KEY.actor()), "nothing was removed");
    hand.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(recorder.remove_technician(vera).await, Ok(Some(KEY)));
    assert_eq!(recorder.technician(KEY), Err(RecordError::Removed));
    recorder.close().await;
    let recorder = Recorder::open(dir.path(), RELAY).unwrap();
    assert_eq!(recorder.technician(KEY), Err(RecordError::Removed), "known from the start");
    recorder.close().await;
}

#[tokio::test]
async fn verify_names_the_entry_that_was_changed() {
    let check = async |sql: &str, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        let recorder = open(&dir).await;
        recorder.append(SESSION, facts(2)).await.unwrap();
        recorder.fact(SessionId::NONE, RELAY, Event::RelayStopped).await.unwrap();
        recorder.close().await;
        let hand = by_hand(&dir);
        hand.execute_batch("DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER head_delete")
            .unwrap();
        assert_ne!(hand.execute(sql, []).unwrap(), 0, "{sql}");
        drop(hand);
        let recorder = Recorder::open_read_only(dir.path()).unwrap();
        let found = output(async |out| verify(&recorder, out).await).await.unwrap_err();
        assert_eq!(found, expected, "{sql}");
        recorder.close().await;
    };
    let asked = |index| format!("entry {index} (session {SESSION}, consent.asked)");
    check(
        "UPDATE entry SET body = x'000400000003' WHERE idx = 1",
        &format!("{}: body does not match its hash", asked(1)),
    )
    .await;
    check(
        "UPDATE entry SET header = CAST(substr(header, 1, 92) || x'00' AS BLOB) WHERE idx = 2",
        &format!("{}: header does not match its leaf", asked(2)),
    )
    .await;
    check(
        "DELETE FROM entry WHERE idx = 1",
        &format!("{}: expected entry 1 here: entries are missing or out of order", asked(2)),
    )
    .await;
    let cut = "entry 3: tree head over 4 entries does not match: an entry from 3 on was replaced";
    check("DELETE FROM entry WHERE idx = 3", cut).await;
    check("DELETE FROM head WHERE size = 4", "entry 3: the last tree head covers 3 of 4 entries").await;
}

#[tokio::test]
async fn the_record_is_read_by_people() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = open(&dir).await;
    recorder.append(SESSION, facts(1)).await.unwrap();
    let listed = output(async |out| list(&recorder, out).await).await.unwrap();
    let words: Vec<_> = listed[0].split('\t').collect();
    assert_eq!(
        (listed.len(), words[0], words[2], words[3]),
        (1, SESSION.to_string().as_str(), "Vera", "open")
    );
    let note = Event::Note { text: Text::new("a\u{1b}[2Jb") };
    let (origin, actor) = (Origin::Viewer, TECHNICIAN);
    let stamp = Stamp { origin, session: SESSION, seq: 1, wall_ms: 0, monotonic_ns: 0, actor };
    recorder.append(SESSION, vec![Entry::new(&note, stamp, [0; 32])]).await.unwrap();
    let end = Event::SessionEnd { reason: Close::UserStopped, bytes: 9, packets: 1 };
    recorder.end_session(SESSION, end).await.unwrap();
    let shown = output(async |out| show(&recorder, SESSION, out).await).await.unwrap();
    assert_eq!(shown.len(), 5);
    assert!(shown[2].contains("host    consent.asked") && shown[2].contains("rights: view"), "{}", shown[2]);
    assert!(shown[3].contains("text: a\u{fffd}[2Jb"), "{}", shown[3]);
    assert!(shown[4].contains("user stopped (1), bytes: 9"), "{}", shown[4]);
    let listed = output(async |out| list(&recorder, out).await).await.unwrap();
    assert!(listed[0].ends_with("\tVera\tuser stopped\t4 events"), "{listed:?}");
    let missing = output(async |out| show(&recorder, SessionId([9; 16]), out).await).await;
    assert!(missing.unwrap_err().contains("'record list' shows them"));
    recorder.close().await;
}
