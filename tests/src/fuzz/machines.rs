//! Small machines of the session that a peer drives: consent, what is held down.

use super::{Input, Target, wire};
use nearhand_proto::{
    rights::Rights,
    session::{
        consent::{Answer, Consent, PATIENCE},
        input::{self, Held, MAX_HELD},
    },
    wire::{decode, encode},
};
use std::time::{Duration, Instant};

/// A list of questions, answers and waits.
pub(super) const CONSENT: Target = Target { name: "consent", run: consent, decode: None, seeds: questions };
/// `( 1 wait | 1 length | input )*`: what a viewer sends on the input stream, and the time between.
pub(super) const HELD: Target = Target { name: "held", run: held, decode: None, seeds: strokes };

/// Nothing is held that the user did not give, and control never without viewing.
fn consent(data: &[u8]) {
    let mut input = Input::new(data);
    let mut consent = Consent::new(PATIENCE);
    let mut now = Instant::now();
    let mut given = Rights::empty();
    while !input.is_empty() {
        let (verb, rights) = (input.byte() % 6, Rights::from_bits_truncate(input.byte().into()));
        match verb {
            0 => drop(consent.ask(rights, now)),
            1 => {
                let asked = consent.question().map(|question| question.0);
                if consent.answer(rights, Answer::Allow, now).is_some() {
                    assert_eq!(asked, Some(rights), "an answer to what was not asked");
                    given |= rights;
                }
            }
            2 => drop(consent.answer(rights, Answer::Decline, now)),
            3 => given |= consent.give(rights),
            4 => given -= consent.revoke(rights),
            _ => {
                now += Duration::from_secs(rights.bits().into());
                let _ = consent.handle_time(now);
            }
        }
        let _ = consent.next(now);
        let held = consent.held();
        assert_eq!(held, given);
        assert!(held.is_empty() || held.contains(Rights::VIEW), "{held} without viewing");
        assert!(Rights::OFFERED.contains(held), "{held} is more than a host offers");
        if let Some((asked, until)) = consent.question() {
            assert!(!held.intersects(asked) && until <= now + PATIENCE && asked.iter().count() == 1);
        }
    }
}

fn questions() -> Vec<Vec<u8>> {
    vec![
        vec![0, 3, 1, 1, 1, 2, 4, 1, 0, 3],
        vec![0, 15, 2, 1, 5, 9, 0, 15, 5, 1, 0, 15, 1, 1, 2, 2, 1, 4, 1, 8],
        vec![3, 2, 3, 1, 0, 2, 3, 2, 4, 2, 5, 60],
    ]
}

/// What is released was pressed, and nothing stays pressed without a deadline.
fn held(data: &[u8]) {
    let mut parts = Input::new(data);
    let mut held = Held::default();
    let mut now = Instant::now();
    while !parts.is_empty() {
        let wait = Duration::from_millis(u64::from(parts.byte()) * 10);
        let Ok(message) = decode::<input::Input>(parts.chunk()) else { continue };
        now += wait;
        if held.deadline().is_some_and(|at| at <= now) {
            assert!(held.release_all().len() <= MAX_HELD);
            assert_eq!(held.deadline(), None);
        }
        let had_any = held.deadline().is_some();
        let inject = held.handle(&message, now);
        let pressed =
            matches!(message, input::Input::Key { down: true, .. } | input::Input::Button { down: true, .. });
        assert!(
            !pressed || !inject || held.deadline() == Some(now + input::PATIENCE),
            "pressed without a deadline"
        );
        assert!(pressed || had_any || held.deadline().is_none(), "something is held that nobody pressed");
    }
    let mut down = held.release_all();
    let count = down.len();
    assert!(count <= MAX_HELD);
    down.dedup();
    assert_eq!(down.len(), count, "pressed twice");
}

fn strokes() -> Vec<Vec<u8>> {
    let stream = |wait: u8, inputs: &[input::Input]| {
        let encoded = inputs.iter().map(encode);
        encoded
            .flat_map(|input| [&[wait, u8::try_from(input.len()).unwrap_or(0)][..], &input].concat())
            .collect()
    };
    let key = |usage, down| input::Input::Key { usage: input::Usage(usage), down };
    let many: Vec<_> = (0..40).map(|usage| key(usage, true)).collect();
    vec![
        stream(1, &wire::inputs()),
        stream(200, &[key(4, true), key(4, true), key(4, false), key(4, false)]),
        stream(0, &many),
    ]
}
