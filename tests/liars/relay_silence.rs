//! A relay that withholds: what was asked for never comes, or only half of it. Every waiting has an end, and is seen.

use nearhand_host::front::Show;
use nearhand_proto::{
    close::Close,
    control::{Role, ToRelay},
};
use nearhand_tests::{
    Viewer,
    hostile::{
        Hostile, Tongue,
        unharmed::{blind, exact, untouched},
    },
};
use nearhand_viewer::messages::{Command, Event};
use std::time::Duration;
use tokio::task::JoinSet;

/// What each step may take here. (30 s in the product.)
const STEP: Duration = Duration::from_secs(2);

/// How long the first dial is tried here. (60 s in the product.)
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether this is what the relay never answers.
type IsWithheld = fn(&ToRelay) -> bool;

/// A viewer that enters a code at a relay that never answers `withheld`; it says why it ends.
async fn viewer_ends(what: &'static str, withheld: IsWithheld, expected: Close) {
    let relay = Hostile::start().await;
    let mut host = relay.host(|config| config.step = STEP);
    let code = host.code().await;
    relay.hears(move |_, message| !withheld(message));
    let mut settings = relay.technician.config(relay.string(), &code);
    (settings.step, settings.patience) = (STEP, PATIENCE);
    let mut viewer = Viewer::start(settings);
    assert_eq!(viewer.ended().await, expected, "{what}");
    blind(&viewer);
    untouched(&host);
}

#[tokio::test]
async fn a_viewer_ends_when_the_relay_withholds_an_answer() {
    let withheld: [(&str, IsWithheld, Close); 4] = [
        ("the registration", |message| matches!(message, ToRelay::Register(_)), Close::RelayUnreachable),
        ("the claim", |message| matches!(message, ToRelay::Claim(_)), Close::TooSlow),
        ("the pairing", |message| matches!(message, ToRelay::Pair { .. }), Close::TooSlow),
        ("the session", |message| matches!(message, ToRelay::Confirmed(_)), Close::TooSlow),
    ];
    let mut stories = JoinSet::new();
    for (what, is_withheld, expected) in withheld {
        stories.spawn(viewer_ends(what, is_withheld, expected));
    }
    stories.join_all().await;
}

#[tokio::test]
async fn a_host_that_is_never_registered_says_that_the_relay_does_not_answer() {
    let relay = Hostile::start().await;
    relay.hears(|_, _| false);
    let mut host = relay.host(|config| config.patience = PATIENCE);
    host.sees(Show::Bye(Close::RelayUnreachable)).await;
    assert_eq!(host.over().await.unwrap_err().close(), Close::RelayUnreachable);
}

#[tokio::test]
async fn a_host_without_a_code_dials_anew_and_its_user_sees_it() {
    let relay = Hostile::start().await;
    relay.hears(|_, message| !matches!(message, ToRelay::Wait));
    let mut host = relay.host(|config| config.step = STEP);
    for _ in 0..2 {
        host.sees(Show::RelayLost).await;
        host.sees(Show::RelayBack).await;
    }
    relay.speak(Tongue::default());
    host.code().await;
    untouched(&host);
}

#[tokio::test]
async fn a_host_gives_up_a_technician_whose_session_never_begins() {
    let mut relay = Hostile::start().await;
    let mut host = relay.host(|config| config.step = STEP);
    let code = host.code().await;
    relay.hears(|_, message| !matches!(message, ToRelay::Confirmed(_)));
    let viewer = relay.viewer(&code);
    let called = |show: &Show| matches!(show, Show::Caller { .. }).then_some(());
    host.shows.next("who calls", called).await;
    let given_up = |_: &nearhand_tests::hostile::End, message: &ToRelay| match message {
        ToRelay::Abandon { why: Close::TooSlow, .. } => Some(()),
        _ => None,
    };
    relay.hear("that it took too long", given_up).await;
    host.code().await;
    assert_eq!(viewer.over().await, Close::TooSlow);
    untouched(&host);
}

#[tokio::test]
async fn a_record_that_is_never_acknowledged_is_sent_again_and_no_note_counts_as_written() {
    let relay = Hostile::start().await;
    let (host, mut viewer) = relay.pair().await;
    relay.hears(|_, message| !matches!(message, ToRelay::Record { .. }));
    viewer.send(Command::Note("not yet durable".to_owned())).await;
    exact(&host, &viewer, 2).await;
    let noted =
        |viewer: &Viewer| viewer.events.all().iter().any(|event| matches!(event, Event::Noted { .. }));
    assert!(!noted(&viewer));
    relay.speak(Tongue::default());
    let written = |event: &Event| matches!(event, Event::Noted { .. }).then_some(());
    viewer.events.next("the note's number", written).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

#[tokio::test]
async fn a_relay_that_falls_silent_in_a_session_is_dialled_anew_and_the_session_goes_on() {
    let relay = Hostile::start().await;
    let (mut host, mut viewer) = relay.pair().await;
    relay.hears(|_, message| !matches!(message, ToRelay::Ping(_)));
    host.sees(Show::RelayLost).await;
    viewer.hears(Event::RelayLost).await;
    relay.speak(Tongue::default());
    host.sees(Show::RelayBack).await;
    viewer.hears(Event::RelayBack).await;
    exact(&host, &viewer, 2).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

#[tokio::test]
async fn a_relay_that_stalls_in_the_middle_of_a_message_is_dialled_anew() {
    let relay = Hostile::start().await;
    let mut waiting = relay.host(|_| {});
    waiting.code().await;
    // A message of ten bytes, of which one comes.
    assert!(relay.babble(&relay.end(Role::Host, 0).await, vec![0, 0, 0, 10, 1]));
    waiting.sees(Show::RelayLost).await;
    waiting.sees(Show::RelayBack).await;
    waiting.code().await;
    untouched(&waiting);
}
