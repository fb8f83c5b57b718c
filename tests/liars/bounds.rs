//! What every story of a liar asks at its end: the relay still serves, and nothing in it panicked.

use nearhand_proto::{close::Close, control::Role, net::Identity};
use nearhand_tests::{Technician, World, liar::Forger, world::consent};
use std::time::{Duration, Instant};

/// An honest pair meets at this relay, up to the exact picture, and parts; how long the meeting took.
pub(crate) async fn honest_pairing(world: &World, technician: &Technician) -> Duration {
    let began = Instant::now();
    let mut host = world.host();
    let code = host.code().await;
    let mut viewer = world.viewer(technician, &code);
    consent(&mut host, &mut viewer).await;
    let took = began.elapsed();
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.session_over().await, Close::TechnicianLeft);
    took
}

/// The relay's program serves an honest pair, its record is whole, and its log knows of no panic.
pub(crate) async fn serves_on(world: World) {
    let technician = world.technician("Honest Vera").await;
    honest_pairing(&world, &technician).await;
    let log = world.log();
    assert!(!log.contains("panicked"), "{log}");
    world.end().await;
}

/// An end of the relay's that has registered as a host.
pub(crate) async fn registered(world: &World) -> (Forger, quinn::SendStream, quinn::RecvStream) {
    registered_as(world, Role::Host).await
}

/// An end of the relay's that has registered.
pub(crate) async fn registered_as(
    world: &World,
    role: Role,
) -> (Forger, quinn::SendStream, quinn::RecvStream) {
    let identity = Identity::generate(1).unwrap();
    let liar = Forger::dial(&world.relay(), &identity).await.unwrap();
    let (send, receive) = liar.register(role, &identity).await;
    (liar, send, receive)
}
