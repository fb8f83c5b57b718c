//! Consent, as the user gives it.
//!
//! ```text
//! Idle --ask--> Asking --allow--> Idle with more rights
//!                  \--decline / 60 s--> Idle as before
//! ```
//! Silence declines. Viewing comes first; control is a question of its own, even when both were asked at once.

use crate::rights::Rights;
use std::time::{Duration, Instant};

/// How long a question stands before silence declines it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a user who has said no is not asked the same again.
pub const PEACE: Duration = Duration::from_secs(10);

/// What the user said to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Allow,
    /// No.
    Decline,
}

/// How one question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// These rights were given.
    Given(Rights),
    /// The user said no to these.
    Declined(Rights),
    /// Nobody said anything to these for [`PATIENCE`].
    TimedOut(Rights),
}

/// Which rights are held, and which question stands.
#[derive(Clone, Debug)]
pub struct Consent {
    patience: Duration,
    held: Rights,
    /// INVARIANT: disjoint from `held`; the first question's rights are not repeated in `later`.
    asking: Option<(Rights, Instant)>,
    later: Rights,
    /// Rights that were refused, and until when they are not asked for again. INVARIANT: one entry a right at most.
    refused: Vec<(Rights, Instant)>,
}

impl Consent {
    /// Nothing is held. Silence declines a question after `patience`: [`PATIENCE`] in the product.
    pub fn new(patience: Duration) -> Self {
        Self { patience, held: Rights::empty(), asking: None, later: Rights::empty(), refused: Vec::new() }
    }

    /// The rights given and not taken back.
    pub fn held(&self) -> Rights {
        self.held
    }

    /// The question that stands, and when silence will decline it.
    pub fn question(&self) -> Option<(Rights, Instant)> {
        self.asking
    }

    /// The user gives these of their own accord: beforehand (`--allow`), or by a switch. Returns what is newly held;
    /// without viewing that is nothing. A question for them is answered by it.
    pub fn give(&mut self, rights: Rights) -> Rights {
        if !(self.held | rights).contains(Rights::VIEW) {
            return Rights::empty();
        }
        let given = (rights & Rights::OFFERED) - self.held;
        self.held |= given;
        self.later -= given;
        self.asking.take_if(|(asked, _)| given.contains(*asked));
        given
    }

    /// The technician wants these. Returns the question to put to the user now, if it is a new one. Nothing is asked that
    /// would be of no use without viewing, as long as viewing is neither held nor asked.
    pub fn ask(&mut self, wanted: Rights, now: Instant) -> Option<Rights> {
        let asked = self.asking.map_or(Rights::empty(), |question| question.0);
        let lately = self.refused.iter().filter(|(_, until)| now < *until);
        let refused: Rights = lately.map(|no| no.0).collect();
        let wanted = (wanted & Rights::OFFERED) - self.held - asked - refused;
        if (self.held | asked | self.later | wanted).contains(Rights::VIEW) {
            self.later |= wanted;
        }
        self.next(now)
    }

    /// The user answered the question for `rights`. An answer to another question than the one that stands, or after silence has declined it, changes
    /// nothing: a key that was pressed twice must not give what was asked next.
    pub fn answer(&mut self, rights: Rights, answer: Answer, now: Instant) -> Option<Outcome> {
        self.asking.take_if(|(asked, until)| *asked == rights && now < *until)?;
        match answer {
            Answer::Allow => {
                self.held |= rights;
                Some(Outcome::Given(rights))
            }
            Answer::Decline => {
                self.refuse(rights, now);
                Some(Outcome::Declined(rights))
            }
        }
    }

    /// Time passed: silence may have declined.
    pub fn handle_time(&mut self, now: Instant) -> Option<Outcome> {
        let (rights, until) = self.asking?;
        if now < until {
            return None;
        }
        self.asking = None;
        self.refuse(rights, now);
        Some(Outcome::TimedOut(rights))
    }

    /// The next question to put to the user, if none stands.
    pub fn next(&mut self, now: Instant) -> Option<Rights> {
        if self.asking.is_some() {
            return None;
        }
        let first = self.later.iter().next()?;
        self.later -= first;
        self.asking = Some((first, now + self.patience));
        Some(first)
    }

    /// The user takes rights back. Without viewing there is no control, and no question. Returns what was really held.
    pub fn revoke(&mut self, rights: Rights) -> Rights {
        if self.held.contains(Rights::VIEW) && rights.contains(Rights::VIEW) {
            self.asking = None;
            self.later = Rights::empty();
        }
        let all = if rights.contains(Rights::VIEW) { Rights::all() } else { rights };
        let gone = self.held & all;
        self.held -= gone;
        gone
    }

