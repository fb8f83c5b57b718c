//! Texts from one clipboard to the other: each way under its own right, nothing of before, nothing back, nothing too
//! long, and of what is copied only the size on record.

use nearhand_host::front::{Press, Show};
use nearhand_proto::{
    close::Close,
    net::frame,
    rights::Rights,
    session::{
        StreamKind,
        clipboard::{Direction, MAX_TEXT, PACE, Text},
        control::RightsChange,
    },
};
use nearhand_tests::{Host, Viewer, World, eventually, hermit::Hermit};
use nearhand_viewer::messages::{Command, Event};
use quinn::{ReadError, ReadToEndError, RecvStream, SendStream};
use std::time::Instant;

const SEEN: Rights = Rights::VIEW.union(Rights::CONTROL);
const CLIPBOARD: Rights = Rights::CLIPBOARD_IN.union(Rights::CLIPBOARD_OUT);

/// The user gives both directions to a technician who has view and control.
pub(crate) async fn given(host: &mut Host, viewer: &mut Viewer) {
    host.press(Press::Give(CLIPBOARD)).await;
    viewer.holds(SEEN | CLIPBOARD, RightsChange::Given).await;
    listened(host).await;
}

async fn listened(host: &Host) {
    eventually("the host listens", || host.board.is_listened_to().then_some(())).await;
}

async fn closed(host: &Host) {
    eventually("the host's clipboard is closed", || (!host.board.is_open()).then_some(())).await;
}

async fn sends(viewer: &mut Viewer, text: &str) {
    viewer.send(Command::Clipboard(text.to_owned())).await;
}

/// Every text that the viewer was told.
fn told(viewer: &Viewer) -> Vec<String> {
    let text = |event| if let Event::Clipboard(text) = event { Some(text) } else { None };
    viewer.events.all().into_iter().filter_map(text).collect()
}

#[tokio::test]
async fn a_text_goes_each_way_under_a_right_of_its_own() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let (out, inwards) = ("Grüße, 你好, €", "from the desk: “Żółć”");
    sends(&mut viewer, inwards).await;
    viewer.hears(Event::NeedsRight(Rights::CLIPBOARD_IN)).await;
    assert!(!host.board.is_open(), "nobody has a right to it");

    host.press(Press::Give(Rights::CLIPBOARD_IN)).await;
    viewer.holds(SEEN | Rights::CLIPBOARD_IN, RightsChange::Given).await;
    sends(&mut viewer, inwards).await;
    let bytes = u64::try_from(inwards.len()).unwrap();
    viewer.hears(Event::Clipped { bytes }).await;
    host.sees(Show::Clipboard { direction: Direction::In, bytes }).await;
    assert_eq!(host.board.content(), inwards);
    assert!(!host.board.is_listened_to(), "putting is not reading");

    host.press(Press::Revoke(Rights::CLIPBOARD_IN)).await;
    host.press(Press::Give(Rights::CLIPBOARD_OUT)).await;
    viewer.holds(SEEN | Rights::CLIPBOARD_OUT, RightsChange::Given).await;
    listened(&host).await;
    host.board.copy(out);
    viewer.hears(Event::Clipboard(out.to_owned())).await;
    let bytes = u64::try_from(out.len()).unwrap();
    host.sees(Show::Clipboard { direction: Direction::Out, bytes }).await;
    sends(&mut viewer, "once more").await;
    viewer.hears(Event::NeedsRight(Rights::CLIPBOARD_IN)).await;
    assert_eq!(host.board.content(), out);

    for (event, text) in [("clipboard.in", inwards), ("clipboard.out", out)] {
        let is = |entry: &nearhand_tests::Entry| entry.event == event && entry.fields["size"] == text.len();
        let entry = world.operator.recorded(event, is).await;
        assert_eq!(entry.fields["kind"], "text");
    }
    let record = world.operator.record().await;
    assert_eq!((record.count("clipboard.in"), record.count("clipboard.out")), (1, 1));
    let all = record.lines().concat();
    assert!(!all.contains(out) && !all.contains(inwards), "{all}");
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    closed(&host).await;
    world.end().await;
}

#[tokio::test]
async fn nothing_leaves_that_was_copied_before_the_right_or_while_it_was_gone() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    host.board.copy("before the right");
    given(&mut host, &mut viewer).await;
    host.board.copy("one");
    viewer.hears(Event::Clipboard("one".to_owned())).await;

    host.press(Press::Pause(true)).await;
    closed(&host).await;
    host.board.copy("while paused");
    host.press(Press::Pause(false)).await;
    listened(&host).await;
    host.board.copy("two");
    viewer.hears(Event::Clipboard("two".to_owned())).await;

    host.press(Press::Revoke(CLIPBOARD)).await;
    closed(&host).await;
    host.board.copy("while revoked");
    given(&mut host, &mut viewer).await;
    host.board.copy_secret("a password");
    host.board.copy("three");
    viewer.hears(Event::Clipboard("three".to_owned())).await;
    assert_eq!(told(&viewer), ["one", "two", "three"]);
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn the_longest_text_arrives_whole_and_a_longer_one_not_at_all() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    given(&mut host, &mut viewer).await;
    let longest = "ü".repeat(MAX_TEXT / 2);
    host.board.copy(&format!("{longest}x"));
    viewer.hears(Event::ClipboardTooLong).await;
    host.board.copy(&longest);
    viewer.hears(Event::Clipboard(longest.clone())).await;
    let back = "y".repeat(MAX_TEXT);
    sends(&mut viewer, &back).await;
    viewer.hears(Event::Clipped { bytes: 1 << 20 }).await;
    assert!(host.board.content() == back);
    assert!(told(&viewer) == [longest]);
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn of_many_texts_the_newest_counts_at_a_pace() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    given(&mut host, &mut viewer).await;
    let began = Instant::now();
    for number in 0..300 {
        sends(&mut viewer, &format!("text {number}")).await;
    }
    eventually("the newest", || (host.board.content() == "text 299").then_some(())).await;
    let slots = began.elapsed().div_duration_f64(PACE) + 2.0;
    world.operator.recorded("it", |entry| entry.event == "clipboard.in").await;
    let sizes = world.operator.record().await.count("clipboard.in");
    assert!(sizes as f64 <= slots, "{sizes} texts in {slots} slots");
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

