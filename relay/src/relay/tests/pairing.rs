//! Pairing: what an end may do that is in no session, and how often.

use super::{Bench, Peer, in_time};
use crate::limits::Limits;
use nearhand_proto::{
    close::Close,
    control::{Leave, Role, ToEnd, ToRelay},
    net::Identity,
    record::Event,
};
use quinn::Endpoint;
use std::{net::Ipv4Addr, sync::Arc};
use tokio::net::UdpSocket;

fn is_wrong_code(event: &Event) -> bool {
    matches!(event, Event::PairWrongCode { .. })
}

#[tokio::test]
async fn a_guess_counts_though_the_viewer_gives_it_up() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, claim) = bench.claimed(&technician).await;
    viewer.pair_message(claim).await;
    host.pair_message(claim).await;
    viewer.hears("the answer", |message| matches!(message, ToEnd::Pair { .. }).then_some(())).await;
    viewer.says(ToRelay::Abandon { claim, why: Close::TwoClaimants }).await;
    assert_eq!(host.withdrawn().await, Close::TechnicianLeft, "and does not kill the code");
    bench.recorded("the wrong code", is_wrong_code).await;
    viewer.says(ToRelay::Abandon { claim, why: Close::WrongCode }).await;
    host.says(ToRelay::Abandon { claim, why: Close::WrongCode }).await;
    assert_eq!((viewer.pings().await, host.pings().await), (vec![], vec![]));
    assert_eq!(bench.count(is_wrong_code).await, 1, "once");
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_guess_counts_though_the_viewer_is_gone() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, viewer, claim) = bench.claimed(&technician).await;
    host.pair_message(claim).await;
    host.pings().await;
    drop(viewer);
    assert_eq!(host.withdrawn().await, Close::TechnicianLeft);
    bench.recorded("the wrong code", is_wrong_code).await;
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_claim_that_the_host_did_not_answer_is_no_guess() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, claim) = bench.claimed(&technician).await;
    viewer.pair_message(claim).await;
    viewer.says(ToRelay::Abandon { claim, why: Close::TechnicianLeft }).await;
    host.withdrawn().await;
    viewer.pings().await;
    assert_eq!(bench.count(is_wrong_code).await, 0);
    bench.relay.stop().await;
}

#[tokio::test]
async fn an_end_that_floods_the_pairing_is_hung_up() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, claim) = bench.claimed(&technician).await;
    for _ in 0..5 {
        viewer.pair_message(claim).await;
    }
    assert_eq!(viewer.hung_up().await, Close::Protocol);
    assert_eq!(host.withdrawn().await, Close::TechnicianLeft);
    bench.relay.stop().await;
}

#[tokio::test]
async fn an_end_that_asks_too_much_is_told_once_and_then_hung_up() {
    let bench = Bench::start().await;
    let mut host = bench.end(Role::Host, None).await;
    let mut asked = 0;
    while host.pings().await.is_empty() {
        host.says(ToRelay::Leave(Leave::Closed)).await;
        asked += 1;
        assert!(asked < 40, "never told");
    }
    assert!(20 < asked, "{asked}");
    for _ in 0..20 {
        host.says(ToRelay::Leave(Leave::Closed)).await;
    }
    assert_eq!(host.hung_up().await, Close::Busy);
    assert!(bench.count(|event| matches!(event, Event::HostLeft { .. })).await < 40);
    bench.recorded("the refusals", |event| matches!(event, Event::HandshakeRefused { .. })).await;
    bench.relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_drains_says_so_and_starts_nothing() {
    let bench = Bench::start().await;
    let technician = bench.technician("Vera Example").await;
    let (mut host, mut viewer, claim) = bench.claimed(&technician).await;
    host.says(ToRelay::Confirmed(claim)).await;
    host.pings().await;
    bench.relay.hub.drain();
    viewer.says(ToRelay::Confirmed(claim)).await;
    assert_eq!(viewer.withdrawn().await, Close::RelayStopping);
    assert_eq!(host.withdrawn().await, Close::RelayStopping);
    let identity = Arc::new(Identity::generate(1).unwrap());
    let mut new = Peer::dial(bench.relay.string(), Role::Host, &identity, None).await;
    assert_eq!(new.register().await, Err(Close::RelayStopping));
    assert_eq!(bench.count(|event| matches!(event, Event::SessionStart { .. })).await, 0);
    bench.relay.stop().await;
}

#[tokio::test]
async fn connections_in_all_are_limited() {
    let mut bench = Bench::start().await;
    bench.config.limits.connections_in_all = 1;
    let bench = bench.restart(async |_| {}).await;
    let host = bench.end(Role::Host, None).await;
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let relay = bench.relay.string();
    let tls = nearhand_proto::net::relay_client_tls(relay.key, Arc::default(), None).unwrap();
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.initial_dst_cid_provider(nearhand_proto::net::initial_for_relay());
    let address = (Ipv4Addr::LOCALHOST, relay.port).into();
    let refused = endpoint.connect_with(config, address, "nearhand").unwrap().await.unwrap_err();
    assert!(refused.to_string().contains("refused"), "{refused}");
    drop(host);
    bench.relay.stop().await;
}

#[tokio::test]
async fn first_flights_in_somebodys_name_do_not_lock_them_out() {
    let connections_per_address = 8;
    let bench = Bench::start_with(Limits { connections_per_address, ..Limits::default() }).await;
    let relay = bench.relay.string();
    // Real first flights, caught on their way and sent on by somebody who never hears the answers.
    let [net, liar] = [catcher().await, catcher().await];
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let mut flight = [0; 2_048];
    let mut caught = Vec::new();
    for _ in 0..connections_per_address * 2 {
        let config = Peer::config(relay, None);
        caught.push(endpoint.connect_with(config, net.local_addr().unwrap(), "nearhand").unwrap());
        // A first flight is two datagrams.
        for _ in 0..2 {
            let length = in_time("a first flight", net.recv(&mut flight)).await.unwrap();
            liar.send_to(&flight[..length], (Ipv4Addr::LOCALHOST, relay.port)).await.unwrap();
        }
    }
    let mut host = bench.end(Role::Host, None).await;
    host.waits().await;
}

async fn catcher() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}
