//! A paired host that lies to the viewer on the session connection, end to end: the viewer hangs up with a reason, shows
//! nothing and does not panic.

use nearhand_proto::{
    close::Close,
    net::frame,
    rights::Rights,
    session::{StreamKind, ToViewer, control::RightsChange},
};
use nearhand_tests::{
    Technician, Viewer, World,
    journal::in_time,
    liar::{
        HungUp,
        host::{LyingHost, Waiting},
    },
};
use quinn::VarInt;
use tokio::task::JoinSet;

/// A length that no message has.
const HUGE: [u8; 4] = [0xff; 4];

async fn lying(world: &World, technician: &Technician) -> (LyingHost, Viewer) {
    let waiting = Waiting::at(world.relay()).await;
    let viewer = world.viewer(technician, &waiting.code);
    let mut host = waiting.lets_in(&viewer).await;
    let rights = ToViewer::Rights { held: Rights::VIEW, why: RightsChange::Given };
    host.control.write_all(&frame(&rights)).await.unwrap();
    (host, viewer)
}

/// What is said where.
enum Lie {
    Control(Vec<u8>),
    /// Then the control stream ends.
    LastWords(Vec<u8>),
    Uni(Vec<u8>),
}

fn lies() -> Vec<(&'static str, Lie)> {
    let (screen, clipboard) = (StreamKind::Screen as u8, StreamKind::Clipboard as u8);
    let noise: Vec<u8> = (0..5_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![
        ("a control message of 4 GiB", Lie::Control(HUGE.into())),
        ("a control message that nobody knows", Lie::Control(vec![0, 0, 0, 1, 99])),
        ("a control message of no bytes", Lie::Control(vec![0; 4])),
        ("half a control message, and the end", Lie::LastWords(vec![0, 0, 0, 9, 1])),
        ("noise on the control stream", Lie::Control(noise.clone())),
        ("an update of 4 GiB", Lie::Uni([&[screen][..], &HUGE].concat())),
        ("an update that nobody knows", Lie::Uni(vec![screen, 0, 0, 0, 1, 99])),
        ("an update of noise", Lie::Uni([&[screen][..], &[0, 0, 0x13, 0x88], &noise].concat())),
        ("a text of 4 GiB", Lie::Uni([&[clipboard][..], &HUGE].concat())),
        ("a text that is none", Lie::Uni(vec![clipboard, 0, 0, 0, 2, 1, 0xff])),
    ]
}

async fn is_hung_up_for(what: &str, lie: Lie, mut host: LyingHost, viewer: Viewer) {
    let mut kept = None;
    match lie {
        Lie::Control(bytes) => drop(host.control.write_all(&bytes).await),
        Lie::LastWords(bytes) => {
            host.control.write_all(&bytes).await.unwrap();
            host.control.finish().unwrap();
        }
        Lie::Uni(bytes) => kept = Some(host.opens(&bytes).await),
    }
    let how = HungUp::of(&in_time(what, host.connection.closed()).await);
    assert_eq!(how, HungUp::Said(Close::Protocol), "{what}");
    assert!(!viewer.has_picture(), "{what}");
    assert_eq!(viewer.over().await, Close::Protocol, "{what}");
    drop(kept);
    host.leaves().await;
}

#[tokio::test]
async fn a_host_that_breaks_the_protocol_is_hung_up_and_nothing_is_shown() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut lying_hosts = JoinSet::new();
    for (what, lie) in lies() {
        let (host, viewer) = lying(&world, &technician).await;
        // Each viewer waits for the last words of its host, which says none: all of them at once.
        lying_hosts.spawn(is_hung_up_for(what, lie, host, viewer));
    }
    lying_hosts.join_all().await;
    world.end().await;
}

#[tokio::test]
async fn a_host_that_resets_streams_without_end_is_hung_up() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let (host, viewer) = lying(&world, &technician).await;
    let resets = async {
        while host.connection.close_reason().is_none() {
            let Ok(mut stream) = host.connection.open_uni().await else { break };
            let _ = stream.write_all(&[StreamKind::Clipboard as u8]).await;
            let _ = stream.reset(VarInt::from_u32(1));
        }
    };
    in_time("the viewer has enough", resets).await;
    assert_eq!(viewer.over().await, Close::Protocol);
    host.leaves().await;
    world.end().await;
}
