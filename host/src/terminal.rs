//! The terminal front: prints the code, asks the questions, takes single keys.
//!
//! The code goes to standard output, one line, for scripts; everything else to standard error. Where standard input
//! is no terminal, its bytes are the keys; at its end nobody can press anything any more.

mod keys;

use self::keys::{Keys, Meaning};
use crate::front::{Front, Over, Show};
use nearhand_proto::{
    close::Close, code::SessionCode, pair::Death, rights::Rights, session::clipboard::Direction,
};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use std::{
    io::{self, Read as _, Write as _},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Keys pressed and not yet looked at; when full, the keyboard waits.
const KEYS: usize = 16;

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
pub async fn run(front: Front) {
    let Front { mut shows, presses } = front;
    // Nobody can press anything any more once this is dropped.
    let mut presses = Some(presses);
    let mut raw = RawKeys::on();
    let (sender, mut bytes) = mpsc::channel(KEYS);
    // Ends with the process: a blocked read can't be called off.
    thread::spawn(move || {
        let bytes = io::stdin().lock().bytes();
        bytes.map_while(Result::ok).try_for_each(|key| sender.blocking_send(key).map_err(drop))
    });
    let mut keys = Keys::new();
    let mut faulty = false;
    loop {
        let key = tokio::select! {
            biased;
            show = shows.recv() => {
                let Some(show) = show else { return };
                keys.handle_show(&show, Instant::now());
                faulty |= matches!(show, Show::Fault(_));
                match show {
                    // The program's last line says what was wrong.
                    Show::Bye(_) if faulty => return,
                    Show::Bye(_) => return print(&show),
                    Show::WhichRelay => raw = None,
                    _ => {}
                }
                print(&show);
                continue;
            }
            key = bytes.recv(), if presses.is_some() => key,
        };
        let meaning = match key {
            Some(key) => keys.handle_key(key, Instant::now()),
            None => keys.handle_end(),
        };
        match (meaning, &presses) {
            // A host that has gone takes nothing any more.
            (Meaning::Press(press), Some(presses)) => drop(presses.send(press).await),
            (Meaning::Say(text), _) => say(&text),
            _ => {}
        }
        if key.is_none() {
            presses = None;
        }
        if raw.is_none() && !keys.wants_line() {
            raw = RawKeys::on();
        }
    }
}

fn print(show: &Show) {
    if let Show::Code { code, until } = show {
        print_code(code);
        let minutes = minutes(*until);
        say(&format!(
            "Read these digits out to the technician who helps you - only if YOU called them. Good for {minutes}.\n\
             (q ends the program, s = this is a scam)"
        ));
        return;
    }
    say(&words(show));
}

/// The line on standard output that scripts wait for, whatever the front is.
pub fn print_code(code: &SessionCode) {
    let mut out = io::stdout().lock();
    // A reader that has gone is no reason to end a session.
    let _ = writeln!(out, "code {}", code.for_the_user());
    let _ = out.flush();
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
        Show::Rights { technician, held, .. } if held.is_empty() => format!("{technician} may not see or do anything."),
        Show::Rights { technician, held, .. } => format!(
            "{technician} may now: {}.  (q = end the session, p = pause, v = stop showing the screen{}, s = this is a \
             scam)",
            held.for_people(),
            if held.contains(Rights::CONTROL) { ", c = take control back" } else { ", g = give control" }
        ),
        Show::WhichRelay => "Which is your help desk's relay? Paste the string that they gave you, and press Return (q = end):".to_owned(),
        Show::NewRelay { host, changed: false } => format!(
            "This computer has never used {host}. Is it your help desk's? y = yes, n = no, s = this is a scam"
        ),
        Show::NewRelay { host, changed: true } => format!(
            "{host} has another key than when you used it last: somebody else may answer there now. Ask your help \
             desk on the telephone number that you know. Is it theirs? y = yes, n = no, s = this is a scam"
        ),
        Show::Fault(_) => String::new(),
        Show::Paused(true) => {
            "Paused: the technician sees nothing and can do nothing. (p = go on, q = end)".to_owned()
        }
        Show::Paused(false) => "The session goes on.".to_owned(),
        Show::Yielded(_) => String::new(),
        Show::Clipboard { direction: Direction::In, .. } => {
            "The technician has put a text on your clipboard.".to_owned()
        }
        Show::Clipboard { direction: Direction::Out, .. } => {
            "The technician has got the text on your clipboard.".to_owned()
        }
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
        Close::Reported => "you called it a scam; this relay is blocked on this computer from now on",
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
    fn time_left_in_words() {
        let now = Instant::now();
        assert_eq!(minutes(now + Duration::from_secs(600)), "10 minutes");
        assert_eq!(minutes(now + Duration::from_secs(30)), "30 seconds");
    }
}
