//! Who waits, who claims, who is in a session: a pure table. Time and randomness come in; what is to be sent goes out.
//!
//! ```text
//! locator:  Waiting --claim--> Claimed --both confirmed--> used, rests 10 min
//!              |                  |--abandoned--> Waiting again (the host counts the starts and leaves when dead)
//!              |                  \--second claim--> dead, rests 10 min
//!              \--leave, expiry, host gone--> rests 10 min
//! ```

use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Role, Technician, ToEnd},
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

/// PAKE messages of one side in one claim, at most.
const MAX_PAIR_MESSAGES: u8 = 4;

/// A locator must be free with at least this chance at each draw; below, it gets one digit more.
const SPARSE: usize = 100;

/// Messages for ends, in the order in which they are to be sent.
pub type Outbox = Vec<(Rid, ToEnd)>;

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
    waiting: HashMap<Locator, Waiting>,
    locators: HashMap<Rid, Locator>,
    resting: VecDeque<(Instant, Locator)>,
    rests: HashSet<Locator>,
    claims: HashMap<ClaimId, Claim>,
    next_claim: u64,
}

#[derive(Debug)]
struct Waiting {
    host: Rid,
    claim: Option<ClaimId>,
}

impl Directory {
    /// The host waits under a new locator from now on; its old one rests. `None` if the drawn number is taken: draw
    /// again.
    pub fn wait(&mut self, host: Rid, random: [u8; 4], now: Instant) -> Option<Locator> {
        self.handle_time(now);
        let used = self.waiting.len() + self.rests.len();
        let fits = |digits: &u8| used.saturating_mul(SPARSE) < 10_usize.pow(u32::from(*digits));
        let digits = (Locator::MIN_DIGITS..=Locator::MAX_DIGITS).find(fits).unwrap_or(Locator::MAX_DIGITS);
        let number = u32::from_be_bytes(random) % 10_u32.pow(digits.into());
        let locator = Locator::new(number, digits)?;
        if self.waiting.contains_key(&locator) || self.rests.contains(&locator) {
            return None;
        }
        self.leave(host, now);
        self.waiting.insert(locator, Waiting { host, claim: None });
        self.locators.insert(host, locator);
        Some(locator)
    }

    /// The host waits no longer. A claim in progress ends: its viewer is told.
    pub fn leave(&mut self, host: Rid, now: Instant) -> Outbox {
        let Some(locator) = self.locators.remove(&host) else { return Outbox::new() };
        let claim = self.waiting.remove(&locator).and_then(|waiting| waiting.claim);
        self.rest(locator, now);
        let gone = claim.and_then(|claim| self.claims.remove(&claim).map(|it| (claim, it)));
        gone.map(|(claim, it)| (it.viewer, withdrawn(claim, Close::NoSuchCode))).into_iter().collect()
    }

