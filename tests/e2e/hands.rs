//! The user's own hands: their mouse and keyboard win, one key ends it all, and *Pause*, a switch or *This was a scam* stop
//! everything at once.

use crate::session::injected;
use nearhand_host::{
    front::{Press, Show},
    inject::recorder::Injected,
};
use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::Point,
        input::{Button, Usage},
    },
};
use nearhand_tests::{Host, Viewer, World, eventually, host::FIRST, host::SIZE};
use nearhand_viewer::messages::{Act, Event};
use std::time::{Duration, Instant};

/// Issue 4: how soon input and picture stop.
const AT_ONCE: Duration = Duration::from_millis(200);

const LET_GO: Injected = Injected::ButtonUp(Button::Left);

/// The technician drags: the button is down, and its press injected.
async fn dragging(host: &Host, viewer: &Viewer) {
    viewer.act(Act::Pointer(Point { x: 3, y: 4 })).await;
    viewer.act(Act::Button { button: Button::Left, down: true }).await;
    injected(host, &[Injected::Pointer(3, 4), Injected::ButtonDown(Button::Left)]).await;
    host.input.take();
}

/// Goes on with the drag until the button is let go; returns how long that takes.
async fn drags_until_let_go(host: &Host, viewer: &Viewer) -> Duration {
    let start = Instant::now();
    let mut x = 0;
    while !host.input.injected().contains(&LET_GO) {
        assert!(start.elapsed() < Duration::from_secs(20), "the button was never let go");
        x = (x + 1) % 100;
        viewer.act(Act::Pointer(Point { x, y: 7 })).await;
    }
    start.elapsed()
}

/// Waits until all that the technician has done so far is injected or dropped.
async fn done(viewer: &mut Viewer, mark: u32) {
    viewer.act(Act::Mark(mark)).await;
    viewer.hears(Event::Acted(mark)).await;
}

#[tokio::test]
async fn the_users_own_hand_stops_the_technician_for_two_seconds() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    dragging(&host, &viewer).await;
    host.hands.touch();
    let touched = Instant::now();
    let took = drags_until_let_go(&host, &viewer).await;
    assert!(took <= AT_ONCE, "let go after {took:?}");
    host.sees(Show::Yielded(true)).await;
    viewer.hears(Event::Yielded(true)).await;
    done(&mut viewer, 1).await;
    host.input.take();
    viewer.types("dropped").await;
    viewer.click(1, 1).await;
    viewer.key(0x04, true).await;
    done(&mut viewer, 2).await;
    assert_eq!(host.input.injected(), []);

    viewer.hears(Event::Yielded(false)).await;
    host.sees(Show::Yielded(false)).await;
    assert!(Duration::from_secs(2) <= touched.elapsed());
    viewer.key(0x04, false).await; // was never pressed here
    viewer.types("again").await;
    injected(&host, &[Injected::Text("again".into())]).await;
    // What nobody was stopped by does not stand in the record.
    host.hands.touch();
    viewer.hears(Event::Yielded(true)).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.operator.recorded("the end", |entry| entry.of(session) && entry.event == "session.end").await;
    let record = world.operator.record().await;
    let control: Vec<_> =
        record.story(session).into_iter().filter(|event| event.starts_with("control.")).collect();
    assert_eq!(control, ["control.taken", "control.yielded", "control.taken", "control.yielded"]);
    world.end().await;
}

#[tokio::test]
async fn a_hand_that_stopped_nobody_is_no_event() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    host.hands.touch();
    viewer.hears(Event::Yielded(true)).await;
    viewer.types("dropped").await;
    done(&mut viewer, 1).await;
    // Control is taken back and given again while it rests: nobody is left believing that it still does.
    host.press(Press::Revoke(Rights::CONTROL)).await;
    viewer.hears(Event::Yielded(false)).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let record = world.operator.record().await;
    assert_eq!((record.count("control.taken"), record.count("control.yielded")), (0, 0));
    world.end().await;
}