/// A hermit who may do everything.
async fn hermit(world: &World) -> (Host, Hermit) {
    let (mut host, hermit) = crate::hermit::paired(world).await;
    host.press(Press::Give(CLIPBOARD)).await;
    let all =
        |show: &Show| matches!(show, Show::Rights { held, .. } if *held == SEEN | CLIPBOARD).then_some(());
    host.shows.next("who may do what", all).await;
    listened(&host).await;
    (host, hermit)
}

/// The host's next stream of texts, read up to the first byte of its first message.
async fn stream_of_texts(hermit: &Hermit) -> RecvStream {
    loop {
        let mut stream = hermit.screen().await;
        let mut kind = [0];
        stream.read_exact(&mut kind).await.unwrap();
        if kind[0] == StreamKind::Clipboard as u8 {
            return stream;
        }
    }
}

/// A stream of the hermit's, with these bytes and no end.
async fn begun(hermit: &Hermit, bytes: &[u8]) -> SendStream {
    let mut stream = hermit.connection.open_uni().await.unwrap();
    stream.write_all(&[StreamKind::Clipboard as u8]).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

#[tokio::test]
async fn what_is_on_its_way_when_the_right_is_taken_back_does_not_arrive() {
    let world = World::start().await;
    let (mut host, hermit) = hermit(&world).await;
    // Far more than the hermit's window holds.
    host.board.copy(&"o".repeat(MAX_TEXT));
    let mut out = stream_of_texts(&hermit).await;
    let inwards = begun(&hermit, &frame(&Text("i".repeat(10_000)))[..5_000]).await;
    host.press(Press::Revoke(CLIPBOARD)).await;
    closed(&host).await;
    let rest = out.read_to_end(MAX_TEXT * 2).await;
    assert!(
        matches!(rest, Err(ReadToEndError::Read(ReadError::Reset(_)))),
        "{:?}",
        rest.map(|all| all.len())
    );
    assert!(inwards.stopped().await.unwrap().is_some(), "the host reads no further");
    assert_eq!(host.board.content(), "o".repeat(MAX_TEXT));

    host.press(Press::Give(CLIPBOARD)).await;
    listened(&host).await;
    host.press(Press::Pause(true)).await;
    closed(&host).await;
    let paused = begun(&hermit, &frame(&Text("into the pause".to_owned()))).await;
    assert!(paused.stopped().await.unwrap().is_some(), "the host reads nothing while it is paused");
    assert_eq!(host.board.content(), "o".repeat(MAX_TEXT));
    hermit.vanish().await;
    host.session_over().await;
    world.end().await;
}

#[tokio::test]
async fn a_newer_text_takes_the_place_of_one_on_its_way() {
    let world = World::start().await;
    let (mut host, hermit) = hermit(&world).await;
    host.board.copy(&"o".repeat(MAX_TEXT));
    let mut first = stream_of_texts(&hermit).await;
    host.board.copy("newer");
    let mut second = stream_of_texts(&hermit).await;
    assert_eq!(second.read_to_end(64).await.unwrap(), frame(&Text("newer".to_owned())));
    let rest = first.read_to_end(MAX_TEXT * 2).await;
    assert!(
        matches!(rest, Err(ReadToEndError::Read(ReadError::Reset(_)))),
        "{:?}",
        rest.map(|all| all.len())
    );
    hermit.vanish().await;
    host.session_over().await;
    world.end().await;
}

#[tokio::test]
async fn what_is_no_text_ends_the_session() {
    let long = u32::try_from(MAX_TEXT + 17).unwrap().to_be_bytes();
    let two = [frame(&Text("one".to_owned())), frame(&Text("two".to_owned()))].concat();
    for bytes in [&[0, 0, 0, 2, 1, 0xff][..], &long, &two, &[0, 0, 0, 2, 1]] {
        let world = World::start().await;
        let (mut host, hermit) = hermit(&world).await;
        let mut stream = begun(&hermit, bytes).await;
        // It may have been stopped already.
        let _ = stream.finish();
        assert_eq!(host.session_over().await, Close::Protocol, "{bytes:?}");
        assert_eq!(host.board.content(), "");
        world.end().await;
    }
}
