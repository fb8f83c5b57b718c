//! The user's word: silence and no decline, every right can be taken back, one press ends it all.

use crate::session::injected;
use nearhand_host::{
    front::{Press, Show},
    inject::recorder::Injected,
};
use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::{control::RightsChange, input::Usage},
};
use nearhand_tests::{World, host::FIRST};
use nearhand_viewer::messages::{Command, Event};
use std::time::{Duration, Instant};

const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

#[tokio::test]
async fn silence_declines_and_ends_a_session_without_viewing() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| config.answer = Duration::from_millis(150));
    let code = host.code().await;
    let viewer = world.viewer(&technician, &code);
    host.asked(Rights::VIEW).await;
    let why = viewer.over().await;
    assert_eq!((why, why.exit_code()), (Close::NoAnswer, 10));
    assert_eq!(host.session_over().await, Close::NoAnswer);
    let end = world.operator.recorded("the end", |entry| entry.is("session.end", Close::NoAnswer)).await;
    let record = world.operator.record().await;
    let story = record.story(end.session.parse().unwrap());
    assert_eq!(story, ["session.start", "consent.asked", "consent.timed_out", "host.ended", "session.end"]);
    host.code().await;
    world.end().await;
}

#[tokio::test]
async fn silence_about_control_leaves_the_technician_watching() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| config.answer = Duration::from_millis(400));
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    host.allow(Rights::VIEW).await;
    host.asked(Rights::CONTROL).await;
    viewer.holds(Rights::VIEW, RightsChange::TimedOut).await;
    host.sees(Show::AskOver).await;
    host.press(Press::Allow(Rights::CONTROL)).await;
    viewer.shows(&host, FIRST).await;
    viewer.types("rm").await;
    viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    assert_eq!(host.input.injected(), []);
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_user_who_declines_is_left_alone() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let viewer = world.viewer(&technician, &code);
    host.asked(Rights::VIEW).await;
    host.press(Press::Decline(Rights::VIEW)).await;
    let why = viewer.over().await;
    assert_eq!((why, why.exit_code()), (Close::Declined, 10));
    world.operator.recorded("the user's no", |entry| entry.event == "consent.declined").await;
    world.operator.recorded("the end", |entry| entry.is("session.end", Close::Declined)).await;
    world.end().await;
}

#[tokio::test]
async fn control_taken_back_lets_go_of_what_is_held_and_stops_input() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    viewer.key(0xe0, true).await;
    injected(&host, &[Injected::KeyDown(Usage(0xe0))]).await;
    let taken = Instant::now();
    host.press(Press::Revoke(Rights::CONTROL)).await;
    injected(&host, &[Injected::KeyDown(Usage(0xe0)), Injected::KeyUp(Usage(0xe0))]).await;
    // At once, not when the host stops believing in the last heartbeat: that takes 1 s at least.
    assert!(taken.elapsed() < Duration::from_millis(900), "{:?}", taken.elapsed());
    viewer.holds(Rights::VIEW, RightsChange::Revoked).await;
    viewer.types("still here").await;
    viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    assert_eq!(host.input.injected().len(), 2);
    host.screen.fill(FIRST, nearhand_tests::host::SIZE.rect(), [0, 99, 0]);
    viewer.shows(&host, FIRST).await;
    world
        .operator
        .recorded("it", |entry| entry.event == "right.revoked" && entry.fields["rights"] == "control")
        .await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn viewing_taken_back_stops_the_picture_and_input() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    host.press(Press::Revoke(Rights::VIEW)).await;
    viewer.holds(Rights::empty(), RightsChange::Revoked).await;
    host.screen.fill(FIRST, nearhand_tests::host::SIZE.rect(), [255, 0, 0]);
    viewer.send(Command::Watch(FIRST)).await;
    viewer.hears(Event::NeedsRight(Rights::VIEW)).await;
    viewer.types("blind").await;
    viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    viewer.note("what the host says after the change").await;
    assert!(!viewer.has_picture(), "what was shown is gone");
    assert_eq!(host.input.injected(), []);
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn the_user_ends_the_session_with_one_press_and_gets_a_new_code() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    host.press(Press::Stop).await;
    let why = viewer.over().await;
    assert_eq!((why, why.exit_code()), (Close::UserStopped, 11));
    assert_eq!(host.session_over().await, Close::UserStopped);
    world
        .operator
        .recorded("the end", |entry| entry.of(session) && entry.is("session.end", Close::UserStopped))
        .await;
    host.code().await;
    host.press(Press::Stop).await;
    assert_eq!(host.over().await.unwrap(), Close::UserStopped);
    world.operator.recorded("the host's leave", |entry| entry.event == "host.left").await;
    world.end().await;
}

#[tokio::test]
async fn rights_given_beforehand_are_said_to_be_so() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| {
        config.preset = BOTH;
        config.once = true;
    });
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    viewer.holds(BOTH, RightsChange::Given).await;
    viewer.shows(&host, FIRST).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.over().await.unwrap(), Close::TechnicianLeft);
    let record = world.operator.record().await;
    assert_eq!((record.count("consent.preset"), record.count("consent.given")), (1, 0));
    world.end().await;
}

#[tokio::test]
async fn what_was_given_beforehand_and_taken_back_is_asked() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| config.preset = BOTH);
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    viewer.holds(BOTH, RightsChange::Given).await;
    host.press(Press::Revoke(Rights::CONTROL)).await;
    viewer.holds(Rights::VIEW, RightsChange::Revoked).await;
    viewer.send(Command::Ask(Rights::CONTROL)).await;
    host.asked(Rights::CONTROL).await;
    host.press(Press::Decline(Rights::CONTROL)).await;
    viewer.holds(Rights::VIEW, RightsChange::Declined).await;
    world.end().await;
}

#[tokio::test]
async fn a_key_that_the_technician_holds_gives_nothing() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    viewer.key(0x28, true).await;
    injected(&host, &[Injected::KeyDown(Usage(0x28))]).await;
    viewer.send(Command::Ask(Rights::CLIPBOARD_OUT)).await;
    host.asked(Rights::CLIPBOARD_OUT).await;
    // As it would repeat into a window of the host's that gets the focus.
    host.press(Press::Allow(Rights::CLIPBOARD_OUT)).await;
    host.press(Press::Give(Rights::CLIPBOARD_IN)).await;
    // What takes away counts whoever presses it.
    host.press(Press::Revoke(Rights::CONTROL)).await;
    viewer.holds(Rights::VIEW, RightsChange::Revoked).await;
    let given = async {
        while !viewer
            .events
            .all()
            .contains(&Event::Rights { held: Rights::VIEW | Rights::CLIPBOARD_OUT, why: RightsChange::Given })
        {
            host.press(Press::Allow(Rights::CLIPBOARD_OUT)).await;
            tokio::task::yield_now().await;
        }
    };
    nearhand_tests::journal::in_time("the user's own yes", given).await;
    world.end().await;
}
