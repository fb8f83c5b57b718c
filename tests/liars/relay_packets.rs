//! A relay that drops, repeats, reorders, changes, invents, reflects and bridges packets: the session goes on exactly, or
//! ends with a reason.

use nearhand_host::{front::Show, inject::recorder::Injected};
use nearhand_proto::{close::Close, control::Role, route::Rid};
use nearhand_tests::{
    Technician, Viewer, eventually,
    host::{FIRST, SIZE},
    hostile::{
        Hostile, desk,
        packets::{self, Deal, Ids, Packet},
        unharmed::exact,
    },
    weather::seed,
    world::consent,
};
use nearhand_viewer::messages::Event;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// From the first packet of a session to its end.
async fn goes_on_exactly(what: &'static str, deal: Deal) {
    let relay = Hostile::start().await;
    relay.deal(deal);
    let (host, viewer) = relay.pair().await;
    exact(&host, &viewer, 4).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    // What is missing in a failure is what went wrong.
    eprintln!("goes on exactly: {what}");
}

#[tokio::test]
async fn packets_that_are_lost_repeated_reordered_or_changed_harm_nothing() {
    let seed = seed("hostile packets");
    let deals = [
        ("every third lost", packets::losing(3)),
        ("each twice", packets::twice()),
        ("each again, 40 packets later", packets::again_later(40)),
        ("three by three backwards", packets::backwards(3)),
        ("every fifth with a flipped bit", packets::corrupting(5, seed)),
        ("every fifth cut off", packets::truncating(5, seed)),
        ("each followed by an invented one", packets::inventing(seed)),
        ("each sent back to its sender as well", packets::reflecting()),
    ];
    let mut stories = JoinSet::new();
    for (what, deal) in deals {
        stories.spawn(goes_on_exactly(what, deal));
    }
    stories.spawn(outlives_heavy_loss());
    stories.join_all().await;
}

