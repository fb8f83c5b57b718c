//! How far the session has come, as far as commands must know: pure, fed with every event and the time.
//!
//! ```text
//! wanted right: pending --Rights holds it--> held --revoked--> refused
//!                  \--declined / timed out--> refused --asked again--> pending
//! ```

use super::figures::Figures;
use crate::messages::Event;
use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::{Monitor, MonitorId, Size},
        screen::Epoch,
    },
};
use std::time::Duration;
use tokio::time::Instant;

/// Which picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Its epoch.
    pub epoch: Epoch,
    /// Its monitor.
    pub monitor: MonitorId,
    /// Its size.
    pub size: Size,
}

/// What the events have told so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// True once the host has said `Welcome`.
    pub started: bool,
    /// The rights held.
    pub held: Rights,
    /// The monitors, in the order of the last list.
    pub monitors: Vec<Monitor>,
    /// The picture of the last update.
    pub picture: Option<Picture>,
    /// Why there is none for now; empty while there is.
    pub no_picture: String,
    /// The last mark in our input that the host has reached.
    pub acted: u32,
    /// Notes that stand in the record.
    pub noted: u64,
    /// Our texts that came onto the user's clipboard.
    pub clipped: u64,
    /// Why the session is over.
    pub ended: Option<Close>,
    /// What updates cost.
    pub figures: Figures,
    pending: Rights,
    asking: Rights,
    suspended: bool,
    relay_lost: bool,
    more: bool,
    last_update: Option<Instant>,
}

impl Progress {
    /// A session whose pairing asks for `want`.
    pub(super) fn new(want: Rights) -> Self {
        Self { pending: want, ..Self::default() }
    }

    /// Something happened. True if another picture is shown than before.
    pub(super) fn handle(&mut self, event: &Event, now: Instant) -> bool {
        match event {
            Event::Started { .. } => self.started = true,
            Event::Monitors(monitors) => self.monitors.clone_from(monitors),
            Event::Asking(rights) => {
                self.asking = *rights;
                self.pending |= *rights - self.held;
            }
            Event::Rights { held, why } => self.handle_rights(*held, *why),
            Event::Updated { epoch, monitor, size, more, spent_us, decode_us, .. } => {
                self.more = *more;
                self.last_update = Some(now);
                self.no_picture.clear();
                self.figures.add(*spent_us, *decode_us);
                let shown = Picture { epoch: *epoch, monitor: *monitor, size: *size };
                return self.picture.replace(shown) != Some(shown);
            }
            Event::NoPicture(why) => self.no_picture.clone_from(why),
            Event::Acted(mark) => self.acted = *mark,
            Event::Noted { .. } => self.noted += 1,
            Event::Clipped { .. } => self.clipped += 1,
            Event::Suspended => self.suspended = true,
            Event::Resumed => self.suspended = false,
            Event::RelayLost => self.relay_lost = true,
            Event::RelayBack => self.relay_lost = false,
            Event::Ended(why) => self.ended = Some(*why),
            // Another picture follows when the user goes on.
            Event::Paused(_) => self.picture = None,
            Event::Connecting
            | Event::Claimed { .. }
            | Event::Paired { .. }
            | Event::NeedsRight(_)
            | Event::Yielded(_)
            | Event::OwnWindow
            | Event::Clipboard(_)
            | Event::ClipboardTooLong => {}
        }
        false
    }

    /// We are about to ask for these.
    pub(super) fn handle_ask(&mut self, rights: Rights) {
        self.pending |= rights - self.held;
    }

    /// True while the user has neither given nor refused all of these.
    pub(super) fn is_pending(&self, rights: Rights) -> bool {
        !(self.pending & rights).is_empty()
    }

    /// True while nothing that we send can arrive.
    pub(super) fn is_cut(&self) -> bool {
        self.suspended || self.relay_lost
    }

