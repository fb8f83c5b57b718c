//! The relay goes and comes back while a session runs: the session connection never learns of it.

use crate::session::injected;
use nearhand_host::{
    front::{Press, Show},
    inject::recorder::Injected,
};
use nearhand_proto::{close::Close, ids::SessionId, rights::Rights};
use nearhand_tests::{
    Host, Record, Viewer, World, eventually,
    host::{FIRST, SIZE},
};
use nearhand_viewer::messages::{Command, Event};
use std::time::{Duration, Instant};

/// How long the picture may take once the relay is back.
const RESUMED: Duration = Duration::from_secs(3);

/// Notes under way when the relay is killed.
const NOTES: usize = 30;

/// What must hold after the relay is back since `back`.
async fn goes_on(host: &mut Host, viewer: &mut Viewer, session: SessionId, back: Instant) {
    viewer.shows(host, FIRST).await;
    let took = back.elapsed();
    assert!(took <= RESUMED, "the picture came after {took:?}");
    viewer.hears(Event::RelayBack).await;
    host.sees(Show::RelayBack).await;
    viewer.types("still here").await;
    injected(host, &[Injected::Text("still here".into())]).await;
    let stats = viewer.stats();
    assert_eq!((stats.session, stats.quic_handshakes), (Some(session), 1));
    let codes = host.shows.all().iter().filter(|show| matches!(show, Show::Code { .. })).count();
    assert_eq!(codes, 1, "no new code");
    let suspended = host.shows.all().contains(&Show::Suspended);
    assert!(!suspended, "the session connection never knew");
}

/// The session's own facts, without gap, each once; the notes among them as they were acknowledged.
fn is_whole(record: &Record, session: SessionId, notes: &[(u64, &str)]) {
    let facts: Vec<_> =
        record.entries.iter().filter(|entry| entry.of(session) && entry.origin != "relay").collect();
    for (number, fact) in (0..).zip(&facts) {
        assert_eq!(fact.seq, number, "{:#?}", record.lines());
    }
    for (seq, text) in notes {
        let note = facts.iter().find(|fact| fact.seq == *seq).unwrap();
        assert!(
            note.event == "note" && note.fields["text"] == *text,
            "{note:?} is not \"{text}\", acknowledged: {notes:?}"
        );
    }
}

#[tokio::test]
async fn a_relay_that_is_restarted_finds_its_session_again() {
    let mut world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    let before = viewer.note("before the restart").await;
    world.stop_relay().await;
    host.screen.fill(FIRST, SIZE.rect(), [200, 100, 50]);
    let back = Instant::now();
    world.start_relay().await;
    goes_on(&mut host, &mut viewer, session, back).await;
    let after = viewer.note("after the restart").await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let end = |entry: &nearhand_tests::Entry| entry.of(session) && entry.event == "session.end";
    world.operator.recorded("the end", end).await;
    let record = world.operator.record().await;
    is_whole(&record, session, &[(before, "before the restart"), (after, "after the restart")]);
    assert_eq!((record.count("relay.stopped"), record.count("relay.crashed")), (1, 0));
    assert_eq!(record.count("session.reconnected"), 2);
    world.end().await;
}

#[tokio::test]
async fn a_relay_that_is_killed_and_comes_back_finds_its_session_again() {
    let mut world = World::start_program().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    for number in 0..NOTES {
        viewer.send(Command::Note(format!("note {number}"))).await;
    }
    // Some are durable, some on their way.
    viewer.events.next("a note's number", |event| matches!(event, Event::Noted { .. }).then_some(())).await;
    world.kill_relay().await;
    host.screen.fill(FIRST, SIZE.rect(), [50, 100, 200]);
    // The outage that the story is about.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let back = Instant::now();
    world.start_relay().await;
    goes_on(&mut host, &mut viewer, session, back).await;
    let acknowledged = || {
        let events = viewer.events.all();
        let noted = |event: &Event| if let Event::Noted { seq } = event { Some(*seq) } else { None };
        Some(events.iter().filter_map(noted).collect::<Vec<_>>()).filter(|all| NOTES <= all.len())
    };
    let acknowledged = eventually("every note is durable", acknowledged).await;
    let after = viewer.note("after the kill").await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let end = |entry: &nearhand_tests::Entry| entry.of(session) && entry.event == "session.end";
    world.operator.recorded("the end", end).await;
    let record = world.operator.record().await;
    let texts: Vec<_> = (0..NOTES).map(|number| format!("note {number}")).collect();
    let mut notes: Vec<_> = acknowledged.into_iter().zip(texts.iter().map(String::as_str)).collect();
    notes.push((after, "after the kill"));
    is_whole(&record, session, &notes);
    assert_eq!(record.count("note"), NOTES + 1);
    assert_eq!((record.count("relay.stopped"), record.count("relay.crashed")), (0, 1));
    world.end().await;
}

#[tokio::test]
async fn what_the_user_does_while_the_relay_is_away_is_recorded_when_it_is_back() {
    let mut world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    world.stop_relay().await;
    host.sees(Show::RelayLost).await;
    host.press(Press::Revoke(Rights::CONTROL)).await;
    let taken =
        |show: &Show| matches!(show, Show::Rights { held, .. } if *held == Rights::VIEW).then_some(());
    host.shows.next("the right taken back", taken).await;
    world.start_relay().await;
    let revoked = |entry: &nearhand_tests::Entry| entry.of(session) && entry.event == "right.revoked";
    world.operator.recorded("it", revoked).await;
    viewer.types("no").await;
    viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    assert_eq!(host.input.injected(), []);
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.operator.recorded("the end", |entry| entry.of(session) && entry.event == "session.end").await;
    let record = world.operator.record().await;
    is_whole(&record, session, &[]);
    assert_eq!(record.count("right.revoked"), 1);
    world.end().await;
}

#[tokio::test]
async fn a_host_that_waits_gets_a_new_code_from_a_relay_that_is_back() {
    let mut world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let old = host.code().await;
    world.stop_relay().await;
    world.start_relay().await;
    let code = host.code().await;
    assert!(old != code);
    let mut viewer = world.viewer(&technician, &code);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}