    /// Not asked again for a while; and without viewing nothing else is asked.
    fn refuse(&mut self, declined: Rights, now: Instant) {
        self.refused.retain(|(rights, until)| *rights != declined && now < *until);
        self.refused.push((declined, now + PEACE));
        if declined.contains(Rights::VIEW) {
            self.later = Rights::empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

    #[test]
    fn view_first_then_control() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        assert_eq!(consent.ask(BOTH, now), Some(Rights::VIEW));
        assert_eq!(consent.ask(BOTH, now), None, "asked again while the question stands");
        assert_eq!(consent.answer(Rights::CONTROL, Answer::Allow, now), None, "not what was asked");
        assert_eq!(consent.answer(Rights::VIEW, Answer::Allow, now), Some(Outcome::Given(Rights::VIEW)));
        assert_eq!(consent.held(), Rights::VIEW);
        assert_eq!(consent.next(now), Some(Rights::CONTROL));
        assert_eq!(consent.answer(Rights::VIEW, Answer::Allow, now), None, "pressed twice");
        let declined = consent.answer(Rights::CONTROL, Answer::Decline, now);
        assert_eq!(declined, Some(Outcome::Declined(Rights::CONTROL)));
        assert_eq!(consent.held(), Rights::VIEW);
        assert_eq!(consent.answer(Rights::CONTROL, Answer::Allow, now), None, "a late answer");
        assert_eq!(consent.ask(Rights::CONTROL, now), None, "not again at once");
        assert_eq!(consent.ask(Rights::CONTROL, now + PEACE), Some(Rights::CONTROL));
    }

    #[test]
    fn a_no_to_one_right_does_not_end_the_peace_of_another() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        consent.give(Rights::VIEW);
        for right in [Rights::CONTROL, Rights::CLIPBOARD_IN] {
            assert_eq!(consent.ask(right, now), Some(right));
            consent.answer(right, Answer::Decline, now);
        }
        assert_eq!(consent.ask(Rights::CONTROL | Rights::CLIPBOARD_IN, now), None);
        assert_eq!(consent.ask(Rights::CONTROL, now + PEACE), Some(Rights::CONTROL));
    }

    #[test]
    fn silence_declines() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        consent.ask(BOTH, now);
        assert_eq!(consent.handle_time(now + PATIENCE - Duration::from_millis(1)), None);
        assert_eq!(consent.handle_time(now + PATIENCE), Some(Outcome::TimedOut(Rights::VIEW)));
        assert_eq!(consent.next(now), None, "no view, no further question");
        assert_eq!(consent.answer(Rights::VIEW, Answer::Allow, now), None);
        assert_eq!(consent.held(), Rights::empty());
    }

    #[test]
    fn taking_view_takes_all() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        consent.ask(BOTH, now);
        consent.answer(Rights::VIEW, Answer::Allow, now);
        consent.next(now);
        consent.answer(Rights::CONTROL, Answer::Allow, now);
        assert_eq!(consent.revoke(Rights::CONTROL), Rights::CONTROL);
        assert_eq!(consent.revoke(Rights::CONTROL), Rights::empty());
        assert_eq!(consent.revoke(Rights::VIEW), Rights::VIEW);
        assert_eq!(consent.ask(BOTH, now), Some(Rights::VIEW), "may be asked again");
    }

    #[test]
    fn nothing_is_asked_for_without_viewing() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        assert_eq!(consent.ask(Rights::CONTROL, now), None, "neither held nor asked");
        consent.give(Rights::VIEW);
        assert_eq!(consent.ask(Rights::CONTROL, now), Some(Rights::CONTROL));
        consent.revoke(Rights::VIEW);
        assert_eq!(
            consent.answer(Rights::CONTROL, Answer::Allow, now),
            None,
            "viewing was taken back meanwhile"
        );
        assert_eq!(consent.ask(Rights::VIEW, now), Some(Rights::VIEW));
        consent.answer(Rights::VIEW, Answer::Decline, now);
        assert_eq!(consent.ask(BOTH, now), None, "viewing was refused a moment ago");
        assert_eq!(consent.held(), Rights::empty());
    }

    #[test]
    fn what_was_given_beforehand_is_not_asked() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        assert_eq!(consent.give(Rights::CONTROL), Rights::empty(), "no control without viewing");
        assert_eq!(consent.give(Rights::VIEW), Rights::VIEW);
        assert_eq!(consent.give(Rights::VIEW), Rights::empty());
        assert_eq!(consent.ask(BOTH, now), Some(Rights::CONTROL));
    }

    #[test]
    fn a_switch_answers_the_question_that_stands() {
        let now = Instant::now();
        let mut consent = Consent::new(PATIENCE);
        consent.give(Rights::VIEW);
        assert_eq!(consent.ask(Rights::CONTROL, now), Some(Rights::CONTROL));
        assert_eq!(consent.give(Rights::CONTROL), Rights::CONTROL);
        assert_eq!(consent.question(), None);
        assert_eq!(consent.answer(Rights::CONTROL, Answer::Decline, now), None);
        assert_eq!(consent.held(), BOTH);
    }

    #[test]
    fn rights_that_no_host_offers_are_not_asked() {
        let mut consent = Consent::new(PATIENCE);
        assert_eq!(consent.ask(Rights::TERMINAL, Instant::now()), None);
    }
}
