//! Sessions: whatever happens to ends, technicians or the disk, the record gets the host's last facts.

use super::{Bench, Peer};
use crate::record::{RecordError, Recorder};
use nearhand_proto::{
    close::Close,
    control::{Role, ToEnd, ToRelay},
    ids::{ActorId, SessionId},
    record::Event,
};
use std::sync::Arc;

const FULL: &str = "CREATE TRIGGER full BEFORE INSERT ON head BEGIN SELECT RAISE(ABORT, 'disk full'); END";
const ROOM: &str = "DROP TRIGGER full";

#[tokio::test]
async fn a_viewer_that_leaves_does_not_cost_the_hosts_last_facts() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    viewer.says(ToRelay::End { session, why: Close::UserStopped }).await;
    assert_eq!(viewer.hears_the_end(session).await, Close::TechnicianLeft, "at once, and in its own name");
    assert_eq!(host.hears_the_end(session).await, Close::TechnicianLeft);
    host.records(session, &[0, 1]).await;
    assert_eq!(host.hears_recorded().await, 2);
    host.says(ToRelay::End { session, why: Close::Done }).await;
    assert_eq!(host.hears_the_end(session).await, Close::TechnicianLeft);
    assert_eq!(bench.story(session).await, (vec![500, 1_200, 1_200, 502], Some(Close::TechnicianLeft)));
    viewer.says(ToRelay::End { session, why: Close::Done }).await;
    assert_eq!(viewer.hears_the_end(session).await, Close::TechnicianLeft, "as often as it asks");
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_viewer_that_leaves_is_over_though_its_host_says_nothing() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    viewer.says(ToRelay::End { session, why: Close::TechnicianLeft }).await;
    host.hears_the_end(session).await;
    assert_eq!(host.hears_the_end(session).await, Close::TechnicianLeft, "again, when it is over for good");
    assert_eq!(bench.story(session).await, (vec![500, 502], Some(Close::TechnicianLeft)));
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_host_that_has_left_is_not_told_to_while_its_last_facts_are_under_way() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    let left = host.fact(session, 0, &Event::HostEnded { reason: Close::UserStopped });
    host.says(ToRelay::Record { session, entries: vec![left] }).await;
    assert_eq!(host.hears_recorded().await, 1);
    viewer.says(ToRelay::End { session, why: Close::TechnicianLeft }).await;
    viewer.hears_the_end(session).await;
    assert_eq!(host.pings().await, []);
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_host_ends_its_session_at_once_and_with_words_of_its_own() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    for (said, recorded) in [
        (Close::UserStopped, Close::UserStopped),
        (Close::NoScreen, Close::NoScreen),
        (Close::TechnicianRemoved, Close::Internal),
    ] {
        let (mut host, mut viewer, session) = bench.pair(&technician).await;
        host.says(ToRelay::End { session, why: said }).await;
        assert_eq!(viewer.hears_the_end(session).await, recorded);
        assert_eq!(bench.story(session).await, (vec![500, 502], Some(recorded)));
    }
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_store_that_fails_costs_neither_the_session_nor_a_fact() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    host.records(session, &[0]).await;
    assert_eq!(host.hears_recorded().await, 1);
    bench.hand().execute_batch(FULL).unwrap();
    host.records(session, &[1]).await;
    host.records(session, &[2]).await;
    for _ in 0..2 {
        assert_eq!(host.pings().await, [], "neither acknowledged nor hung up");
        // The writer has been at what was queued before, once this has failed.
        let fact = bench.relay.recorder.fact(SessionId::NONE, ActorId([1; 16]), Event::HostWaiting).await;
        assert!(matches!(fact, Err(RecordError::Unavailable(_))), "{fact:?}");
    }
    // It comes back meanwhile, and is told how far the record is.
    let (mut host, sessions) = bench.back(Role::Host, &host.identity.clone(), None).await;
    assert_eq!((sessions.len(), sessions[0].session, sessions[0].next), (1, session, 1));
    host.hears("the route", |message| (message == ToEnd::RouteOpen(session)).then_some(())).await;
    viewer.hears("the route", |message| (message == ToEnd::RouteOpen(session)).then_some(())).await;
    bench.hand().execute_batch(ROOM).unwrap();
    host.records(session, &[2]).await;
    assert_eq!(host.hears_recorded().await, 1, "one is missing, so from there");
    host.records(session, &[1, 2]).await;
    assert_eq!(host.hears_recorded().await, 3);
    bench.relay.stop().await;
}

