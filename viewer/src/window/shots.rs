//! Where a screenshot goes: `FOLDER/COMPUTER-2026-11-25-012233.png`, the time in UTC. Pure but for the default folder.

use nearhand_proto::text::Name;
use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The user's folder for pictures, else their home.
pub(super) fn default_folder() -> PathBuf {
    let folders = directories::UserDirs::new();
    let pictures = folders.as_ref().and_then(|folders| folders.picture_dir());
    let home = folders.as_ref().map(directories::UserDirs::home_dir);
    pictures.or(home).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The file for a picture of this computer that is taken now.
pub(super) fn path(folder: &Path, computer: Option<&Name>, now: SystemTime) -> PathBuf {
    let computer = computer.map_or("screen", Name::as_str);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let computer: String = computer.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    folder.join(format!("{computer}-{year:04}-{month:02}-{day:02}-{hour:02}{minute:02}{second:02}.png"))
}

/// Year, month and day of the Gregorian calendar, of a day counted from 1970-01-01 (E. G. Richards, 2013: from the
/// Julian day number).
fn date(days: u64) -> (u64, u64, u64) {
    let julian = days + 2_440_588;
    let f = julian + 1_401 + (4 * julian + 274_277) / 146_097 * 3 / 4 - 38;
    let e = 4 * f + 3;
    let h = 5 * (e % 1_461 / 4) + 2;
    let (day, month) = (h % 153 / 5 + 1, (h / 153 + 2) % 12 + 1);
    (e / 1_461 - 4_716 + (14 - month) / 12, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_the_calendars() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_722, (2023, 12, 31)),
            (20_782, (2026, 11, 25)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
    }

    #[test]
    fn a_file_is_named_by_computer_and_time_and_stays_in_its_folder() {
        let now = UNIX_EPOCH + Duration::from_secs(20_782 * 86_400 + 3_723);
        let check = |name: &str, expected: &str| {
            let name = Name::lossy(name);
            assert_eq!(path(Path::new("/p"), Some(&name), now), Path::new(expected));
        };
        check("desk-7", "/p/desk-7-2026-11-25-010203.png");
        check("../etc/x y", "/p/___etc_x_y-2026-11-25-010203.png");
        assert_eq!(path(Path::new("/p"), None, now), Path::new("/p/screen-2026-11-25-010203.png"));
    }
}
