//! Who may enter codes; and relays that aren't there, or aren't the one that was meant.

use nearhand_proto::{close::Close, control::Token, ids::Fingerprint, relay_string::RelayString};
use nearhand_tests::{Technician, Viewer, World, world::consent};
use std::{net::UdpSocket, time::Duration};

#[tokio::test]
async fn nobody_joins_who_has_not_enrolled() {
    let world = World::start().await;
    let stranger = Technician::stranger("Nobody");
    let mut host = world.host();
    let code = host.code().await;
    let why = world.refused(&stranger, &code).await;
    assert_eq!((why, why.exit_code()), (Close::UnknownTechnician, 7));
    let entry =
        world.operator.recorded("it", |entry| entry.is("claim.refused", Close::UnknownTechnician)).await;
    assert_eq!(entry.fields["technician"], "-");
    let known = world.technician("Vera Example").await;
    let mut viewer = world.viewer(&known, &code);
    consent(&mut host, &mut viewer).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_token_that_is_wrong_or_used_enrols_nobody() {
    let world = World::start().await;
    let (vera, thief) = (Technician::stranger("Vera Example"), Technician::stranger("Thief"));
    let token = world.operator.add("Vera Example").await;
    let wrong = Token("x".repeat(22));
    assert_eq!(thief.enrol(world.relay(), wrong).await, Err(Close::BadToken));
    assert_eq!(vera.enrol(world.relay(), token.clone()).await, Ok(()));
    assert_eq!(thief.enrol(world.relay(), token).await, Err(Close::BadToken));
    assert_eq!(Close::BadToken.exit_code(), 7);
    let record = world.operator.record().await;
    let refused = record.entries.iter().filter(|entry| entry.is("enrol.refused", Close::BadToken));
    assert_eq!((refused.count(), record.count("technician.enrolled")), (2, 1));
    world.end().await;
}

#[tokio::test]
async fn a_technician_who_is_removed_is_cut_at_once_and_never_comes_back() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    consent(&mut host, &mut viewer).await;
    let session = viewer.session().await;
    world.operator.remove("Vera Example").await;
    let why = viewer.over().await;
    assert_eq!((why, why.exit_code()), (Close::TechnicianRemoved, 7));
    assert_eq!(host.session_over().await, Close::TechnicianRemoved);
    let ended = |entry: &nearhand_tests::Entry| {
        entry.of(session) && entry.is("session.end", Close::TechnicianRemoved)
    };
    world.operator.recorded("the cut", ended).await;
    let code = host.code().await;
    assert_eq!(world.refused(&technician, &code).await, Close::TechnicianRemoved);
    world.operator.recorded("the refusal", |entry| entry.is("claim.refused", Close::TechnicianRemoved)).await;
    world.end().await;
}

#[tokio::test]
async fn a_relay_that_does_not_answer_is_said_to_be_so() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    // Bound, so that nobody else answers there; and never read.
    let silent = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let relay = RelayString { port: silent.local_addr().unwrap().port(), ..world.relay() };
    let mut config = technician.config(relay.clone(), &code);
    config.patience = Duration::from_millis(300);
    let why = Viewer::start(config).over().await;
    assert_eq!((why, why.exit_code()), (Close::RelayUnreachable, 8));
    let lost = nearhand_tests::Host::start(relay, |config| config.patience = Duration::from_millis(300));
    assert_eq!(lost.over().await.unwrap_err().close(), Close::RelayUnreachable);
    world.end().await;
}

#[tokio::test]
async fn a_relay_with_another_key_gets_nothing() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let relay = RelayString { key: Fingerprint::of(b"another key"), ..world.relay() };
    let why = Viewer::start(technician.config(relay.clone(), &code)).over().await;
    assert_eq!((why, why.exit_code()), (Close::RelayKey, 9));
    let lost = nearhand_tests::Host::start(relay, |_| {});
    assert_eq!(lost.over().await.unwrap_err().close(), Close::RelayKey);
    world.operator.recorded("the refused handshake", |entry| entry.event == "handshake.refused").await;
    world.end().await;
}
