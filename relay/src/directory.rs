//! Who waits, who claims, who is in a session: a pure table. Time and randomness come in; what is to be sent goes out.
//!
//! ```text
//! locator:  Waiting --claim--> Claimed --both confirmed--> used, rests 10 min
//!              |                  |--abandoned--> Waiting again (the host counts the starts and leaves when dead)
//!              |                  \--second claim--> dead, rests 10 min
//!              \--leave, expiry, host gone--> rests 10 min
//! ```
//! A claim that ends after the host has answered it and before the host has confirmed it was a guess at the code,
//! whoever ends it: it is handed out once as wrong.

use crate::limits::Limits;
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Technician, ToEnd},
    ids::{ClaimId, Fingerprint},
    route::Rid,
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::IpAddr,
    time::{Duration, Instant},
};

/// A freed locator is not given out again for this long, so that a stale code can't burn another host's attempt.
pub const REST: Duration = Duration::from_secs(600);

/// Locators resting for one address, at most, for each connection that it may have: one address must not use up the
/// desk's.
const RESTING: u32 = 4;

/// PAKE messages of one side in one claim, at most.
const MAX_PAIR_MESSAGES: u8 = 4;

/// A locator must be free with at least this chance at each draw; below, it gets one digit more.
const SPARSE: usize = 100;

/// Messages for ends, in the order in which they are to be sent.
pub type Outbox = Vec<(Rid, ToEnd)>;

/// What a step leads to.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// To be sent.
    pub outbox: Outbox,
    /// Claims that were guesses at the code. Each is handed out once.
    pub wrong: Vec<Claim>,
}

impl Effects {
    fn extend(&mut self, more: Self) {
        self.outbox.extend(more.outbox);
        self.wrong.extend(more.wrong);
    }
}

/// How a host's wish for a locator went.
#[derive(Clone, Debug)]
pub enum Drawn {
    /// It waits under this one; its old one rests.
    Waiting(Locator, Effects),
    /// The drawn number is taken: draw again.
    Taken,
    /// Too many locators rest for this address.
    Busy,
}

/// Where a PAKE message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// To this end.
    To(Rid),
    /// Nowhere: the sender has no such claim, maybe no longer.
    Nowhere,
    /// Nowhere: the sender has said more than the PAKE has to say.
    TooMany,
}

/// One attempt of one viewer at one host.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Under which locator.
    pub locator: Locator,
    /// The waiting host.
    pub host: Rid,
    /// The claiming viewer.
    pub viewer: Rid,
    /// SHA-256 of the technician's enrolled key.
    pub technician_key: Fingerprint,
    /// As the relay vouches for them.
    pub technician: Technician,
    /// From where the viewer claims; for the brakes alone.
    pub address: IpAddr,
    host_confirmed: bool,
    viewer_confirmed: bool,
    messages: [u8; 2],
}

impl Claim {
    /// True if ending now means that somebody guessed at the code.
    fn is_guess(&self) -> bool {
        self.messages[0] != 0 && !self.host_confirmed
    }
}

/// Who claims.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The viewer's routing id.
    pub viewer: Rid,
    /// SHA-256 of the technician's enrolled key.
    pub technician_key: Fingerprint,
    /// As the relay vouches for them.
    pub technician: Technician,
    /// From where; for the brakes alone.
    pub address: IpAddr,
}

/// How a claim went.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// The host is told.
    Started(ClaimId),
    /// Nobody waits there.
    Nobody,
    /// Somebody else was at it: both are refused, the code is dead.
    Two(Claim),
}

/// The table.
#[derive(Debug, Default)]
pub struct Directory {
    limits: Limits,
    waiting: HashMap<Locator, Waiting>,
    locators: HashMap<Rid, Locator>,
    resting: VecDeque<(Instant, Locator, IpAddr)>,
    rests: HashSet<Locator>,
    resting_of: HashMap<IpAddr, u32>,
    claims: HashMap<ClaimId, Claim>,
    next_claim: u64,
}

#[derive(Debug)]
struct Waiting {
    host: Rid,
    address: IpAddr,
    claim: Option<ClaimId>,
}

impl Directory {
    /// With these figures.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The host, at `address` as the brakes count it, waits under a new locator from now on.
    pub fn wait(&mut self, host: Rid, address: IpAddr, random: [u8; 4], now: Instant) -> Drawn {
        self.handle_time(now);
        let most = self.limits.connections_per_address.saturating_mul(RESTING);
        if most <= self.resting_of.get(&address).copied().unwrap_or(0) {
            return Drawn::Busy;
        }
        let used = self.waiting.len() + self.rests.len();
        let fits = |digits: &u8| used.saturating_mul(SPARSE) < 10_usize.pow(u32::from(*digits));
        let digits = (Locator::MIN_DIGITS..=Locator::MAX_DIGITS).find(fits).unwrap_or(Locator::MAX_DIGITS);
        let number = u32::from_be_bytes(random) % 10_u32.pow(digits.into());
        let Some(locator) = Locator::new(number, digits) else { return Drawn::Taken };
        if self.waiting.contains_key(&locator) || self.rests.contains(&locator) {
            return Drawn::Taken;
        }
        let effects = self.leave(host, Close::NoSuchCode, now);
        self.waiting.insert(locator, Waiting { host, address, claim: None });
        self.locators.insert(host, locator);
        Drawn::Waiting(locator, effects)
    }

    /// The host waits no longer. A claim in progress ends: its viewer is told why.
    pub fn leave(&mut self, host: Rid, why: Close, now: Instant) -> Effects {
        let Some(locator) = self.locators.get(&host).copied() else { return Effects::default() };
        let claim = self.forget(locator, now);
        claim.and_then(|claim| self.end(claim, host, why)).unwrap_or_default()
    }

