//! A relay that keeps everything that it gets to see, with its own keys in its hands: every packet, and every message of
//! the control connections in clear. The record is its own; code, input, clipboard and picture aren't.

use nearhand_host::front::Press;
use nearhand_proto::{
    close::Close,
    control::ToRelay,
    pair::{PairMessage, Start},
    rights::Rights,
    session::{control::RightsChange, geometry::Rect},
    wire,
};
use nearhand_tests::{
    eventually,
    grep::{holds, holds_number},
    host::FIRST,
    hostile::{Hostile, desk, unharmed::noise},
    viewer::rgb,
};
use nearhand_viewer::messages::{Command, Event};

/// At most 16 characters, which the host injects in one piece.
const TYPED: &str = "horse battery 7!";

/// What is copied, there and here.
const COPIED: [&str; 2] = ["correct horse, copied by the user", "battery staple, copied by the desk"];

/// Pixels that no codec can shorten stand here.
const MARKED: Rect = Rect { x: 8, y: 64, width: 128, height: 4 };

/// Bytes of the marker that must not be found in a row: six pixels.
const RUN: usize = 18;

#[tokio::test]
async fn a_relay_that_keeps_everything_reads_no_code_input_clipboard_or_picture() {
    let relay = Hostile::start().await;
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    let mut viewer = relay.viewer(&code);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    let marker = noise(MARKED, 7);
    host.screen.put(FIRST, MARKED, &marker);
    viewer.shows(&host, FIRST).await;
    viewer.types(TYPED).await;
    eventually("it is typed", || (!host.input.injected().is_empty()).then_some(())).await;
    let clipboard = Rights::CLIPBOARD_IN | Rights::CLIPBOARD_OUT;
    host.press(Press::Give(clipboard)).await;
    viewer.holds(Rights::VIEW | Rights::CONTROL | clipboard, RightsChange::Given).await;
    eventually("the host listens", || host.board.is_listened_to().then_some(())).await;
    host.board.copy(COPIED[0]);
    viewer.hears(Event::Clipboard(COPIED[0].to_owned())).await;
    viewer.send(Command::Clipboard(COPIED[1].to_owned())).await;
    viewer.hears(Event::Clipped { bytes: u64::try_from(COPIED[1].len()).unwrap() }).await;
    viewer.note("the desk's own words").await;
    let picture = viewer.snapshot().rgb;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    host.session_over().await;

    let packets = relay.kept();
    let said: Vec<_> = relay.heard.all().into_iter().map(|heard| heard.message).collect();
    let mut seen: Vec<Vec<u8>> = packets.into_iter().map(|packet| packet.bytes).collect();
    seen.extend(said.iter().map(wire::encode));
    let spoken = said.iter().map(|message| format!("{message:?}")).collect::<String>().into_bytes();

    // What must be found, or the search is worth nothing.
    let runs =
        [rgb(&marker), marker.clone()].concat().chunks_exact(RUN).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert!(runs.iter().filter(|run| holds(&picture, run)).count() > 40, "the marker is in the picture");
    assert!(seen.iter().any(|bytes| holds(bytes, b"the desk's own words")), "the record is the desk's own");
    assert!(seen.iter().filter(|bytes| 1_000 < bytes.len()).count() > 2, "the picture passed here");
    assert!(
        said.iter().any(|message| matches!(message, ToRelay::Claim(locator) if *locator == code.locator))
    );

    let [out, inwards] = COPIED.map(str::as_bytes);
    let shown = code.for_the_user();
    let digits = shown.replace(' ', "");
    for needle in
        [TYPED.as_bytes(), out, inwards, code.secret.as_bytes(), digits.as_bytes(), shown.as_bytes()]
    {
        let name = String::from_utf8_lossy(needle);
        assert!(!seen.iter().any(|bytes| holds(bytes, needle)), "the relay has '{name}'");
    }
    assert!(!holds_number(&spoken, code.secret.as_bytes()));
    for run in &runs {
        assert!(!seen.iter().any(|bytes| holds(bytes, run)), "the relay has pixels");
    }
    verifies_no_guess(&relay, &said, &code);
}

/// The recorded pairing doesn't tell the right code from a wrong one: with either, what the relay can work out from it
/// is no proof that it has seen.
fn verifies_no_guess(relay: &Hostile, said: &[ToRelay], code: &nearhand_proto::code::SessionCode) {
    use nearhand_proto::pair::{Claimant, Context};
    let messages = || {
        said.iter().filter_map(|message| match message {
            ToRelay::Pair { message, .. } => wire::decode::<PairMessage>(message).ok(),
            _ => None,
        })
    };
    let answer = messages().find(|message| matches!(message, PairMessage::Answer(_))).unwrap();
    let start = messages().find_map(|message| match message {
        PairMessage::Start(start) => Some(start),
        _ => None,
    });
    let Start { certificate, want, .. } = start.unwrap();
    let technician = nearhand_proto::control::Technician {
        id: relay.technician.identity.public().fingerprint().actor(),
        name: desk::TECHNICIAN.parse().unwrap(),
        desk: desk::DESK.parse().unwrap(),
    };
    let wrong = nearhand_tests::hostile::unharmed::mistaken(code);
    for guess in [&code.secret, &wrong.secret] {
        let context =
            Context { relay: relay.string().key, locator: code.locator, technician: technician.clone() };
        let (claimant, _) = Claimant::start(guess, context, certificate, want, &mut rand_core::OsRng);
        let (_, made) = claimant.receive(answer.clone()).ok().unwrap();
        assert!(messages().all(|seen| seen != made), "a guess can be verified offline");
    }
}
