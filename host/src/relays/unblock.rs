//! `nearhand-host --unblock HOST`: undoes the blocking of a relay. A scammer may have told the user to run it, so it says
//! what was blocked and wants the host name typed again.

use super::book::{Book, BookError};
use std::io::{self, BufRead, Write};

/// Asks on `out`, reads the answer from `answers`. True if something was unblocked.
///
/// # Errors
/// [`BookError`]
pub fn unblock(
    book: &Book,
    host: &str,
    answers: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<bool, BookError> {
    let host = host.trim().trim_matches(['[', ']']);
    let blocked = book.blocked_as(host)?;
    if blocked.is_empty() {
        say(out, "No relay of that host name is blocked here.");
        return Ok(false);
    }
    for known in &blocked {
        let name = |name: &Option<_>| name.as_ref().map_or("unknown".to_owned(), ToString::to_string);
        let (technician, desk) = (name(&known.caller.technician), name(&known.caller.desk));
        say(
            out,
            &format!("{} was called a scam (technician: {technician}, desk: {desk}).", known.relay.host),
        );
    }
    say(
        out,
        "Did somebody on the telephone tell you to unblock it? Then hang up: help desks don't. If it was your own \
         mistake, type the host name again, and Return:",
    );
    let mut typed = String::new();
    // Nothing that can be read is no answer.
    let _ = io::Read::take(answers, 1_024).read_line(&mut typed);
    if !typed.trim().trim_matches(['[', ']']).eq_ignore_ascii_case(host) {
        say(out, "That is not the host name; it stays blocked.");
        return Ok(false);
    }
    book.unblock(host)?;
    say(out, "It is blocked no longer; you will be asked before it is used.");
    Ok(true)
}

fn say(out: &mut impl Write, text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Caller, Standing},
        *,
    };
    use nearhand_proto::{ids::Fingerprint, relay_string::RelayString};

    #[test]
    fn only_the_name_typed_again_unblocks() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::new(folder.path().to_owned());
        let relay = RelayString { host: "scam.example".into(), port: 1, key: Fingerprint::of(b"k") };
        book.block(&relay, Caller { technician: Some("Eve".parse().unwrap()), desk: None }).unwrap();
        let try_with = |host: &str, answer: &str| {
            let mut out = Vec::new();
            let done = unblock(&book, host, &mut answer.as_bytes(), &mut out).unwrap();
            assert_eq!(done, book.standing(&relay).unwrap() == Standing::New);
            (done, String::from_utf8(out).unwrap())
        };
        assert!(!try_with("other.example", "other.example\n").0);
        assert!(!try_with("scam.example", "").0);
        assert!(!try_with("scam.example", "y\n").0);
        let (done, said) = try_with("SCAM.example", "scam.example\n");
        assert!(done && said.contains("technician: Eve"), "{said}");
    }
}
