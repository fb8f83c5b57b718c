//! The hub, when things go wrong inside.

use super::{
    Hub, HubConfig,
    errands::{Errand, Errands},
    face::{Face, Hangup, Presence, Ticket},
};
use crate::{
    directory::{Claimant, Claimed, Drawn},
    forward::Routes,
    limits::Limits,
    record::{RecordError, Recorder, SessionRow},
};
use nearhand_proto::{
    close::Close,
    control::{Technician, ToEnd},
    ids::{ActorId, Fingerprint, SessionId},
    net::Identity,
    record::Event,
    route::Rid,
    text::Name,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ABSENCE: Duration = Duration::from_secs(600);

fn hub() -> (tempfile::TempDir, Arc<Hub>) {
    let folder = tempfile::tempdir().unwrap();
    let actor = ActorId([1; 16]);
    let recorder = Recorder::open(folder.path(), actor).unwrap();
    let config = HubConfig { desk: Name::lossy("Desk"), actor, limits: Limits::default(), absence: ABSENCE };
    (folder, Arc::new(Hub::new(config, recorder, Arc::new(Mutex::new(Routes::default())))))
}

/// An end that has registered.
fn registered(hub: &Arc<Hub>, number: u64) -> (Presence, mpsc::Receiver<Box<ToEnd>>) {
    let key = Identity::generate(1).unwrap().public();
    let ticket = Ticket::admit(hub, ADDRESS).unwrap();
    let rid = hub.routes().register(key.fingerprint(), (ADDRESS, 1).into(), number).unwrap();
    let (mailbox, messages) = mpsc::channel(9);
    let face = Face {
        mailbox,
        key,
        hangup: Hangup::default(),
        connection: number,
        technician: None,
        ticket: Arc::new(Mutex::new(Some(ticket))),
    };
    assert!(hub.enter(rid, face));
    let actor = key.fingerprint().actor();
    (Presence { hub: hub.clone(), rid, actor, connection: number }, messages)
}

#[tokio::test]
async fn an_actor_that_panics_leaves_nothing_behind() {
    let (_folder, hub) = hub();
    let (host, _) = registered(&hub, 1);
    let (viewer, mut told) = registered(&hub, 2);
    let now = Instant::now();
    let Drawn::Waiting(locator, _) = hub.directory().wait(host.rid, ADDRESS, [0; 4], now) else { panic!() };
    let technician =
        Technician { id: ActorId([2; 16]), name: Name::lossy("Vera"), desk: Name::lossy("Desk") };
    let technician_key = Fingerprint([2; 32]);
    let claimant = Claimant { viewer: viewer.rid, technician_key, technician, address: ADDRESS };
    assert!(matches!(hub.directory().claim(locator, claimant, now).0, Claimed::Started(_)));
    let host_key = hub.key_of(host.rid).unwrap().fingerprint();
    let row = SessionRow {
        id: SessionId([1; 16]),
        host_key,
        viewer_key: Fingerprint([9; 32]),
        technician: ActorId([2; 16]),
    };
    hub.sessions().insert(row, 0, None);
    let rid = host.rid;
    let actor = tokio::spawn(async move {
        let _presence = host;
        panic!("as an actor would")
    });
    assert!(actor.await.unwrap_err().is_panic());
    assert!(!hub.is_there(rid));
    assert_eq!((hub.directory().waiting(), hub.routes().len(), hub.addresses().all()), (0, 1, 1));
    assert!(matches!(*told.try_recv().unwrap(), ToEnd::Withdrawn { why: Close::HostGone, .. }));
    assert_eq!(hub.sessions().due(ABSENCE, Instant::now() + ABSENCE).len(), 1, "its session waits for it");
}

#[tokio::test]
async fn an_older_connection_takes_nothing_from_a_newer_one() {
    let (_folder, hub) = hub();
    let (old, _) = registered(&hub, 1);
    let rid = old.rid;
    let key = hub.key_of(rid).unwrap();
    let (mailbox, _messages) = mpsc::channel(9);
    let face = |connection| Face {
        mailbox: mailbox.clone(),
        key,
        hangup: Hangup::default(),
        connection,
        technician: None,
        ticket: Arc::default(),
    };
    assert!(hub.enter(rid, face(3)));
    assert!(!hub.enter(rid, face(2)), "late");
    let row = SessionRow {
        id: SessionId([1; 16]),
        host_key: key.fingerprint(),
        viewer_key: Fingerprint([9; 32]),
        technician: ActorId([2; 16]),
    };
    hub.sessions().insert(row, 0, None);
    let Drawn::Waiting(..) = hub.directory().wait(rid, ADDRESS, [0; 4], Instant::now()) else { panic!() };
    drop(old);
    assert!(hub.is_there(rid));
    assert_eq!(hub.directory().waiting(), 1);
    assert!(hub.sessions().due(ABSENCE, Instant::now() + ABSENCE).is_empty());
}

#[tokio::test]
async fn an_end_is_not_hung_up_for_want_of_hints_that_its_peer_can_cause() {
    let (_folder, hub) = hub();
    let (end, _) = registered(&hub, 1);
    let (mailbox, mut messages) = mpsc::channel(2);
    let hangup = Hangup::default();
    let face = Face {
        mailbox,
        key: hub.key_of(end.rid).unwrap(),
        hangup: hangup.clone(),
        connection: 2,
        technician: None,
        ticket: Arc::default(),
    };
    assert!(hub.enter(end.rid, face));
    let session = SessionId([1; 16]);
    hub.deliver(vec![(end.rid, ToEnd::RouteOpen(session)); 100]);
    assert!(!hangup.token.is_cancelled());
    assert_eq!(messages.try_recv().map(|told| *told), Ok(ToEnd::RouteOpen(session)));
    hub.deliver(vec![(end.rid, ToEnd::Ended { session, why: Close::UserStopped }); 2]);
    assert_eq!((hangup.token.is_cancelled(), hangup.why()), (true, Close::TooSlow));
}

#[tokio::test]
async fn registrations_from_one_address_have_a_pace() {
    let (_folder, hub) = hub();
    let allowed = (0..300).filter(|_| hub.may_register(ADDRESS)).count();
    assert!((200..210).contains(&allowed), "{allowed}");
    assert!(hub.may_register([10, 0, 0, 1].into()));
    assert!(!hub.is_there(Rid::of(&Fingerprint([1; 32]))));
}

#[tokio::test]
async fn an_ending_whose_actor_is_dropped_while_the_disk_is_full_is_recorded_and_told_later() {
    let (folder, hub) = hub();
    let (host, _facts) = registered(&hub, 1);
    let (viewer, mut told) = registered(&hub, 2);
    let session = SessionId([1; 16]);
    let key = |rid| hub.key_of(rid).unwrap().fingerprint();
    let row = SessionRow {
        id: session,
        host_key: key(host.rid),
        viewer_key: key(viewer.rid),
        technician: ActorId([2; 16]),
    };
    let start = Event::SessionStart {
        technician: Name::lossy("Vera"),
        desk: Name::lossy("Desk"),
        technician_key: Fingerprint([2; 32]),
        host_key: hub.key_of(host.rid).unwrap(),
        viewer_key: hub.key_of(viewer.rid).unwrap(),
    };
    hub.recorder.start_session(row.clone(), start).await.unwrap();
    hub.sessions().insert(row, 0, None);
    let hand = rusqlite::Connection::open(folder.path().join("record.db")).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    hand.execute_batch(full).unwrap();
    tokio::select! {
        biased;
        () = hub.end_session(session, Close::UserStopped) => {}
        () = std::future::ready(()) => {}
    }
    // The writer has been at it once this has failed as well.
    let fact = hub.recorder.fact(SessionId::NONE, host.actor, Event::HostWaiting).await;
    assert!(matches!(fact, Err(RecordError::Unavailable(_))), "{fact:?}");
    hand.execute_batch("DROP TRIGGER full").unwrap();
    hub.retry_endings().await;
    assert_eq!(hub.recorder.all_open_sessions().await.unwrap(), []);
    assert_eq!(told.try_recv().map(|told| *told), Ok(ToEnd::Ended { session, why: Close::UserStopped }));
    assert!(hub.sessions().endings().is_empty(), "once");
    hub.retry_endings().await;
    assert!(told.try_recv().is_err(), "once");
}

#[tokio::test]
async fn errands_are_bounded() {
    let (_folder, hub) = hub();
    let (host, _) = registered(&hub, 1);
    let (other, _) = registered(&hub, 2);
    let row = |id, host: &Presence| SessionRow {
        id: SessionId([id; 16]),
        host_key: hub.key_of(host.rid).unwrap().fingerprint(),
        viewer_key: Fingerprint([9; 32]),
        technician: ActorId([2; 16]),
    };
    let (own, foreign) = (row(1, &host), row(2, &other));
    for row in [&own, &foreign] {
        hub.sessions().insert(row.clone(), 0, None);
    }
    let mut errands = Errands::new(hub.clone(), host.rid);
    let end = || Errand::End(own.id, Close::Done);
    assert_eq!((0..1_000).filter(|_| errands.push(end()).is_ok()).count(), 64);
    assert_eq!(errands.push(end()), Err(Close::Busy));
    for row in [&own, &foreign] {
        assert_eq!(errands.push(Errand::Record(row.id, Vec::new())), Ok(()), "to be sent again");
    }
    let owed = |row: &SessionRow| hub.sessions().get(row.id).unwrap().is_owed();
    assert_eq!((owed(&own), owed(&foreign)), (true, false));
}

#[tokio::test]
async fn serving_ends_with_its_endpoint() {
    let (_folder, hub) = hub();
    let endpoint = quinn::Endpoint::client((ADDRESS, 0).into()).unwrap();
    endpoint.close(quinn::VarInt::from_u32(0), &[]);
    let serving = super::serve(hub, endpoint, CancellationToken::new());
    tokio::time::timeout(Duration::from_secs(20), serving).await.unwrap();
}
