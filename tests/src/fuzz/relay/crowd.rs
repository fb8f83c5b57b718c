//! Two hosts and two viewers at one relay, and what they have heard.

use super::end::End;
use crate::{operator::Operator, record::Record};
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Leave, Role, ToEnd, ToRelay, Token},
    ids::{ActorId, ClaimId, SessionId},
    record::{Entry, Event, Origin, Stamp, Text, Value},
};
use nearhand_relay::relay::Relay;
use serde_bytes::ByteBuf;
use std::{path::Path, sync::atomic::Ordering};

/// Host: asks for a locator.
pub(super) const WAIT: u8 = 0;
/// Host: waits no longer.
pub(super) const LEAVE: u8 = 1;
/// Viewer: claims a locator that was heard, or any.
pub(super) const CLAIM: u8 = 2;
/// Sends PAKE bytes.
pub(super) const PAIR: u8 = 3;
/// Says that the other knows the code.
pub(super) const CONFIRMED: u8 = 4;
/// Gives a claim up.
pub(super) const ABANDON: u8 = 5;
/// Brings facts.
pub(super) const RECORD: u8 = 6;
/// Ends a session.
pub(super) const END: u8 = 7;
/// Goes, or comes with the same key.
pub(super) const RETURN: u8 = 8;
/// Sends a packet for another end.
pub(super) const PROBE: u8 = 9;
/// Writes what is no message.
pub(super) const JUNK: u8 = 10;
/// Says what is left to be said.
const OTHER: u8 = 11;

/// All ends of a relay.
pub(super) struct Crowd<'a> {
    relay: &'a Relay,
    operator: Operator,
    /// Hosts first.
    ends: [End; 4],
    locators: Vec<Locator>,
    claims: Vec<ClaimId>,
    sessions: Vec<SessionId>,
    seq: u64,
}

impl<'a> Crowd<'a> {
    /// Everybody registers; both technicians enrol.
    pub(super) async fn gather(relay: &'a Relay, data: &Path) -> Self {
        let ends =
            [Role::Host, Role::Host, Role::Viewer, Role::Viewer].map(|role| End::new(role, relay.string()));
        let operator = Operator::new(data);
        let mut crowd = Self {
            relay,
            operator,
            ends,
            locators: Vec::new(),
            claims: Vec::new(),
            sessions: Vec::new(),
            seq: 0,
        };
        for end in &mut crowd.ends {
            end.come().await;
        }
        for (at, name) in [(2, "Vera Example"), (3, "Eve Example")] {
            let token = crowd.operator.add(name).await;
            crowd.ends[at].says(&ToRelay::Enrol(token)).await;
            let heard = crowd.ends[at].hears().await;
            assert!(heard.iter().any(|message| matches!(message, ToEnd::Enrolled(_))), "{heard:?}");
        }
        crowd
    }

    /// One end does one thing, and all that they hear of it is remembered.
    pub(super) async fn step(&mut self, who: u8, verb: u8, [more, detail]: [u8; 2]) {
        let at = usize::from(who % 4);
        match verb % 12 {
            RETURN if self.ends[at].is_there() && detail & 1 == 1 => self.ends[at].goes(),
            RETURN => {
                let heard = self.ends[at].come().await;
                self.remember(heard);
            }
            PROBE => self.probe(at, usize::from(detail % 4)).await,
            JUNK if more & 1 == 1 => self.ends[at].echoes(&[detail; 16]),
            JUNK => self.ends[at].ends_with(&[more >> 4, 0, 0, detail, 1, 2, detail]).await,
            verb => {
                let message = self.message(at, verb, more, detail);
                self.ends[at].says(&message).await;
            }
        }
        for at in 0..self.ends.len() {
            let heard = self.ends[at].hears().await;
            self.remember(heard);
        }
    }

    fn remember(&mut self, heard: Vec<ToEnd>) {
        for message in heard {
            match message {
                ToEnd::Waiting(locator) => self.locators.push(locator),
                ToEnd::Incoming { claim, .. } | ToEnd::Claimed { claim, .. } => self.claims.push(claim),
                ToEnd::Paired { session, .. } => {
                    self.sessions.push(session);
                    self.seq = 0;
                }
                ToEnd::Recorded { next, .. } => self.seq = next,
                _ => {}
            }
        }
    }

