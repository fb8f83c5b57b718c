//! What happened, in words: reasons, rights, news. The sentences themselves stand in the language file.

use super::state::News;
use nearhand_desktop::words::Words;
use nearhand_proto::{
    close::Close, relay_string::RelayStringError, rights::Rights, session::clipboard::Direction,
};

/// Why a session, or the attempt at one, is over, and what to do next.
pub(super) fn close(words: &Words, why: Close) -> &str {
    match why {
        Close::Done => words.v_why_done(),
        Close::UserStopped => words.v_why_user_stopped(),
        Close::TechnicianLeft => words.v_why_technician_left(),
        Close::Declined => words.v_why_declined(),
        Close::NoAnswer => words.v_why_no_answer(),
        Close::Reported => words.v_why_reported(),
        Close::Blocked => words.v_why_blocked(),
        Close::NoSuchCode => words.v_why_no_such_code(),
        Close::WrongCode => words.v_why_wrong_code(),
        Close::CodeDead => words.v_why_code_dead(),
        Close::TwoClaimants => words.v_why_two_claimants(),
        Close::Mistyped => words.v_why_mistyped(),
        Close::RefusedTwice => words.v_why_refused_twice(),
        Close::UnknownTechnician => words.v_why_unknown_technician(),
        Close::TechnicianRemoved => words.v_why_technician_removed(),
        Close::BadToken => words.v_why_bad_token(),
        Close::TooManyWrongCodes => words.v_why_too_many_wrong_codes(),
        Close::Busy => words.v_why_busy(),
        Close::RecordUnavailable => words.v_why_record_unavailable(),
        Close::RelayStopping => words.v_why_relay_stopping(),
        Close::RelayUnreachable => words.v_why_relay_unreachable(),
        Close::RelayKey => words.v_why_relay_key(),
        Close::Version => words.v_why_version(),
        Close::Protocol => words.v_why_protocol(),
        Close::TooSlow => words.v_why_too_slow(),
        Close::Replaced => words.v_why_replaced(),
        Close::Lost => words.v_why_lost(),
        Close::HostGone => words.v_why_host_gone(),
        Close::Internal => words.v_why_internal(),
        Close::NoScreen => words.v_why_no_screen(),
        // A reason that is younger than this window.
        other => other.sentence(),
    }
}

/// Rights, joined by commas; both directions of the clipboard are one word.
pub(super) fn rights(words: &Words, mut rights: Rights) -> String {
    let clipboard = Rights::CLIPBOARD_IN | Rights::CLIPBOARD_OUT;
    let both = rights.contains(clipboard);
    if both {
        rights -= clipboard;
    }
    let names = [
        (Rights::VIEW, words.v_right_view()),
        (Rights::CONTROL, words.v_right_control()),
        (Rights::CLIPBOARD_IN, words.v_right_in()),
        (Rights::CLIPBOARD_OUT, words.v_right_out()),
    ];
    let held = names.into_iter().filter(|row| rights.contains(row.0)).map(|row| row.1);
    let held: Vec<_> = held.chain(both.then(|| words.v_right_clipboard())).collect();
    if held.is_empty() { words.v_rights_none().to_owned() } else { held.join(", ") }
}

/// One piece of news.
pub(super) fn news(words: &Words, news: &News) -> String {
    match news {
        News::Given(given) => words.v_given(rights(words, *given)),
        News::Declined(declined) => words.v_declined(rights(words, *declined)),
        News::TimedOut(silent) => words.v_timed_out(rights(words, *silent)),
        News::Revoked(gone) => words.v_revoked(rights(words, *gone)),
        News::Clipboard { direction: Direction::In, bytes } => words.v_copied_in(size(*bytes)),
        News::Clipboard { direction: Direction::Out, bytes } => words.v_copied_out(size(*bytes)),
        News::TooLong(Direction::In) => words.v_too_long_in().to_owned(),
        News::TooLong(Direction::Out) => words.v_too_long_out().to_owned(),
        News::ClipboardLost(why) => words.v_clipboard_lost(why),
        News::Noted(seq) => words.v_noted(seq),
        News::OwnWindow => words.v_own_window().to_owned(),
        News::NeedsRight(needed) => words.v_needs(rights(words, *needed)),
        News::Resumed => words.v_resumed().to_owned(),
        News::RelayBack => words.v_relay_back().to_owned(),
    }
}

/// What is wrong with a relay string.
pub(super) fn relay_string(words: &Words, error: RelayStringError) -> &str {
    match error {
        RelayStringError::NoKey => words.v_relay_no_key(),
        RelayStringError::Key => words.v_relay_damaged(),
        _ => words.v_relay_address(),
    }
}

/// `340 B`, `12.4 KiB`.
fn size(bytes: u64) -> String {
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let tenths = bytes.saturating_mul(10) / 1_024;
    format!("{}.{} KiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_desktop::words::Language;

    #[test]
    fn every_reason_has_words_of_its_own_in_every_language() {
        for language in [Language::En, Language::De] {
            let words = Words::new(language);
            let mut said: Vec<_> = Close::ALL.iter().map(|why| close(&words, *why)).collect();
            said.sort_unstable();
            said.dedup();
            // Mistyped is said where it is typed as well.
            assert_eq!(said.len(), Close::ALL.len(), "{language:?}");
        }
        let german = Words::new(Language::De);
        for why in Close::ALL {
            assert_ne!(close(&german, *why), why.sentence(), "{why:?}");
        }
    }

    #[test]
    fn rights_and_sizes_are_named() {
        let words = Words::new(Language::En);
        assert_eq!(rights(&words, Rights::VIEW | Rights::CONTROL), "View, Control");
        assert_eq!(rights(&words, Rights::empty()), "nothing");
        assert_eq!(rights(&words, Rights::VIEW | Rights::CLIPBOARD_OUT), "View, Clipboard from user");
        let all = Rights::VIEW | Rights::CLIPBOARD_IN | Rights::CLIPBOARD_OUT;
        assert_eq!(rights(&words, all), "View, Clipboard");
        assert_eq!((size(340), size(12_700)), ("340 B".into(), "12.4 KiB".into()));
    }
}
