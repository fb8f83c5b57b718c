//! The host's list of one session's facts: numbers them, chains them, and keeps them until the relay has them
//! durably. The host appends, sends what [`Ledger::poll_batch`] gives, and feeds the relay's answers back.

use super::{
    canonical::{Entry, Origin, Stamp},
    chain::Chain,
    event::Event,
    tree::Hash,
};
use crate::ids::{ActorId, SessionId};
use std::{collections::VecDeque, time::Instant};

/// Bytes of entries in one batch, about: leaves room for the rest of a control message of 64 KiB.
const BATCH_BYTES: usize = 48 << 10;

/// The session's facts, and which of them the relay has not stored yet.
#[derive(Debug)]
pub struct Ledger {
    session: SessionId,
    start: Instant,
    chain: Chain,
    /// The number of the next fact.
    next: u64,
    /// INVARIANT: consecutive, the last one is `next - 1`.
    pending: VecDeque<Entry>,
    /// The first number not handed out since the last (re-)registration; within or one past `pending`.
    unsent: u64,
    /// The number that the relay has last named without news.
    gap: Option<u64>,
}

impl Ledger {
    /// Facts kept for a relay that does not answer before [`Ledger::is_full`] says so.
    pub const MAX_PENDING: usize = 1_024;

    /// An empty list. `start` is the session's start by the monotonic clock.
    pub fn new(session: SessionId, start: Instant) -> Self {
        Self {
            session,
            start,
            chain: Chain::new(session),
            next: 0,
            pending: VecDeque::new(),
            unsent: 0,
            gap: None,
        }
    }

    /// Numbers and keeps a fact. `wall_ms` since the Unix epoch; `salt` must be fresh random bytes.
    pub fn append(
        &mut self,
        event: &Event,
        origin: Origin,
        actor: ActorId,
        wall_ms: u64,
        now: Instant,
        salt: [u8; 32],
    ) -> Entry {
        let elapsed = now.saturating_duration_since(self.start).as_nanos();
        let monotonic_ns = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let stamp = Stamp { origin, session: self.session, seq: self.next, wall_ms, monotonic_ns, actor };
        let entry = Entry::new(event, stamp, salt);
        self.chain.push(&entry.header);
        self.next += 1;
        self.pending.push_back(entry.clone());
        entry
    }

