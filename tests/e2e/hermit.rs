//! A viewer that does not read must not keep the user from having the last word; nor may an absent relay.

use nearhand_host::front::{Press, Show};
use nearhand_proto::{close::Close, rights::Rights, session::ToHost};
use nearhand_tests::{Host, World, eventually, hermit::Hermit, host::FIRST};
use std::time::{Duration, Instant};

const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

/// A host whose user has allowed a hermit everything.
pub(crate) async fn paired(world: &World) -> (Host, Hermit) {
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let identity = technician.identity.clone();
    let (hermit, ()) = tokio::join!(Hermit::pair(world.relay(), identity, &code, BOTH), async {
        host.allow(Rights::VIEW).await;
        host.allow(Rights::CONTROL).await;
    });
    let told = |show: &Show| matches!(show, Show::Rights { held, .. } if *held == BOTH).then_some(());
    host.shows.next("who may do what", told).await;
    (host, hermit)
}

#[tokio::test]
async fn a_viewer_that_does_not_read_does_not_delay_the_user() {
    let world = World::start().await;
    let (mut host, mut hermit) = paired(&world).await;
    // Each is answered on the control stream, which nobody reads and whose window is 4 KiB.
    for _ in 0..200 {
        hermit.says(ToHost::Ask(Rights::CONTROL)).await;
        hermit.says(ToHost::Watch(nearhand_proto::session::geometry::MonitorId(99))).await;
    }
    for _ in 0..200 {
        hermit.types(4).await;
    }
    eventually("input arrives", || (!host.input.injected().is_empty()).then_some(())).await;
    let pressed = Instant::now();
    host.press(Press::Revoke(Rights::CONTROL)).await;
    let taken = |show: &Show| match show {
        Show::Rights { held, .. } => (!held.contains(Rights::CONTROL)).then_some(()),
        Show::Ended(_) | Show::Suspended => Some(()),
        _ => None,
    };
    host.shows.next("control is taken back", taken).await;
    assert!(pressed.elapsed() < Duration::from_millis(200), "took {:?}", pressed.elapsed());
    hermit.vanish().await;
    host.session_over().await;
    world.end().await;
}

#[tokio::test]
async fn no_byte_of_picture_follows_after_viewing_was_taken_back() {
    let world = World::start().await;
    let (mut host, hermit) = paired(&world).await;
    let mut screen = hermit.screen().await;
    // Noise does not compress: far more than the window stands in the host's buffers.
    let noise: Vec<u8> =
        (0..FIRST_PIXELS * 4).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[4]).collect();
    host.screen.put(FIRST, nearhand_tests::host::SIZE.rect(), &noise);
    let mut some = [0; 1_024];
    screen.read_exact(&mut some).await.unwrap();
    host.press(Press::Revoke(Rights::VIEW)).await;
    host.shows
        .next("viewing is taken back", |show| {
            matches!(show, Show::Rights { held, .. } if held.is_empty()).then_some(())
        })
        .await;
    let rest = screen.read_to_end(64 << 20).await;
    assert!(matches!(rest, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))), "{rest:?}");
    hermit.vanish().await;
    host.session_over().await;
    world.end().await;
}

const FIRST_PIXELS: usize =
    nearhand_tests::host::SIZE.width as usize * nearhand_tests::host::SIZE.height as usize;

#[tokio::test]
async fn what_the_user_did_while_the_relay_was_away_is_on_record() {
    let mut world = World::start().await;
    let (mut host, viewer) = world.pair().await;
    world.stop_relay().await;
    host.press(Press::Revoke(Rights::CONTROL)).await;
    host.press(Press::Stop).await;
    assert_eq!(host.session_over().await, Close::UserStopped);
    world.start_relay().await;
    // Nothing of the host's good-bye can have reached the viewer; it learns from the relay that it is over.
    let why = viewer.over().await;
    assert!(matches!(why, Close::UserStopped | Close::Lost), "{why:?}");
    let end = world.operator.recorded("the end", |entry| entry.is("session.end", Close::UserStopped)).await;
    let record = world.operator.record().await;
    let story = record.story(end.session.parse().unwrap());
    let tail = story.iter().rev().take(3).rev().copied().collect::<Vec<_>>();
    assert_eq!(tail, ["right.revoked", "host.ended", "session.end"], "{story:?}");
    world.end().await;
}
