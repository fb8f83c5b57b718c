//! What an honest relay would answer, as far as the stories need it: everybody is a technician, nothing is limited, and
//! the record is a promise.

use super::End;
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Role, SessionState, Technician, ToEnd, ToRelay},
    ids::{ActorId, ClaimId, SessionId},
    net::random,
    route::Rid,
    text::Name,
};
use std::collections::HashMap;

/// The name of everybody's help desk.
pub const DESK: &str = "Example Desk";

/// The name of every technician.
pub const TECHNICIAN: &str = "Vera Example";

/// Messages, and whom they are for.
pub(super) type Out = Vec<(Rid, ToEnd)>;

/// Who waits, who claims, who is paired.
#[derive(Debug, Default)]
pub(super) struct Desk {
    waiting: HashMap<Locator, Rid>,
    claims: HashMap<ClaimId, Claim>,
    sessions: HashMap<SessionId, Session>,
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    host: Rid,
    viewer: Rid,
    confirmed: Option<Rid>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    host: Rid,
    viewer: Rid,
    next: u64,
}

impl Claim {
    fn other(&self, end: Rid) -> Rid {
        if end == self.host { self.viewer } else { self.host }
    }
}

/// The technician behind a connection, as this relay vouches for them.
pub(super) fn technician(end: &End) -> Technician {
    let id = end.technician.map_or(ActorId([0; 16]), |key| key.actor());
    Technician { id, name: Name::lossy(TECHNICIAN), desk: Name::lossy(DESK) }
}

impl Desk {
    /// What follows from this message.
    pub(super) fn handle(&mut self, from: &End, message: ToRelay) -> Out {
        let own = from.rid;
        let to_own = |message| vec![(own, message)];
        match message {
            ToRelay::Register(_) => self.register(own),
            ToRelay::Enrol(_) => to_own(ToEnd::Enrolled(technician(from))),
            ToRelay::Wait => {
                self.waiting.retain(|_, host| *host != own);
                let locator = self.locator();
                self.waiting.insert(locator, own);
                to_own(ToEnd::Waiting(locator))
            }
            ToRelay::Leave(_) => {
                self.waiting.retain(|_, host| *host != own);
                Vec::new()
            }
            ToRelay::Claim(locator) => self.claim(from, locator),
            ToRelay::Pair { claim, message } => {
                let other = self.claims.get(&claim).map(|known| known.other(own));
                other.map(|other| (other, ToEnd::Pair { claim, message })).into_iter().collect()
            }
            ToRelay::Confirmed(claim) => self.confirmed(own, claim),
            ToRelay::Abandon { claim, why } => {
                let other = self.claims.remove(&claim).map(|known| known.other(own));
                other.map(|other| (other, ToEnd::Withdrawn { claim, why })).into_iter().collect()
            }
            ToRelay::Record { session, entries } => {
                let Some(known) = self.sessions.get_mut(&session) else { return Vec::new() };
                known.next = entries.last().map_or(known.next, |last| last.header.stamp.seq + 1);
                to_own(ToEnd::Recorded { session, next: known.next })
            }
            ToRelay::End { session, why } => {
                let Some(known) = self.sessions.remove(&session) else { return Vec::new() };
                let why = if from.role == Role::Host { why } else { Close::TechnicianLeft };
                [known.host, known.viewer].map(|end| (end, ToEnd::Ended { session, why })).into()
            }
            ToRelay::Ping(number) => to_own(ToEnd::Pong(number)),
            ToRelay::Mistyped | ToRelay::RefusedTwice => Vec::new(),
        }
    }

    fn locator(&mut self) -> Locator {
        self.count += 1;
        Locator::new(10_000 + self.count, Locator::MIN_DIGITS).expect("five digits")
    }

    fn register(&mut self, own: Rid) -> Out {
        let of = |session: &Session| [session.host, session.viewer].contains(&own);
        let mut open = Vec::new();
        let mut sessions = Vec::new();
        for (session, known) in self.sessions.iter().filter(|known| of(known.1)) {
            let peer = if known.host == own { known.viewer } else { known.host };
            sessions.push(SessionState { session: *session, peer, next: known.next });
            open.extend([own, peer].map(|end| (end, ToEnd::RouteOpen(*session))));
        }
        let mut out = vec![(own, ToEnd::Registered { desk: Name::lossy(DESK), sessions })];
        out.append(&mut open);
        out
    }

    fn claim(&mut self, from: &End, locator: Locator) -> Out {
        let Some(host) = self.waiting.get(&locator).copied() else {
            return vec![(from.rid, ToEnd::Refused(Close::NoSuchCode))];
        };
        self.count += 1;
        let (claim, technician) = (ClaimId(self.count.into()), technician(from));
        self.claims.insert(claim, Claim { host, viewer: from.rid, confirmed: None });
        vec![
            (host, ToEnd::Incoming { claim, technician: technician.clone() }),
            (from.rid, ToEnd::Claimed { claim, technician }),
        ]
    }

    fn confirmed(&mut self, own: Rid, id: ClaimId) -> Out {
        let Some(claim) = self.claims.get_mut(&id) else { return Vec::new() };
        if claim.confirmed.is_none_or(|first| first == own) {
            claim.confirmed = Some(own);
            return Vec::new();
        }
        let Claim { host, viewer, .. } = *claim;
        let session = SessionId(random());
        self.claims.remove(&id);
        self.waiting.retain(|_, waiting| *waiting != host);
        self.sessions.insert(session, Session { host, viewer, next: 0 });
        let paired = |peer| ToEnd::Paired { claim: id, session, peer };
        vec![(host, paired(viewer)), (viewer, paired(host))]
    }
}