    /// When the picture will have been quiet for `quiet` since the later of `start` and the last update; `None`
    /// while more is known to come or nothing can.
    pub(super) fn settles(&self, quiet: Duration, start: Instant) -> Option<Instant> {
        if self.more || self.is_cut() || self.picture.is_none() || !self.no_picture.is_empty() {
            return None;
        }
        Some(self.last_update.map_or(start, |last| last.max(start)) + quiet)
    }

    fn handle_rights(&mut self, held: Rights, why: RightsChange) {
        self.held = held;
        self.pending -= held;
        let refused = match why {
            RightsChange::Given | RightsChange::Revoked => return,
            RightsChange::Declined | RightsChange::TimedOut => std::mem::take(&mut self.asking),
        };
        self.pending -= refused;
        if refused.contains(Rights::VIEW) || refused.is_empty() {
            self.pending = Rights::empty(); // nothing else is asked then
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::screen::UpdateNo;

    const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

    fn update(more: bool) -> Event {
        Event::Updated {
            epoch: Epoch(1),
            monitor: MonitorId(1),
            size: Size { width: 4, height: 4 },
            update: UpdateNo(1),
            more,
            changed: Vec::new(),
            bytes: 1,
            spent_us: 2_000,
            decode_us: 1_000,
            presented: std::time::Instant::now(),
        }
    }

    #[test]
    fn rights_are_pending_until_the_user_has_chosen() {
        let now = Instant::now();
        let mut progress = Progress::new(BOTH);
        let mut after = |event: Event, pending: Rights| {
            progress.handle(&event, now);
            assert_eq!(progress.pending, pending, "{event:?}");
        };
        after(Event::Asking(Rights::VIEW), BOTH);
        after(Event::Rights { held: Rights::VIEW, why: RightsChange::Given }, Rights::CONTROL);
        after(Event::Asking(Rights::CONTROL), Rights::CONTROL);
        after(Event::Rights { held: Rights::VIEW, why: RightsChange::Declined }, Rights::empty());
        after(Event::Asking(Rights::CONTROL), Rights::CONTROL);
        after(Event::Rights { held: BOTH, why: RightsChange::Given }, Rights::empty());
        after(Event::Rights { held: Rights::empty(), why: RightsChange::Revoked }, Rights::empty());
    }

    #[test]
    fn declined_viewing_refuses_everything() {
        let now = Instant::now();
        let mut progress = Progress::new(BOTH);
        progress.handle(&Event::Asking(Rights::VIEW), now);
        progress.handle(&Event::Rights { held: Rights::empty(), why: RightsChange::TimedOut }, now);
        assert!(!progress.is_pending(BOTH));
        progress.handle_ask(Rights::VIEW);
        assert!(progress.is_pending(Rights::VIEW));
    }

    #[test]
    fn it_settles_after_the_later_of_start_and_update() {
        let now = Instant::now();
        let quiet = Duration::from_millis(300);
        let mut progress = Progress::new(BOTH);
        assert_eq!(progress.settles(quiet, now), None, "no picture yet");
        assert!(progress.handle(&update(false), now));
        assert_eq!(progress.settles(quiet, now), Some(now + quiet));
        let later = now + quiet;
        assert_eq!(progress.settles(quiet, later), Some(later + quiet));
        assert!(!progress.handle(&update(true), later), "the same picture");
        assert_eq!(progress.settles(quiet, now), None, "more is to come");
        progress.handle(&update(false), later);
        assert_eq!(progress.settles(quiet, now), Some(later + quiet));
        for (away, back) in [
            (Event::Suspended, Event::Resumed),
            (Event::RelayLost, Event::RelayBack),
            (Event::NoPicture("resized".into()), Event::NoPicture(String::new())),
        ] {
            progress.handle(&away, later);
            assert_eq!(progress.settles(quiet, now), None, "{away:?}");
            progress.handle(&back, later);
            assert_eq!(progress.settles(quiet, now), Some(later + quiet), "{back:?}");
        }
    }
}
