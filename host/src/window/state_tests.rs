//! What is shown after what was said, and what clicks mean then.

use super::*;
use crate::front::Show;
use nearhand_proto::code::{Locator, Secret};

const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

fn name(text: &str) -> Name {
    Name::lossy(text)
}

fn code() -> SessionCode {
    SessionCode { locator: Locator::new(38_471, 5).unwrap(), secret: Secret::draw([0, 0, 0, 9]).unwrap() }
}

fn ask(rights: Rights, now: Instant) -> Show {
    Show::Ask { technician: name("Vera"), desk: name("Desk"), rights, until: now + Duration::from_secs(60) }
}

fn rights(held: Rights) -> Show {
    Show::Rights { technician: name("Vera"), desk: name("Desk"), held }
}

fn after(shows: impl IntoIterator<Item = Show>, now: Instant) -> State {
    let mut state = State::default();
    shows.into_iter().for_each(|show| state.handle_show(show, now));
    state
}

fn session(state: &State) -> &Session {
    match &state.scene {
        Scene::Session(session) => session,
        _ => panic!("no session"),
    }
}

#[test]
fn an_answer_counts_once_the_question_has_stood_for_a_moment() {
    let now = Instant::now();
    let mut state = after([ask(Rights::VIEW, now)], now);
    let mut check = |click: Click, wait, expected| {
        assert_eq!(state.handle_click(click.clone(), now + wait), expected, "{click:?} after {wait:?}");
    };
    let early = CALM - Duration::from_millis(1);
    check(Click::Allow(Rights::VIEW), early, None);
    check(Click::Decline(Rights::VIEW), early, None);
    check(Click::Allow(Rights::CONTROL), CALM, None);
    check(Click::Allow(Rights::VIEW), CALM, Some(Press::Allow(Rights::VIEW)));
    check(Click::Decline(Rights::VIEW), CALM, Some(Press::Decline(Rights::VIEW)));
}

#[test]
fn the_next_question_is_calm_again() {
    let now = Instant::now();
    let later = now + CALM;
    let mut state = after([ask(Rights::VIEW, now)], now);
    assert!(state.is_calm(now) && !state.is_calm(later));
    for show in [Show::AskOver, rights(Rights::VIEW), ask(Rights::CONTROL, later)] {
        state.handle_show(show, later);
    }
    assert!(state.is_calm(later));
    assert_eq!(state.handle_click(Click::Allow(Rights::CONTROL), later), None);
    assert!(session(&state).begun);
}

#[test]
fn a_switch_takes_what_is_held_and_gives_what_is_not() {
    let now = Instant::now();
    let mut state = after([rights(Rights::VIEW)], now);
    let mut check = |click, expected| assert_eq!(state.handle_click(click, now), expected);
    check(Click::Switch(Rights::CLIPBOARD_OUT), Some(Press::Give(Rights::CLIPBOARD_OUT)));
    check(Click::Switch(Rights::VIEW), Some(Press::Revoke(Rights::VIEW)));
    check(Click::Pause, Some(Press::Pause(true)));
    check(Click::Stop, Some(Press::Stop));
    state.handle_show(Show::Paused(true), now);
    assert_eq!(state.handle_click(Click::Pause, now + CALM), Some(Press::Pause(false)));
}

#[test]
fn a_double_click_gives_nothing_back() {
    let now = Instant::now();
    let mut state = after([rights(Rights::VIEW | Rights::CONTROL)], now);
    let switch = Click::Switch(Rights::CONTROL);
    assert_eq!(state.handle_click(switch.clone(), now), Some(Press::Revoke(Rights::CONTROL)));
    state.handle_show(rights(Rights::VIEW), now);
    assert_eq!(state.handle_click(switch.clone(), now + CALM / 2), None);
    assert_eq!(state.handle_click(switch, now + CALM), Some(Press::Give(Rights::CONTROL)));
    assert_eq!(state.handle_click(Click::Pause, now), Some(Press::Pause(true)));
    state.handle_show(Show::Paused(true), now);
    assert_eq!(state.handle_click(Click::Pause, now + CALM / 2), None);
    assert_eq!(state.handle_click(Click::Pause, now + CALM), Some(Press::Pause(false)));
}