/// With every second packet lost a connection stands still for longer and longer; it is only slow, never wrong.
async fn outlives_heavy_loss() {
    let relay = Hostile::start().await;
    let (host, viewer) = relay.pair().await;
    relay.deal(packets::at_first(60, packets::losing(2)));
    exact(&host, &viewer, 4).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

/// Which way a relay lets nothing pass.
#[derive(Clone, Copy, Debug)]
enum Shut {
    Both,
    To(Role),
}

/// Both notice, input rests meanwhile; and what waits too long ends.
async fn is_noticed(shut: Shut, healed: bool) {
    let relay = Hostile::start().await;
    let brief = Duration::from_secs(if healed { 600 } else { 1 });
    let mut host = relay.host(|config| (config.idle, config.absence) = (Duration::from_secs(2), brief));
    let code = host.code().await;
    let mut settings = relay.technician.config(relay.string(), &code);
    // The host, which can say why, waits less long than the viewer: whose giving up is recorded as leaving.
    settings.absence = brief + Duration::from_secs(10);
    let mut viewer = Viewer::start(settings);
    consent(&mut host, &mut viewer).await;
    relay.deal(match shut {
        Shut::Both => packets::nothing(),
        Shut::To(role) => packets::nothing_to(relay.end(role, 0).await.rid),
    });
    host.sees(Show::Suspended).await;
    viewer.types("lost").await;
    if healed {
        viewer.hears(Event::Suspended).await;
        relay.deal(packets::honest());
        host.sees(Show::Resumed).await;
        viewer.hears(Event::Resumed).await;
        exact(&host, &viewer, 1).await;
        assert_eq!(viewer.end().await, Close::TechnicianLeft);
    } else {
        assert_eq!(host.session_over().await, Close::Lost, "{shut:?}");
        assert_eq!(viewer.over().await, Close::Lost, "{shut:?}");
    }
    assert!(!host.input.injected().contains(&Injected::Text("lost".into())));
}

#[tokio::test]
async fn a_relay_that_forwards_nothing_is_noticed_and_nothing_is_typed_late() {
    let mut stories = JoinSet::new();
    for shut in [Shut::Both, Shut::To(Role::Host), Shut::To(Role::Viewer)] {
        for healed in [true, false] {
            stories.spawn(is_noticed(shut, healed));
        }
    }
    stories.join_all().await;
}

#[tokio::test]
async fn packets_of_an_earlier_session_do_nothing_in_a_later_one() {
    let relay = Hostile::start().await;
    let (mut host, viewer) = relay.pair().await;
    let once = Injected::Text("only once".into());
    viewer.types("only once").await;
    eventually("it is typed", || host.input.injected().contains(&once).then_some(())).await;
    exact(&host, &viewer, 2).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    host.session_over().await;
    let earlier = relay.kept();
    let code = host.code().await;
    let mut viewer = relay.viewer(&code);
    consent(&mut host, &mut viewer).await;
    let (at_host, at_viewer) = (relay.end(Role::Host, 0).await.rid, relay.end(Role::Viewer, 1).await.rid);
    let mut ids = Ids::default();
    relay.kept().iter().for_each(|packet| ids.learn(packet));
    let replayed = |packet: &Packet| match packet.to == at_host {
        // As it was, and as if it belonged to the new connection.
        true => [Some(packet.clone()), ids.readdress(packet, at_host)],
        false => [ids.readdress(packet, at_viewer), None],
    };
    let before = host.input.injected();
    for packet in earlier.iter().flat_map(replayed).flatten() {
        relay.inject(&packet);
        tokio::task::yield_now().await;
    }
    assert!(before.contains(&once));
    exact(&host, &viewer, 2).await;
    assert_eq!(host.input.injected().len(), before.len() + 2, "typed again: {:?}", host.input.injected());
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

#[tokio::test]
async fn a_bridged_session_shows_and_types_nothing_at_the_other_one() {
    let relay = Hostile::start().await;
    let (host_a, viewer_a) = relay.pair().await;
    let (mut host_b, other) = (relay.host(|_| {}), Technician::stranger(desk::TECHNICIAN));
    let code = host_b.code().await;
    let mut viewer_b = Viewer::start(other.config(relay.string(), &code));
    consent(&mut host_b, &mut viewer_b).await;
    exact(&host_b, &viewer_b, 1).await;
    // The picture is there before it is told of; a round trip later it has been.
    viewer_b.note("a round trip").await;
    let typed = host_b.input.injected();
    let updates = |viewer: &Viewer| {
        viewer.events.all().iter().filter(|event| matches!(event, Event::Updated { .. })).count()
    };
    let shown = updates(&viewer_b);
    let mut pictures =
        packets::bridging(rid(&relay, Role::Viewer, 0).await, rid(&relay, Role::Viewer, 1).await);
    let mut inputs = packets::bridging(rid(&relay, Role::Host, 0).await, rid(&relay, Role::Host, 1).await);
    // So that ids of both are known, all of what has passed goes through first.
    relay.kept().into_iter().for_each(|packet| drop((pictures(packet.clone()), inputs(packet))));
    let crossed = Arc::new(AtomicUsize::new(0));
    let count = crossed.clone();
    relay.deal(Box::new(move |packet| {
        let mut out = pictures(packet.clone());
        // The packet itself comes last, and goes out once.
        let mut crossed = inputs(packet);
        crossed.pop();
        out.extend(crossed);
        count.fetch_add(out.len() - 1, Ordering::Relaxed);
        out
    }));
    exact(&host_a, &viewer_a, 4).await;
    host_a.screen.fill(FIRST, SIZE.rect(), [200, 0, 0]);
    viewer_a.shows(&host_a, FIRST).await;
    eventually("packets have crossed", || (10 < crossed.load(Ordering::Relaxed)).then_some(())).await;
    viewer_b.shows(&host_b, FIRST).await;
    assert_eq!(updates(&viewer_b), shown, "a picture of the other session was shown");
    assert_eq!(host_b.input.injected(), typed);
    exact(&host_b, &viewer_b, 1).await;
    assert_eq!(viewer_a.end().await, Close::TechnicianLeft);
    assert_eq!(viewer_b.end().await, Close::TechnicianLeft);
}

async fn rid(relay: &Hostile, role: Role, n: usize) -> Rid {
    relay.end(role, n).await.rid
}