    fn message(&self, at: usize, verb: u8, more: u8, detail: u8) -> ToRelay {
        // The newest that was heard, now and then an older one or none.
        let back = usize::from(more % 4);
        let claim = self.claims.iter().rev().nth(back).copied().unwrap_or(ClaimId(detail.into()));
        let session = self.sessions.iter().rev().nth(back).copied().unwrap_or(SessionId([detail; 16]));
        let why = Close::ALL[usize::from(detail) % Close::ALL.len()];
        match verb {
            WAIT => ToRelay::Wait,
            LEAVE => ToRelay::Leave(
                [Leave::Expired, Leave::WrongCodes, Leave::Closed, Leave::Reported][usize::from(detail % 4)],
            ),
            CLAIM => {
                let any = Locator::new(u32::from(detail), 5).expect("five digits");
                ToRelay::Claim(self.locators.iter().rev().nth(back).copied().unwrap_or(any))
            }
            PAIR => ToRelay::Pair { claim, message: ByteBuf::from(vec![detail; usize::from(detail) * 3]) },
            CONFIRMED => ToRelay::Confirmed(claim),
            ABANDON => ToRelay::Abandon { claim, why },
            RECORD => ToRelay::Record { session, entries: self.facts(at, session, more, detail) },
            END => ToRelay::End { session, why },
            OTHER => match detail % 4 {
                0 => ToRelay::Mistyped,
                1 => ToRelay::RefusedTwice,
                2 => ToRelay::Enrol(Token(format!("{detail:022}"))),
                _ => ToRelay::Register(super::super::pairing::registration()),
            },
            _ => ToRelay::Ping(detail.into()),
        }
    }

    /// Facts, good ones as long as `more` is small.
    fn facts(&self, at: usize, session: SessionId, more: u8, detail: u8) -> Vec<Entry> {
        let events = [
            Event::ControlTaken,
            Event::Note { text: Text::new("a note") },
            Event::RelayStopped,
            Event::Unknown { code: 1_900, body: vec![detail; 9] },
        ];
        let event = &events[usize::from(more >> 2) % events.len()];
        let actor = self.ends[at].identity.public().fingerprint().actor();
        let first = self.seq.wrapping_add(u64::from(more >> 5));
        let stamp = |step: u8| Stamp {
            origin: if more & 16 == 0 { Origin::Host } else { Event::witness(event.code()) },
            session,
            seq: first.wrapping_add(u64::from(step)),
            wall_ms: 1,
            monotonic_ns: 1,
            actor: if more & 8 == 0 { actor } else { ActorId([detail; 16]) },
        };
        (0..detail % 80).map(|step| Entry::new(event, stamp(step), [3; 32])).collect()
    }

    /// A packet passes only between two of a session that is committed and has not ended.
    async fn probe(&mut self, from: usize, to: usize) {
        if !self.ends[from].is_there() {
            return;
        }
        let before = self.operator.record().await;
        let forwarded = || self.relay.socket().stats().packets.load(Ordering::Relaxed);
        let count = forwarded();
        self.ends[from].probes(self.ends[to].rid());
        // Comes after it on the same port.
        let heard = self.ends[from].hears().await;
        let has_passed = forwarded() != count;
        self.remember(heard);
        if has_passed {
            let after = self.operator.record().await;
            let started = self.between(&after, from, to);
            let ended = |id: &&String| {
                before.entries.iter().any(|entry| entry.session == **id && is_end(&entry.event))
            };
            assert!(!started.is_empty(), "forwarded without a session on record: {:#?}", after.lines());
            assert!(!started.iter().all(|id| ended(&id)), "forwarded after the end: {:#?}", before.lines());
        }
    }

    /// The sessions on record between these two.
    fn between(&self, record: &Record, one: usize, other: usize) -> Vec<String> {
        let key = |at: usize| Value::Bytes(self.ends[at].identity.public().point().to_vec()).to_string();
        let (host, viewer) = (key(one.min(other)), key(one.max(other)));
        let starts = record.entries.iter().filter(|entry| entry.event == "session.start");
        let own =
            starts.filter(|entry| entry.fields["host_key"] == host && entry.fields["viewer_key"] == viewer);
        own.map(|entry| entry.session.clone()).collect()
    }

    /// The record is whole whatever was said.
    pub(super) async fn end(self) {
        let answer = self.operator.verify().await;
        assert!(answer.code == 0, "{answer:?}");
    }
}

fn is_end(event: &str) -> bool {
    event == "session.end" || event == "session.lost"
}