    /// A viewer wants the host behind `locator`.
    pub fn claim(&mut self, locator: Locator, claimant: Claimant, now: Instant) -> (Claimed, Outbox) {
        self.handle_time(now);
        let Some(waiting) = self.waiting.get_mut(&locator) else { return (Claimed::Nobody, Outbox::new()) };
        let host = waiting.host;
        if let Some(first) = waiting.claim {
            self.forget(locator, now);
            let Some(claim) = self.claims.remove(&first) else { return (Claimed::Nobody, Outbox::new()) };
            let both = [host, claim.viewer].map(|end| (end, withdrawn(first, Close::TwoClaimants)));
            return (Claimed::Two(claim), both.into());
        }
        self.next_claim += 1;
        let id = ClaimId(self.next_claim);
        waiting.claim = Some(id);
        let Claimant { viewer, technician_key, technician, address } = claimant;
        let incoming = ToEnd::Incoming { claim: id, technician: technician.clone() };
        let claimed = ToEnd::Claimed { claim: id, technician: technician.clone() };
        let claim = Claim {
            locator,
            host,
            viewer,
            technician_key,
            technician,
            address,
            host_confirmed: false,
            viewer_confirmed: false,
            messages: [0; 2],
        };
        self.claims.insert(id, claim);
        (Claimed::Started(id), vec![(host, incoming), (viewer, claimed)])
    }

    /// The claim, if `end` is one of its two.
    pub fn claim_of(&self, id: ClaimId, end: Rid) -> Option<&Claim> {
        self.claims.get(&id).filter(|claim| claim.host == end || claim.viewer == end)
    }

    /// Where a PAKE message of `from` goes.
    pub fn pair(&mut self, id: ClaimId, from: Rid) -> Carried {
        let Some(claim) = self.claims.get_mut(&id) else { return Carried::Nowhere };
        let (count, to) = match from {
            from if from == claim.host => (&mut claim.messages[0], claim.viewer),
            from if from == claim.viewer => (&mut claim.messages[1], claim.host),
            _ => return Carried::Nowhere,
        };
        *count = count.saturating_add(1);
        if *count <= MAX_PAIR_MESSAGES { Carried::To(to) } else { Carried::TooMany }
    }

    /// One side has proved that the other knows the code. Returns the claim when both have: it is used up.
    pub fn confirm(&mut self, id: ClaimId, from: Rid, now: Instant) -> Option<Claim> {
        let claim = self.claims.get_mut(&id)?;
        claim.host_confirmed |= claim.host == from;
        claim.viewer_confirmed |= claim.viewer == from;
        if !(claim.host_confirmed && claim.viewer_confirmed) {
            return None;
        }
        let claim = self.claims.remove(&id)?;
        self.forget(claim.locator, now);
        Some(claim)
    }

    /// One side gives the claim up; the other is told, in words that this side may use. The code waits again: the
    /// host counts. `None` if `from` has no such claim.
    pub fn abandon(&mut self, id: ClaimId, from: Rid, why: Close) -> Option<Effects> {
        let claim = self.claim_of(id, from)?;
        let why = if claim.host == from { hosts_word(why) } else { Close::TechnicianLeft };
        self.end(id, from, why)
    }

    /// The end is gone: what it waited for and what it claimed ends. It may have been host first, viewer then.
    pub fn gone(&mut self, end: Rid, now: Instant) -> Effects {
        let mut all = self.leave(end, Close::HostGone, now);
        let own = self.claims.iter().filter(|(_, claim)| claim.viewer == end);
        let own: Vec<_> = own.map(|(id, _)| *id).collect();
        own.into_iter()
            .filter_map(|id| self.end(id, end, Close::TechnicianLeft))
            .for_each(|one| all.extend(one));
        all
    }

    /// Hosts that wait now.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn handle_time(&mut self, now: Instant) {
        while let Some((_, locator, address)) = self.resting.pop_front_if(|(until, ..)| *until <= now) {
            self.rests.remove(&locator);
            if let Some(count) = self.resting_of.get_mut(&address) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.resting_of.remove(&address);
                }
            }
        }
    }

    /// Ends a claim in the name of one of its two; the other is told.
    fn end(&mut self, id: ClaimId, by: Rid, why: Close) -> Option<Effects> {
        let claim = self.claims.remove(&id)?;
        if let Some(waiting) = self.waiting.get_mut(&claim.locator) {
            waiting.claim = None;
        }
        let other = if claim.host == by { claim.viewer } else { claim.host };
        let outbox = vec![(other, withdrawn(id, why))];
        let wrong = if claim.is_guess() { vec![claim] } else { Vec::new() };
        Some(Effects { outbox, wrong })
    }

    /// Nobody waits under the locator any more: it rests. Returns the claim that was at it.
    fn forget(&mut self, locator: Locator, now: Instant) -> Option<ClaimId> {
        let Waiting { host, address, claim } = self.waiting.remove(&locator)?;
        self.locators.remove(&host);
        self.rests.insert(locator);
        self.resting.push_back((now + REST, locator, address));
        let count = self.resting_of.entry(address).or_default();
        *count = count.saturating_add(1);
        claim
    }
}

/// What a host may give as its reason to a viewer.
fn hosts_word(why: Close) -> Close {
    match why {
        Close::WrongCode
        | Close::CodeDead
        | Close::NoSuchCode
        | Close::TwoClaimants
        | Close::Protocol
        | Close::Version
        | Close::TooSlow => why,
        _ => Close::Protocol,
    }
}

fn withdrawn(claim: ClaimId, why: Close) -> ToEnd {
    ToEnd::Withdrawn { claim, why }
}

#[cfg(test)]
mod tests;
