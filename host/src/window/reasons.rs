//! Why something ended, as the user hears it: most reasons are worded for the technician elsewhere.

use nearhand_desktop::words::Words;
use nearhand_proto::close::Close;

/// In words.
pub(super) fn why(words: &Words, why: Close) -> &str {
    match why {
        Close::UserStopped => words.why_user_stopped(),
        Close::TechnicianLeft | Close::Done => words.why_technician_left(),
        Close::Declined => words.why_declined(),
        Close::NoAnswer => words.why_no_answer(),
        Close::Reported => words.why_reported(),
        Close::Blocked => words.why_blocked(),
        Close::TechnicianRemoved | Close::UnknownTechnician => words.why_technician_removed(),
        Close::Busy => words.why_busy(),
        Close::RecordUnavailable => words.why_record_unavailable(),
        Close::RelayStopping => words.why_relay_stopping(),
        Close::RelayUnreachable => words.why_relay_unreachable(),
        Close::RelayKey => words.why_relay_key(),
        Close::Version => words.why_version(),
        Close::Lost | Close::HostGone => words.why_lost(),
        Close::Internal => words.why_internal(),
        Close::NoScreen => words.why_no_screen(),
        _ => words.why_trouble(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_desktop::words::Language;

    #[test]
    fn every_reason_has_a_sentence_and_the_stop_key_is_the_one_that_is_watched() {
        for language in [Language::En, Language::De] {
            let words = Words::new(language);
            for close in Close::ALL {
                assert!(why(&words, *close).ends_with('.'), "{close:?}");
            }
        }
        assert!(Words::new(Language::En).stop_key().ends_with(crate::user::STOP_KEY));
    }
}