#[tokio::test]
async fn one_key_of_the_users_ends_the_session() {
    let world = World::start().await;
    let (mut host, viewer) = world.pair().await;
    dragging(&host, &viewer).await;
    host.hands.stop();
    assert_eq!(viewer.over().await, Close::UserStopped);
    assert_eq!(host.session_over().await, Close::UserStopped);
    assert_eq!(host.input.injected(), [LET_GO]);
    host.code().await;
    world.end().await;
}

#[tokio::test]
async fn control_taken_back_in_the_middle_of_a_drag_lets_go_at_once() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    dragging(&host, &viewer).await;
    host.press(Press::Revoke(Rights::CONTROL)).await;
    let took = drags_until_let_go(&host, &viewer).await;
    assert!(took <= AT_ONCE, "let go after {took:?}");
    viewer.holds(Rights::VIEW, RightsChange::Revoked).await;
    viewer.act(Act::Pointer(Point { x: 99, y: 99 })).await;
    done(&mut viewer, 1).await;
    assert_eq!(host.input.take().last(), Some(&LET_GO), "nothing follows");
    viewer.shows(&host, FIRST).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_pause_blanks_the_picture_and_stops_input_and_keeps_the_rights() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    dragging(&host, &viewer).await;
    viewer.events.skip();
    let start = Instant::now();
    host.press(Press::Pause(true)).await;
    eventually("the picture is gone", || (!viewer.has_picture()).then_some(())).await;
    let took = start.elapsed();
    assert!(took <= AT_ONCE, "blank after {took:?}");
    eventually("the button is let go", || host.input.injected().contains(&LET_GO).then_some(())).await;
    viewer.hears(Event::Paused(true)).await;
    host.sees(Show::Paused(true)).await;
    host.input.take();

    viewer.note("a round trip").await;
    let before = viewer.stats().bytes_received;
    for round in 0..20_u32 {
        host.screen.put(FIRST, SIZE.rect(), &noise(round));
        viewer.types("dropped").await;
        viewer.note("another").await;
    }
    done(&mut viewer, 1).await;
    // Each picture alone would be some 90 kB.
    let received = viewer.stats().bytes_received - before;
    assert!(received < 20_000, "{received} bytes came during the pause");
    assert!(!viewer.has_picture());
    assert_eq!(host.input.injected(), []);
    let told = viewer.events.all();
    let rights = |event: &&Event| matches!(event, Event::Rights { .. } | Event::NeedsRight(_));
    assert_eq!(told.iter().filter(rights).count(), 2, "no right has changed: {told:?}");

    host.press(Press::Pause(false)).await;
    viewer.hears(Event::Paused(false)).await;
    viewer.shows(&host, FIRST).await;
    viewer.key(0x05, true).await;
    viewer.key(0x05, false).await;
    injected(&host, &[Injected::KeyDown(Usage(5)), Injected::KeyUp(Usage(5))]).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.operator.recorded("the end", |entry| entry.of(session) && entry.event == "session.end").await;
    let record = world.operator.record().await;
    assert_eq!((record.count("session.paused"), record.count("session.continued")), (1, 1));
    world.end().await;
}

#[tokio::test]
async fn a_scam_ends_everything_for_both() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    dragging(&host, &viewer).await;
    host.press(Press::Scam).await;
    assert_eq!(viewer.over().await, Close::Reported);
    assert_eq!(host.session_over().await, Close::Reported);
    assert_eq!(host.input.injected(), [LET_GO]);
    assert_eq!(host.over().await.unwrap(), Close::Reported);
    let reported = |entry: &nearhand_tests::Entry| entry.of(session) && entry.event == "session.reported";
    world.operator.recorded("the report", reported).await;
    world.end().await;
}

/// A picture that no codec shortens, another one each time.
pub(crate) fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..SIZE.pixels() * 4).map(|_| next()).collect()
}
