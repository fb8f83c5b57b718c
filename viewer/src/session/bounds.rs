//! What a host says is shown to the technician only so far: a host that is none of ours may say anything.

use nearhand_proto::{
    session::{control::MAX_MONITORS, geometry::Monitor},
    text,
};

/// Bytes of a sentence, at most.
const MAX_SENTENCE: usize = 512;

/// As many monitors as an honest host offers.
pub(super) fn monitors(mut monitors: Vec<Monitor>) -> Vec<Monitor> {
    monitors.truncate(MAX_MONITORS);
    monitors
}

/// One sentence that can be shown.
pub(super) fn sentence(mut sentence: String) -> String {
    text::cut(&mut sentence, MAX_SENTENCE);
    text::printable(&sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{
        session::geometry::{MonitorId, Size},
        text::Name,
    };

    #[test]
    fn a_flood_is_cut_and_nothing_drives_the_window() {
        assert_eq!(sentence("a\u{202e}b\n".to_owned()), "a\u{fffd}b\u{fffd}");
        assert!(sentence("ü".repeat(30_000)).len() <= MAX_SENTENCE);
        let size = Size { width: 1, height: 1 };
        let one = Monitor { id: MonitorId(1), name: Name::lossy("x"), left: 0, top: 0, size, primary: true };
        assert_eq!(monitors(vec![one; 5_000]).len(), MAX_MONITORS);
    }
}
