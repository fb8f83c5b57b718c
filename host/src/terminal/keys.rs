//! What a key means in the terminal, by what was shown last. Pure: time comes in as an argument.

use crate::front::{Press, Show};
use nearhand_proto::{relay_string::RelayString, rights::Rights};
use std::time::{Duration, Instant};

/// A yes within this time after a question is not its answer: it was meant for what stood there before.
const CALM: Duration = Duration::from_millis(500);

/// The second `s` has to come within this time.
const TWICE: Duration = Duration::from_secs(5);

/// Bytes of a pasted line; what is beyond is dropped, and no relay string is that long.
const MAX_LINE: usize = 1_024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// May the technician have these rights? A yes counts from then on.
    Rights(Rights, Instant),
    /// Is this relay the help desk's? Likewise.
    NewRelay(Instant),
    /// Which relay? What has been typed of the line.
    WhichRelay(Vec<u8>),
}

/// What the front has to do about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    Nothing,
    /// The host is told.
    Press(Press),
    /// The user is told.
    Say(String),
}

/// What was shown, as far as keys depend on it.
#[derive(Debug)]
pub(super) struct Keys {
    asked: Asked,
    paused: bool,
    /// Until when another `s` calls it a scam.
    scam: Option<Instant>,
}

impl Keys {
    /// Nothing was shown yet.
    pub(super) fn new() -> Self {
        Self { asked: Asked::Nothing, paused: false, scam: None }
    }

    /// This was shown.
    pub(super) fn handle_show(&mut self, show: &Show, now: Instant) {
        match show {
            Show::Ask { rights, .. } => self.asked = Asked::Rights(*rights, now + CALM),
            Show::NewRelay { .. } => self.asked = Asked::NewRelay(now + CALM),
            Show::WhichRelay => self.asked = Asked::WhichRelay(Vec::new()),
            Show::AskOver | Show::Dialling { .. } => self.asked = Asked::Nothing,
            Show::Ended(_) => (self.asked, self.paused) = (Asked::Nothing, false),
            Show::Paused(paused) => self.paused = *paused,
            _ => {}
        }
    }

    /// True while whole lines are wanted instead of keys.
    pub(super) fn wants_line(&self) -> bool {
        matches!(self.asked, Asked::WhichRelay(_))
    }

    /// This byte was typed.
    pub(super) fn handle_key(&mut self, key: u8, now: Instant) -> Meaning {
        if let Asked::WhichRelay(line) = &mut self.asked {
            if key == b'\n' || key == b'\r' {
                return self.handle_line();
            }
            if line.len() < MAX_LINE {
                line.push(key);
            }
            return Meaning::Nothing;
        }
        let key = key.to_ascii_lowercase();
        let scam = self.scam.take();
        let press = match (key, &self.asked) {
            (b's', _) => return self.scam(scam, now),
            (b'y', Asked::Rights(_, from) | Asked::NewRelay(from)) if now < *from => return Meaning::Nothing,
            (b'y', Asked::Rights(rights, _)) => Press::Allow(*rights),
            (b'n', Asked::Rights(rights, _)) => Press::Decline(*rights),
            (b'y', Asked::NewRelay(_)) => Press::Trust,
            (b'n', Asked::NewRelay(_)) => Press::Stop,
            (b'c', _) => Press::Revoke(Rights::CONTROL),
            (b'v', _) => Press::Revoke(Rights::VIEW),
            (b'g', _) => Press::Give(Rights::CONTROL),
            (b'p', _) => Press::Pause(!self.paused),
            (b'q' | 0x1b, _) => Press::Stop,
            (_, Asked::Nothing) => Press::Key,
            _ => return Meaning::Nothing,
        };
        Meaning::Press(press)
    }

    /// No more keys will come; what stands on the last line counts.
    pub(super) fn handle_end(&mut self) -> Meaning {
        if self.wants_line() { self.handle_line() } else { Meaning::Nothing }
    }

    fn scam(&mut self, until: Option<Instant>, now: Instant) -> Meaning {
        if until.is_some_and(|until| now <= until) {
            return Meaning::Press(Press::Scam);
        }
        self.scam = Some(now + TWICE);
        Meaning::Say(
            "Is this a scam? Press s again within 5 seconds: everything ends, and this relay is blocked on this \
             computer."
                .to_owned(),
        )
    }

