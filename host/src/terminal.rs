//! The terminal front: prints the code, asks the questions, takes single keys.
//!
//! The code goes to standard output, one line, for scripts; everything else to standard error. Where standard input
//! is no terminal, its bytes are the keys; at its end nobody can press anything any more.

use crate::front::{Front, Over, Press, Show};
use nearhand_proto::{close::Close, pair::Death, rights::Rights};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use std::{
    io::{self, Read as _, Write as _},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Keys pressed and not yet looked at; when full, the keyboard waits.
const KEYS: usize = 16;

/// A yes within this time after a question is not its answer: it was meant for what stood there before.
const CALM: Duration = Duration::from_millis(500);

/// Single keys without Return, while this lives.
struct RawKeys(Termios);

impl RawKeys {
    /// `None` where standard input is no terminal.
    fn on() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut raw = before.clone();
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for RawKeys {
    fn drop(&mut self) {
        // Nothing better can be done if the terminal has gone.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Shows and asks until the host says good-bye.
pub async fn run(mut front: Front) {
    let _raw = RawKeys::on();
    let (sender, mut keys) = mpsc::channel(KEYS);
    // Ends with the process: a blocked read can't be called off.
    thread::spawn(move || {
        let bytes = io::stdin().lock().bytes();
        bytes.map_while(Result::ok).try_for_each(|key| sender.blocking_send(key).map_err(drop))
    });
    let mut asking = None;
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            show = front.shows.recv() => {
                let Some(show) = show else { return };
                match &show {
                    Show::Ask { rights, .. } => asking = Some((*rights, Instant::now() + CALM)),
                    Show::AskOver | Show::Ended(_) => asking = None,
                    _ => {}
                }
                print(&show);
                if matches!(show, Show::Bye(_)) {
                    return;
                }
            }
            key = keys.recv(), if open => match key {
                Some(key) => {
                    let press = meaning(key, asking.map(|(rights, _)| rights));
                    let early = asking.is_some_and(|(_, from)| Instant::now() < from);
                    if let Some(press) = press.filter(|press| !(early && matches!(press, Press::Allow(_)))) {
                        // A host that has gone takes nothing any more.
                        let _ = front.presses.send(press).await;
                    }
                }
                None => open = false,
            },
        }
    }
}

/// What a key means, while a question stands or not.
fn meaning(key: u8, asking: Option<Rights>) -> Option<Press> {
    match (key.to_ascii_lowercase(), asking) {
        (b'y', Some(rights)) => Some(Press::Allow(rights)),
        (b'n', Some(rights)) => Some(Press::Decline(rights)),
        (b'c', _) => Some(Press::Revoke(Rights::CONTROL)),
        (b'v', _) => Some(Press::Revoke(Rights::VIEW)),
        (b'q' | 0x1b, _) => Some(Press::Stop),
        (_, Some(_)) => None,
        _ => Some(Press::Key),
    }
}

fn print(show: &Show) {
    if let Show::Code { code, until } = show {
        let mut out = io::stdout().lock();
        // A reader that has gone is no reason to end a session.
        let _ = writeln!(out, "code {}", code.for_the_user());
        let _ = out.flush();
        let minutes = minutes(*until);
        say(&format!(
            "Read these digits out to the technician who helps you - only if YOU called them. Good for {minutes}.\n\
             (q ends the program)"
        ));
        return;
    }
    say(&words(show));
}

fn say(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn minutes(until: Instant) -> String {
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(500);
    match left.as_secs().div_ceil(60) {
        _ if left.as_secs() <= 60 => format!("{} seconds", left.as_secs()),
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

fn words(show: &Show) -> String {
    match show {
        Show::Dialling { host, again: false } => format!("Connecting to {host} ..."),
        Show::Dialling { host, again: true } => {
            format!("{host} does not answer yet; still trying ... (q ends the program)")
        }
        Show::Relay { host, desk } => format!("Connected to {desk} ({host})."),
        Show::Code { .. } | Show::CodeOver(Over::Used) | Show::AskOver | Show::RelayBack => String::new(),
        Show::CodeOver(Over::Expired) => "The code has expired; here comes a new one.".to_owned(),
        Show::CodeOver(Over::Dead(Death::WrongCodes)) => {
            "The code was entered wrongly twice and is dead.".to_owned()
        }
        Show::CodeOver(Over::Dead(Death::TwoClaimants)) => {
            "Two people entered your code at the same time, so both were refused. If you read it to one person \
             only, be careful."
                .to_owned()
        }
        Show::CodeOver(Over::Gone) => "The relay was away, so the code is no longer valid; here comes a new one.".to_owned(),
        Show::WrongCode { left: 0 } => "Someone entered a wrong code again.".to_owned(),
        Show::WrongCode { .. } => "Someone entered a wrong code. Was it read out correctly?".to_owned(),
        Show::PressKey => "Too many wrong codes: someone may be guessing. Press any key for a new code.".to_owned(),
        Show::Wait(until) => format!("To be safe there is no new code for {}.", minutes(*until)),
        Show::Caller { technician, desk } => format!("{technician} of {desk} has entered your code."),
        Show::Ask { technician, desk, rights, until } => format!(
            "\n{technician} of {desk} asks to {}.\nDid YOU call them? Allow it? y = yes, n = no (no answer for {} \
             is a no)",
            rights.for_people(),
            minutes(*until)
        ),
        Show::Rights { technician, held } if held.is_empty() => format!("{technician} may not see or do anything."),
        Show::Rights { technician, held } => format!(
            "{technician} may now: {}.  (q = end the session, v = stop showing the screen{})",
            held.for_people(),
            if held.contains(Rights::CONTROL) { ", c = take control back" } else { "" }
        ),
        Show::Suspended => "The technician's connection is silent; their mouse and keyboard are off. (q = end)".to_owned(),
        Show::Resumed => "The technician is back.".to_owned(),
        Show::RelayLost => "The help desk's relay does not answer; trying again ...".to_owned(),
        Show::NoPicture(why) if why.is_empty() => "The technician sees your screen again.".to_owned(),
        Show::NoPicture(why) => format!("The technician sees no picture: {why}."),
        Show::Ended(why) => format!("Session over: {}.\n", for_the_user(*why)),
        Show::Bye(Close::Done | Close::UserStopped) => "Bye.".to_owned(),
        Show::Bye(why) => format!("Bye: {}.", for_the_user(*why)),
    }
}

/// Why, in words for the user: most reasons are worded for the technician.
fn for_the_user(why: Close) -> &'static str {
    match why {
        Close::UserStopped => "you ended it",
        Close::Declined => "you declined",
        Close::NoAnswer => "you did not answer, which declines",
        Close::TechnicianRemoved => "the help desk has withdrawn this technician",
        Close::Lost | Close::HostGone => "the connection was lost and did not come back",
        Close::NoScreen => "the screen can't be captured; the lines above say why",
        Close::Internal => "something failed here; the lines above say what",
        other => other.sentence(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_screen_says() {
        let check = |key, asking, expected| assert_eq!(meaning(key, asking), expected, "{key}");
        let view = Some(Rights::VIEW);
        check(b'y', view, Some(Press::Allow(Rights::VIEW)));
        check(b'Y', view, Some(Press::Allow(Rights::VIEW)));
        check(b'y', None, Some(Press::Key));
        check(b'n', view, Some(Press::Decline(Rights::VIEW)));
        check(b'c', None, Some(Press::Revoke(Rights::CONTROL)));
        check(b'v', None, Some(Press::Revoke(Rights::VIEW)));
        check(b'q', view, Some(Press::Stop));
        check(b'\n', view, None);
        check(b' ', None, Some(Press::Key));
    }

    #[test]
    fn time_left_in_words() {
        let now = Instant::now();
        assert_eq!(minutes(now + Duration::from_secs(600)), "10 minutes");
        assert_eq!(minutes(now + Duration::from_secs(30)), "30 seconds");
    }
}