    /// A viewer wants the host behind `locator`.
    pub fn claim(&mut self, locator: Locator, claimant: Claimant, now: Instant) -> (Claimed, Outbox) {
        self.handle_time(now);
        let Some(waiting) = self.waiting.get_mut(&locator) else { return (Claimed::Nobody, Outbox::new()) };
        let host = waiting.host;
        if let Some(first) = waiting.claim {
            self.forget(locator, host, now);
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

    /// To whom a PAKE message of `from` goes; `None` if it has no such claim or sends too many.
    pub fn pair(&mut self, id: ClaimId, from: Rid) -> Option<Rid> {
        let claim = self.claims.get_mut(&id)?;
        let (count, to) = match from {
            from if from == claim.host => (&mut claim.messages[0], claim.viewer),
            from if from == claim.viewer => (&mut claim.messages[1], claim.host),
            _ => return None,
        };
        *count += 1;
        (*count <= MAX_PAIR_MESSAGES).then_some(to)
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
        self.forget(claim.locator, claim.host, now);
        Some(claim)
    }

    /// One side gives the claim up; the other is told. The code waits again: the host counts.
    pub fn abandon(&mut self, id: ClaimId, from: Rid, why: Close) -> Option<(Claim, Outbox)> {
        self.claim_of(id, from)?;
        let claim = self.claims.remove(&id)?;
        if let Some(waiting) = self.waiting.get_mut(&claim.locator) {
            waiting.claim = None;
        }
        let other = if claim.host == from { claim.viewer } else { claim.host };
        Some((claim, vec![(other, withdrawn(id, why))]))
    }

    /// The end is gone: what it waited for or claimed ends.
    pub fn gone(&mut self, end: Rid, role: Role, now: Instant) -> Outbox {
        match role {
            Role::Host => {
                let mut outbox = self.leave(end, now);
                for (_, message) in &mut outbox {
                    if let ToEnd::Withdrawn { why, .. } = message {
                        *why = Close::HostGone;
                    }
                }
                outbox
            }
            Role::Viewer => {
                let own: Vec<_> =
                    self.claims.iter().filter(|(_, claim)| claim.viewer == end).map(|(id, _)| *id).collect();
                let ended = own.into_iter().filter_map(|id| self.abandon(id, end, Close::TechnicianLeft));
                ended.flat_map(|(_, outbox)| outbox).collect()
            }
        }
    }

    /// Hosts that wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn handle_time(&mut self, now: Instant) {
        while let Some((_, locator)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.rests.remove(&locator);
        }
    }

    fn forget(&mut self, locator: Locator, host: Rid, now: Instant) {
        self.waiting.remove(&locator);
        self.locators.remove(&host);
        self.rest(locator, now);
    }

    fn rest(&mut self, locator: Locator, now: Instant) {
        self.rests.insert(locator);
        self.resting.push_back((now + REST, locator));
    }
}

fn withdrawn(claim: ClaimId, why: Close) -> ToEnd {
    ToEnd::Withdrawn { claim, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{ids::ActorId, text::Name};

    fn rid(n: u8) -> Rid {
        Rid::of(&Fingerprint([n; 32]))
    }

    fn technician() -> Technician {
        Technician { id: ActorId([1; 16]), name: Name::lossy("Vera"), desk: Name::lossy("Desk") }
    }

    fn claim(directory: &mut Directory, locator: Locator, viewer: u8, now: Instant) -> (Claimed, Outbox) {
        let claimant = Claimant {
            viewer: rid(viewer),
            technician_key: Fingerprint([9; 32]),
            technician: technician(),
            address: IpAddr::from([127, 0, 0, 1]),
        };
        directory.claim(locator, claimant, now)
    }

    #[test]
    fn a_claim_that_both_confirm_is_used_up() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = directory.wait(rid(1), [0, 0, 0, 7], now).unwrap();
        assert_eq!(locator.to_string(), "00007");
        let (Claimed::Started(id), outbox) = claim(&mut directory, locator, 2, now) else { panic!() };
        assert_eq!(outbox.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [rid(1), rid(2)]);
        assert_eq!(directory.pair(id, rid(2)), Some(rid(1)));
        assert_eq!(directory.pair(id, rid(3)), None, "a stranger");
        assert!(directory.confirm(id, rid(1), now).is_none());
        assert!(directory.confirm(id, rid(3), now).is_none());
        assert!(directory.confirm(id, rid(2), now).is_some());
        assert!(matches!(claim(&mut directory, locator, 4, now).0, Claimed::Nobody), "used");
    }

    #[test]
    fn two_claimants_kill_the_code() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = directory.wait(rid(1), [0; 4], now).unwrap();
        claim(&mut directory, locator, 2, now);
        let (result, outbox) = claim(&mut directory, locator, 3, now);
        assert!(matches!(result, Claimed::Two(_)));
        let told: Vec<_> = outbox.iter().map(|(to, _)| *to).collect();
        assert_eq!(told, [rid(1), rid(2)]);
        assert!(matches!(claim(&mut directory, locator, 4, now).0, Claimed::Nobody));
    }

    #[test]
    fn a_freed_locator_rests() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = directory.wait(rid(1), [0, 0, 0, 7], now).unwrap();
        directory.leave(rid(1), now);
        assert_eq!(directory.wait(rid(2), [0, 0, 0, 7], now), None);
        assert_eq!(directory.wait(rid(2), [0, 0, 0, 7], now + REST), Some(locator));
    }

    #[test]
    fn an_abandoned_claim_leaves_the_code_waiting() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = directory.wait(rid(1), [0; 4], now).unwrap();
        let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
        assert!(directory.abandon(id, rid(3), Close::WrongCode).is_none(), "a stranger");
        let (_, outbox) = directory.abandon(id, rid(1), Close::WrongCode).unwrap();
        assert_eq!(outbox[0].0, rid(2));
        assert!(matches!(claim(&mut directory, locator, 3, now).0, Claimed::Started(_)));
        assert_eq!(directory.gone(rid(3), Role::Viewer, now)[0].0, rid(1));
        let (Claimed::Started(_), _) = claim(&mut directory, locator, 4, now) else { panic!() };
        let told = directory.gone(rid(1), Role::Host, now);
        assert!(matches!(told[0].1, ToEnd::Withdrawn { why: Close::HostGone, .. }));
        assert_eq!(directory.waiting(), 0);
    }

    #[test]
    fn a_busy_desk_gets_a_digit_more() {
        let now = Instant::now();
        let mut directory = Directory::default();
        for n in 0..1_000_u32 {
            let key = Fingerprint::of(&n.to_be_bytes());
            directory.wait(Rid::of(&key), n.to_be_bytes(), now).unwrap();
        }
        assert_eq!(directory.wait(rid(1), [0, 0, 0xff, 0xff], now).unwrap().to_string().len(), 6);
    }

    #[test]
    fn pair_messages_are_bounded() {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = directory.wait(rid(1), [0; 4], now).unwrap();
        let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
        let carried = (0..9).filter(|_| directory.pair(id, rid(2)).is_some()).count();
        assert_eq!(carried, usize::from(MAX_PAIR_MESSAGES));
    }
}