    fn handle_line(&mut self) -> Meaning {
        let Asked::WhichRelay(line) = &mut self.asked else { return Meaning::Nothing };
        let line = std::mem::take(line);
        let line = String::from_utf8_lossy(&line);
        match line.trim() {
            "" => Meaning::Nothing,
            "q" | "Q" => Meaning::Press(Press::Stop),
            text => match text.parse::<RelayString>() {
                Ok(relay) => {
                    self.asked = Asked::Nothing;
                    Meaning::Press(Press::Relay(relay))
                }
                Err(error) => {
                    Meaning::Say(format!("That does not work: {error}.\nPaste it again (q = end):"))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{ids::Fingerprint, text::Name};

    fn ask(until: Instant) -> Show {
        let name = Name::lossy("x");
        Show::Ask { technician: name.clone(), desk: name, rights: Rights::VIEW, until }
    }

    #[test]
    fn keys_mean_what_the_screen_says() {
        let now = Instant::now();
        let new_relay = Show::NewRelay { host: "a".into(), changed: false };
        let view = Rights::VIEW;
        let check = |shown: Option<&Show>, key, expected: Option<Press>| {
            let mut keys = Keys::new();
            if let Some(show) = shown {
                keys.handle_show(show, now);
            }
            let expected = expected.map_or(Meaning::Nothing, Meaning::Press);
            assert_eq!(keys.handle_key(key, now + CALM), expected, "{shown:?} {key}");
        };
        let ask = ask(now);
        check(Some(&ask), b'y', Some(Press::Allow(view)));
        check(Some(&ask), b'Y', Some(Press::Allow(view)));
        check(None, b'y', Some(Press::Key));
        check(Some(&ask), b'n', Some(Press::Decline(view)));
        check(Some(&new_relay), b'y', Some(Press::Trust));
        check(Some(&new_relay), b'n', Some(Press::Stop));
        check(Some(&new_relay), b' ', None);
        check(None, b'c', Some(Press::Revoke(Rights::CONTROL)));
        check(None, b'v', Some(Press::Revoke(Rights::VIEW)));
        check(None, b'g', Some(Press::Give(Rights::CONTROL)));
        check(None, b'p', Some(Press::Pause(true)));
        check(Some(&Show::Paused(true)), b'p', Some(Press::Pause(false)));
        check(Some(&ask), b'q', Some(Press::Stop));
        check(Some(&ask), b'\n', None);
        check(None, b' ', Some(Press::Key));
    }

    #[test]
    fn a_yes_that_comes_too_early_is_none_and_a_question_that_is_over_is_gone() {
        let now = Instant::now();
        for show in [ask(now), Show::NewRelay { host: "a".into(), changed: true }] {
            let mut keys = Keys::new();
            keys.handle_show(&show, now);
            assert_eq!(keys.handle_key(b'y', now + CALM - Duration::from_millis(1)), Meaning::Nothing);
            assert_ne!(keys.handle_key(b'y', now + CALM), Meaning::Nothing);
            keys.handle_show(&Show::Dialling { host: "a".into(), again: false }, now);
            assert_eq!(keys.handle_key(b'y', now + CALM), Meaning::Press(Press::Key));
        }
    }

    #[test]
    fn a_scam_is_called_so_twice() {
        let now = Instant::now();
        let mut keys = Keys::new();
        let mut s = |after: u64| keys.handle_key(b's', now + Duration::from_secs(after));
        assert!(matches!(s(0), Meaning::Say(_)));
        assert!(matches!(s(6), Meaning::Say(_)), "too late, so it is the first again");
        assert_eq!(s(10), Meaning::Press(Press::Scam));
        let mut keys = Keys::new();
        keys.handle_key(b's', now);
        keys.handle_key(b'x', now);
        assert!(matches!(keys.handle_key(b's', now), Meaning::Say(_)), "something else came between");
    }

    #[test]
    fn a_relay_is_pasted_as_a_line() {
        let now = Instant::now();
        let mut keys = Keys::new();
        keys.handle_show(&Show::WhichRelay, now);
        let mut line = |text: &str| text.bytes().map(|key| keys.handle_key(key, now)).last().unwrap();
        assert!(matches!(line("relay.example.org:4433\n"), Meaning::Say(why) if why.contains("fingerprint")));
        assert_eq!(line(&"x".repeat(9_999)), Meaning::Nothing);
        assert!(matches!(line("\n"), Meaning::Say(_)));
        assert_eq!(line("q\n"), Meaning::Press(Press::Stop));
        let relay = RelayString { host: "a.example".into(), port: 1, key: Fingerprint::of(b"k") };
        assert_eq!(line(&format!(" {relay} \n")), Meaning::Press(Press::Relay(relay.clone())));
        assert_eq!(line("x"), Meaning::Press(Press::Key));
        keys.handle_show(&Show::WhichRelay, now);
        relay.to_string().bytes().for_each(|key| drop(keys.handle_key(key, now)));
        assert_eq!(keys.handle_end(), Meaning::Press(Press::Relay(relay)), "no Return at the end of a file");
    }
}
