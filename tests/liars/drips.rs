//! Slow loris (RFC 9000 §21.6): connections that say a byte now and then hold their place for five seconds, not longer, and honest
//! people meet meanwhile.

use crate::bounds::{honest_pairing, serves_on};
use nearhand_proto::{
    close::Close,
    control::{Role, ToRelay},
    net::{Identity, control_of_end, frame, initial_for_relay, relay_client_tls},
    relay_string::RelayString,
};
use nearhand_tests::{
    World,
    liar::{HungUp, Raw, endpoint_at},
    number,
};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Where the drips come from: the brakes count it apart from the honest ends.
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

/// A byte this often.
const DRIP: Duration = Duration::from_millis(250);

/// Bytes that the begun message claims: never brought.
const CLAIMED: u32 = 1_000;

/// A begun message must be whole within this; then it is hung up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much longer it may take on a machine that is busy with everything else.
const SLACK: Duration = Duration::from_secs(10);

/// Connections that are dialled at once.
const AT_ONCE: usize = 32;

/// How many drips got in, and how many the relay turned away.
struct Crowd {
    inside: Vec<Raw>,
    refused: usize,
}

async fn crowd(relay: &RelayString, identity: &Identity, count: usize) -> Crowd {
    let endpoint = endpoint_at(ELSEWHERE, identity);
    let mut crowd = Crowd { inside: Vec::new(), refused: 0 };
    let mut dialling = JoinSet::new();
    for number in 0..count {
        let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), None).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let (endpoint, relay) = (endpoint.clone(), SocketAddr::new(relay.host.parse().unwrap(), relay.port));
        dialling.spawn(async move { Raw::dial_by(&endpoint, relay, config).await });
        if dialling.len() < AT_ONCE && number + 1 < count {
            continue;
        }
        while let Some(dialled) = dialling.join_next().await {
            match dialled.unwrap() {
                Ok(raw) => crowd.inside.push(raw),
                Err(_) => crowd.refused += 1,
            }
        }
    }
    crowd
}

/// Begins a message and brings it byte by byte until the relay has had enough; how it hung up, and after how long.
async fn drip(raw: Raw, registers: Option<Arc<Identity>>) -> (HungUp, Duration) {
    let began = Instant::now();
    let Ok((mut send, _receive)) = raw.connection.open_bi().await else {
        // The crowd was so large that this one said nothing for too long.
        return (HungUp::of(&raw.connection.closed().await), began.elapsed());
    };
    if let Some(identity) = registers {
        let register = raw.registration(Role::Host, &identity).unwrap();
        let _ = send.write_all(&frame(&ToRelay::Register(register))).await;
    }
    let _ = send.write_all(&CLAIMED.to_be_bytes()).await;
    let mut drops = tokio::time::interval(DRIP);
    loop {
        tokio::select! {
            error = raw.connection.closed() => return (HungUp::of(&error), began.elapsed()),
            // What no longer gets out is seen in the arm above.
            _ = drops.tick() => drop(send.write_all(&[0]).await),
        }
    }
}

#[tokio::test]
async fn drips_are_hung_up_after_five_seconds_and_honest_people_meet_meanwhile() {
    let count = number("NEARHAND_DRIPS", 200);
    let limit = u32::try_from(count).unwrap() + 10;
    let world = World::start_program_with(|limits| limits.connections_per_address = limit).await;
    let technician = world.technician("Vera Example").await;
    let calm = honest_pairing(&world, &technician).await;
    let identity = Identity::generate(1).unwrap();
    let crowd = crowd(&world.relay(), &identity, count).await;
    assert_eq!((crowd.inside.len(), crowd.refused), (count, 0));
    let mut drips = JoinSet::new();
    for (number, raw) in crowd.inside.into_iter().enumerate() {
        // Some have registered before, as many as one address may: an end that the relay knows is no better.
        let registers = (number % 4 == 0 && number < 400).then(|| Arc::new(Identity::generate(1).unwrap()));
        drips.spawn(drip(raw, registers));
    }
    let meanwhile = honest_pairing(&world, &technician).await;
    let mut longest = Duration::ZERO;
    for (how, after) in drips.join_all().await {
        // In a crowd of thousands the word itself may be lost.
        assert!(matches!(how, HungUp::Said(Close::TooSlow) | HungUp::Forgotten), "{how:?}");
        longest = longest.max(after);
    }
    eprintln!(
        "{count} drips; a pairing takes {calm:?} without and {meanwhile:?} with them; the last left after {longest:?}"
    );
    assert!(longest < PATIENCE + SLACK, "a drip held its place for {longest:?}");
    serves_on(world).await;
}

#[tokio::test]
async fn drips_from_one_address_take_only_what_one_address_may_have() {
    let world = World::start_program_with(|_| {}).await;
    let technician = world.technician("Vera Example").await;
    let identity = Identity::generate(1).unwrap();
    let crowd = crowd(&world.relay(), &identity, 60).await;
    assert_eq!((crowd.inside.len(), crowd.refused), (50, 10), "the limit of an address by default");
    let mut drips = JoinSet::new();
    for raw in crowd.inside {
        drips.spawn(drip(raw, None));
    }
    honest_pairing(&world, &technician).await;
    for (how, _) in drips.join_all().await {
        assert_eq!(how, HungUp::Said(Close::TooSlow));
    }
    // Their places are free again.
    let again = crowd_of(&world, &identity, 50).await;
    assert_eq!(again, 50);
    serves_on(world).await;
}

async fn crowd_of(world: &World, identity: &Identity, count: usize) -> usize {
    crowd(&world.relay(), identity, count).await.inside.len()
}