#[tokio::test]
async fn an_end_waits_for_facts_that_the_store_did_not_take() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    bench.hand().execute_batch(FULL).unwrap();
    host.records(session, &[0]).await;
    host.says(ToRelay::End { session, why: Close::UserStopped }).await;
    assert_eq!(viewer.hears_the_end(session).await, Close::UserStopped);
    assert_eq!(host.pings().await, []);
    bench.hand().execute_batch(ROOM).unwrap();
    host.records(session, &[0]).await;
    assert_eq!(host.hears_recorded().await, 1);
    host.says(ToRelay::End { session, why: Close::UserStopped }).await;
    assert_eq!(host.hears_the_end(session).await, Close::UserStopped);
    assert_eq!(bench.story(session).await, (vec![500, 1_200, 502], Some(Close::UserStopped)));
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_ping_is_answered_while_the_disk_is_busy() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, _viewer, session) = bench.pair(&technician).await;
    let hand = bench.hand();
    hand.execute_batch("BEGIN IMMEDIATE").unwrap();
    host.records(session, &[0]).await;
    assert_eq!(host.pings().await, []);
    hand.execute_batch("COMMIT").unwrap();
    assert_eq!(host.hears_recorded().await, 1);
    bench.relay.stop().await;
}

#[tokio::test]
async fn what_an_end_said_before_it_left_in_order_is_done() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, session) = bench.pair(&technician).await;
    for seq in 0..3 {
        host.records(session, &[seq]).await;
    }
    host.says(ToRelay::End { session, why: Close::UserStopped }).await;
    host.sender.stream().finish().unwrap();
    assert_eq!(host.hung_up().await, Close::Done);
    assert_eq!(viewer.hears_the_end(session).await, Close::UserStopped);
    assert_eq!(bench.story(session).await.0, [500, 1_200, 1_200, 1_200, 502]);
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_technician_who_is_removed_while_the_relay_is_away_does_not_get_the_session_back() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (host, viewer, session) = bench.pair(&technician).await;
    let remove = async |folder: &tempfile::TempDir| {
        let recorder = Recorder::open_for_command(folder.path(), false).unwrap();
        recorder.remove_technician("Vera Example".parse().unwrap()).await.unwrap();
        recorder.close().await;
    };
    let bench = bench.restart(remove).await;
    let (mut viewer, sessions) = bench.back(Role::Viewer, &viewer.identity, Some(&technician)).await;
    assert_eq!(sessions.len(), 1, "what it then hears is said of this one");
    assert_eq!(viewer.hears_the_end(session).await, Close::TechnicianRemoved);
    let (mut host, sessions) = bench.back(Role::Host, &host.identity, None).await;
    assert_eq!(sessions.len(), 1, "its facts are still taken");
    assert_eq!(host.pings().await, [ToEnd::Ended { session, why: Close::TechnicianRemoved }], "no route");
    host.records(session, &[0]).await;
    assert_eq!(host.hears_recorded().await, 1);
    host.says(ToRelay::End { session, why: Close::HostGone }).await;
    assert_eq!(host.hears_the_end(session).await, Close::TechnicianRemoved);
    assert_eq!(bench.story(session).await, (vec![500, 1_200, 502], Some(Close::TechnicianRemoved)));
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_technician_who_is_removed_is_cut_and_the_hosts_last_facts_are_taken() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, viewer, session) = bench.pair(&technician).await;
    bench.relay.recorder.remove_technician("Vera Example".parse().unwrap()).await.unwrap();
    assert_eq!(viewer.hung_up().await, Close::TechnicianRemoved);
    assert_eq!(host.hears_the_end(session).await, Close::TechnicianRemoved);
    host.records(session, &[0]).await;
    assert_eq!(host.hears_recorded().await, 1);
    host.says(ToRelay::End { session, why: Close::TechnicianRemoved }).await;
    host.hears_the_end(session).await;
    assert_eq!(bench.story(session).await, (vec![500, 1_200, 502], Some(Close::TechnicianRemoved)));
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_connection_that_registers_late_does_not_replace_a_newer_one() {
    let bench = Bench::start().await;
    let host = bench.end(Role::Host, None).await;
    let identity: Arc<_> = host.identity.clone();
    let mut late = Peer::dial(bench.relay.string(), Role::Host, &identity, None).await;
    let (mut newer, _) = bench.back(Role::Host, &identity, None).await;
    assert_eq!(host.hung_up().await, Close::Replaced);
    assert_eq!(late.register().await, Err(Close::Replaced));
    assert_eq!(newer.pings().await, []);
    bench.relay.stop().await;
}