#[test]
fn a_scam_is_asked_once_more_and_the_session_stands_still_meanwhile() {
    let now = Instant::now();
    let mut state = after([rights(BOTH)], now);
    assert_eq!(state.handle_click(Click::ScamYes, now), None, "nobody has asked");
    assert_eq!(state.handle_click(Click::Scam, now), Some(Press::Pause(true)));
    assert_eq!(state.handle_click(Click::ScamYes, now), None, "the second half of a double click");
    assert_eq!(state.handle_click(Click::ScamNo, now), Some(Press::Pause(false)));
    assert_eq!(state.handle_click(Click::Scam, now), Some(Press::Pause(true)));
    assert_eq!(state.handle_click(Click::ScamYes, now + CALM), Some(Press::Scam));

    let mut state = after([rights(BOTH), Show::Paused(true)], now);
    assert_eq!(state.handle_click(Click::Scam, now), None);
    assert_eq!(state.handle_click(Click::ScamNo, now), None, "what the user has paused stays so");

    let mut state = after([Show::Code { code: code(), until: now }], now);
    assert_eq!(state.handle_click(Click::Scam, now), None);
    assert_eq!(state.handle_click(Click::ScamYes, now + CALM), Some(Press::Scam));
}

#[test]
fn why_it_is_over_stays_until_the_user_goes_on() {
    let now = Instant::now();
    let shown = Show::Code { code: code(), until: now };
    let mut state = after([rights(BOTH), Show::Ended(Close::TechnicianLeft), shown], now);
    assert!(matches!(state.scene, Scene::Over { why: Close::TechnicianLeft, .. }));
    assert_eq!(state.handle_click(Click::Again, now), None);
    assert!(matches!(state.scene, Scene::Code { .. }));

    let mut state = after([rights(BOTH), Show::Ended(Close::TechnicianLeft), ask(Rights::VIEW, now)], now);
    assert!(!session(&state).begun, "somebody who calls is shown at once");
    state.handle_show(Show::Ended(Close::Declined), now);
    state.handle_show(Show::Bye(Close::Declined), now);
    assert!(matches!(state.scene, Scene::Over { why: Close::Declined, .. }), "it says more than good-bye");
    assert_eq!(state.handle_click(Click::Close, now), None, "there is no host any more");
    assert!(state.done);
}

#[test]
fn what_happened_to_a_code_is_said_beside_the_next_one() {
    let now = Instant::now();
    let shown = || Show::Code { code: code(), until: now };
    let check = |shows: Vec<Show>, expected| assert_eq!(after(shows, now).notice, expected);
    check(vec![shown()], None);
    check(vec![shown(), Show::WrongCode { left: 1 }], Some(Notice::WrongCode));
    let dead = Over::Dead(Death::WrongCodes);
    check(
        vec![
            shown(),
            Show::WrongCode { left: 1 },
            Show::WrongCode { left: 0 },
            Show::CodeOver(dead),
            shown(),
        ],
        Some(Notice::New(dead)),
    );
    check(vec![shown(), Show::CodeOver(Over::Used)], None);
    let state = after([shown(), Show::CodeOver(Over::Expired)], now);
    assert!(matches!(state.scene, Scene::Coming) && state.notice == Some(Notice::New(Over::Expired)));
    assert!(was_killed(dead) && !was_killed(Over::Expired));
}

#[test]
fn a_new_relay_is_not_trusted_by_a_stray_click() {
    let now = Instant::now();
    let mut state = after([Show::NewRelay { host: "a.example".into(), changed: false }], now);
    assert_eq!(state.handle_click(Click::Trust, now), None);
    assert_eq!(state.handle_click(Click::Trust, now + CALM), Some(Press::Trust));
    assert_eq!(state.handle_click(Click::Trust, now + CALM), None, "once");
}

#[test]
fn the_window_ends_by_itself_where_nobody_needs_to_read() {
    let now = Instant::now();
    assert!(after([Show::Bye(Close::Done)], now).done);
    let mut state = after([Show::Bye(Close::RelayUnreachable)], now);
    assert!(!state.done && matches!(state.scene, Scene::Bye(Close::RelayUnreachable)));
    state.handle_gone();
    assert!(matches!(state.scene, Scene::Bye(Close::RelayUnreachable)));
    let mut state = State::default();
    state.handle_gone();
    assert!(matches!(state.scene, Scene::Bye(Close::Internal)), "a host that failed leaves a word");
    let mut state = State::default();
    assert_eq!(state.handle_click(Click::Close, now), Some(Press::Quit));
    assert!(state.done);
}

#[test]
fn time_is_drawn_when_it_reads_otherwise() {
    let now = Instant::now();
    let check = |left: u64, seconds, wait| {
        let until = now + Duration::from_millis(left);
        assert_eq!(seconds_left(until, now), seconds, "{left} ms");
        assert_eq!(until_change(until, now), wait, "{left} ms");
    };
    let ms = |ms| Some(Duration::from_millis(ms));
    check(600_000, 600, ms(60_000));
    check(540_300, 541, ms(300));
    check(60_500, 61, ms(500));
    check(60_000, 60, ms(1_000));
    check(59_999, 60, ms(999));
    check(300, 1, ms(300));
    check(0, 0, None);
}