    /// The next facts to send, at most `max` and about 48 KiB; empty when everything is on its way.
    pub fn poll_batch(&mut self, max: usize) -> Vec<Entry> {
        let skip = usize::try_from(self.unsent - self.first()).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.body.len() + 160;
            bytes <= BATCH_BYTES
        };
        let batch: Vec<_> = self.pending.iter().skip(skip).take(max).take_while(fits).cloned().collect();
        self.unsent = batch.last().map_or(self.unsent, |entry| entry.header.stamp.seq + 1);
        batch
    }

    /// The relay has stored everything before `next`. If that is nothing new, something was lost on the way: it is
    /// handed out again.
    pub fn handle_recorded(&mut self, next: u64) {
        if self.pending.front().is_some_and(|entry| next <= entry.header.stamp.seq) {
            // Once for each such answer: a relay that has lost what it had acknowledged would be asked without end.
            if self.gap.replace(next) != Some(next) {
                self.resend();
            }
            return;
        }
        self.gap = None;
        while self.pending.front().is_some_and(|entry| entry.header.stamp.seq < next) {
            self.pending.pop_front();
        }
        self.unsent = self.unsent.max(self.first());
    }

    /// A new control connection: the relay has everything before `next`; whatever follows is handed out again.
    pub fn handle_reconnected(&mut self, next: u64) {
        self.handle_recorded(next);
        self.resend();
    }

    /// Hands out again whatever the relay has not acknowledged.
    pub fn resend(&mut self) {
        self.unsent = self.first();
    }

    /// True if everything has been handed out since the last (re-)registration.
    pub fn is_handed_out(&self) -> bool {
        self.unsent == self.next
    }

    /// The number of the next fact: how many there are.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// True if the relay has stored everything.
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// True if [`Ledger::MAX_PENDING`] facts wait: take nothing more from the peer until the relay answers. The
    /// host's own facts are few and always kept.
    pub fn is_full(&self) -> bool {
        Self::MAX_PENDING <= self.pending.len()
    }

    /// The head of the session's chain.
    pub fn head(&self) -> Hash {
        self.chain.head()
    }

    /// The number of the first fact kept, or of the next one.
    fn first(&self) -> u64 {
        self.pending.front().map_or(self.next, |entry| entry.header.stamp.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Text;
    use std::time::Duration;

    fn numbers(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.header.stamp.seq).collect()
    }

    fn append(ledger: &mut Ledger, event: &Event) -> Entry {
        let now = ledger.start + Duration::from_nanos(9);
        ledger.append(event, Origin::Host, ActorId([2; 16]), 5, now, [3; 32])
    }

    fn ledger(facts: usize) -> Ledger {
        let mut ledger = Ledger::new(SessionId([1; 16]), Instant::now());
        (0..facts).for_each(|_| drop(append(&mut ledger, &Event::ControlTaken)));
        ledger
    }

    #[test]
    fn an_answer_without_news_means_a_gap_and_is_believed_once() {
        let mut ledger = ledger(3);
        assert_eq!(numbers(&ledger.poll_batch(9)), [0, 1, 2]);
        ledger.handle_recorded(1);
        assert!(ledger.poll_batch(9).is_empty(), "1 and 2 are on their way");
        ledger.handle_recorded(1);
        assert_eq!(numbers(&ledger.poll_batch(9)), [1, 2], "1 was lost");
        ledger.handle_recorded(1);
        assert!(ledger.poll_batch(9).is_empty(), "not without end");
        ledger.resend();
        assert_eq!(numbers(&ledger.poll_batch(9)), [1, 2]);
        ledger.handle_recorded(3);
        assert!(ledger.is_settled() && ledger.is_handed_out());
    }

    #[test]
    fn facts_are_numbered_chained_and_kept_until_recorded() {
        let mut ledger = ledger(0);
        let before = ledger.head();
        let entry = append(&mut ledger, &Event::ControlTaken);
        assert_eq!(entry.header.stamp.seq, 0);
        assert_eq!(entry.header.stamp.monotonic_ns, 9);
        assert_ne!(ledger.head(), before);
        append(&mut ledger, &Event::SessionSuspended);
        append(&mut ledger, &Event::SessionResumed);
        assert_eq!(numbers(&ledger.poll_batch(2)), [0, 1]);
        assert_eq!(numbers(&ledger.poll_batch(2)), [2]);
        assert!(ledger.poll_batch(2).is_empty(), "all on its way");
        ledger.handle_recorded(2);
        assert!(!ledger.is_settled());
        ledger.handle_recorded(3);
        assert!(ledger.is_settled());
        append(&mut ledger, &Event::SessionSuspended);
        assert_eq!(numbers(&ledger.poll_batch(9)), [3]);
    }

    #[test]
    fn what_the_relay_lost_is_sent_again_after_a_reconnect() {
        let mut ledger = ledger(5);
        ledger.poll_batch(9);
        ledger.handle_recorded(1);
        ledger.handle_reconnected(3);
        assert_eq!(numbers(&ledger.poll_batch(9)), [3, 4]);
        ledger.handle_reconnected(3);
        assert_eq!(numbers(&ledger.poll_batch(9)), [3, 4]);
    }

    #[test]
    fn nonsense_from_the_relay_does_no_harm() {
        let mut ledger = ledger(2);
        ledger.handle_recorded(u64::MAX);
        assert!(ledger.is_settled() && ledger.poll_batch(9).is_empty());
        append(&mut ledger, &Event::ControlTaken);
        ledger.handle_reconnected(0);
        assert_eq!(numbers(&ledger.poll_batch(9)), [2]);
    }

    #[test]
    fn a_batch_of_long_notes_fits_one_message() {
        let mut ledger = ledger(0);
        let note = Event::Note { text: Text::new("x".repeat(4_096)) };
        (0..64).for_each(|_| drop(append(&mut ledger, &note)));
        let mut seen = Vec::new();
        loop {
            let entries = ledger.poll_batch(64);
            if entries.is_empty() {
                break;
            }
            seen.extend(numbers(&entries));
            let message = crate::control::ToRelay::Record { session: SessionId([1; 16]), entries };
            assert!(crate::wire::encode(&message).len() < 64 << 10);
        }
        assert_eq!(seen, (0..64).collect::<Vec<_>>());
    }
}
