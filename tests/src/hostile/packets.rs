//! What a hostile relay does with the packets that it forwards: each [`Deal`] gets one and says what goes out instead.
//! No clocks: what is held back goes out behind a later packet, and retransmissions bring later packets.

use nearhand_proto::route::Rid;
use std::collections::{HashMap, VecDeque};

/// A session packet on its way through the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The end whose control connection comes from the address that this packet came from.
    pub from: Option<Rid>,
    /// The end that its destination connection id names; where it goes when it is dealt with.
    pub to: Rid,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Takes one packet, gives those that go out now.
pub type Deal = Box<dyn FnMut(Packet) -> Vec<Packet> + Send>;

/// Bytes in front of the protected part of a short-header packet: flags, and an end's connection id.
pub const HEAD: usize = 17;

/// As an honest relay: each packet as it came.
pub fn honest() -> Deal {
    Box::new(|packet| vec![packet])
}

/// Nothing passes.
pub fn nothing() -> Deal {
    Box::new(|_| Vec::new())
}

/// Nothing passes on the way to this end.
pub fn nothing_to(end: Rid) -> Deal {
    Box::new(move |packet| if packet.to == end { Vec::new() } else { vec![packet] })
}

/// Every `n`-th packet on the way to each end is lost.
pub fn losing(n: u64) -> Deal {
    let mut counts = HashMap::new();
    Box::new(move |packet| {
        let count: &mut u64 = counts.entry(packet.to).or_default();
        *count += 1;
        if count.is_multiple_of(n) { Vec::new() } else { vec![packet] }
    })
}

/// This deal for the first `count` packets; then they pass.
pub fn at_first(count: u64, mut deal: Deal) -> Deal {
    let mut seen = 0;
    Box::new(move |packet| {
        seen += 1;
        if seen <= count { deal(packet) } else { vec![packet] }
    })
}

/// Every packet goes out twice.
pub fn twice() -> Deal {
    every(1, |packet| vec![packet.clone(), packet])
}

/// Every packet goes out again, long after it was sent.
pub fn again_later(behind: usize) -> Deal {
    let mut old = VecDeque::new();
    Box::new(move |packet| {
        old.push_back(packet.clone());
        let late = (behind < old.len()).then(|| old.pop_front()).flatten();
        late.into_iter().chain([packet]).collect()
    })
}

/// Packets go out in groups of `n`, the last first.
pub fn backwards(n: usize) -> Deal {
    let mut held = Vec::new();
    Box::new(move |packet| {
        held.push(packet);
        if held.len() < n {
            return Vec::new();
        }
        held.reverse();
        std::mem::take(&mut held)
    })
}

/// One random bit of every `n`-th packet is another.
pub fn corrupting(n: u64, seed: u64) -> Deal {
    let mut random = fastrand::Rng::with_seed(seed);
    every(n, move |mut packet| {
        let at = random.usize(..packet.bytes.len().max(1));
        if let Some(byte) = packet.bytes.get_mut(at) {
            *byte ^= 1 << random.u8(..8);
        }
        vec![packet]
    })
}

/// Every `n`-th packet ends at a random place.
pub fn truncating(n: u64, seed: u64) -> Deal {
    let mut random = fastrand::Rng::with_seed(seed);
    every(n, move |mut packet| {
        packet.bytes.truncate(random.usize(..packet.bytes.len().max(1)));
        vec![packet]
    })
}

/// Behind every packet follows another one with the same head and random bytes for the rest.
pub fn inventing(seed: u64) -> Deal {
    let mut random = fastrand::Rng::with_seed(seed);
    every(1, move |packet| {
        let mut invented = packet.clone();
        invented.bytes.iter_mut().skip(HEAD).for_each(|byte| *byte = random.u8(..));
        vec![packet, invented]
    })
}

/// Every packet also goes back to whoever sent it, under a connection id of the sender's own.
pub fn reflecting() -> Deal {
    let mut ids = Ids::default();
    Box::new(move |packet| {
        ids.learn(&packet);
        let back = packet.from.and_then(|from| ids.readdress(&packet, from));
        back.into_iter().chain([packet]).collect()
    })
}

/// Every packet for `one` also goes to `other`, under a connection id of the other's own.
pub fn bridging(one: Rid, other: Rid) -> Deal {
    let mut ids = Ids::default();
    Box::new(move |packet| {
        ids.learn(&packet);
        let crossed = if packet.to == one { ids.readdress(&packet, other) } else { None };
        crossed.into_iter().chain([packet]).collect()
    })
}

/// The newest connection id of each end that was seen in a short header.
#[derive(Debug, Default)]
pub struct Ids(Vec<(Rid, Vec<u8>)>);

impl Ids {
    /// Takes note of a packet's.
    pub fn learn(&mut self, packet: &Packet) {
        if nearhand_proto::route::is_short(&packet.bytes)
            && let Some(id) = packet.bytes.get(1..HEAD)
        {
            self.0.retain(|known| known.0 != packet.to);
            self.0.push((packet.to, id.to_vec()));
        }
    }

    /// The packet as if it were meant for this end; `None` if no id of it is known, or for a long header.
    pub fn readdress(&self, packet: &Packet, to: Rid) -> Option<Packet> {
        let (_, id) = self.0.iter().find(|known| known.0 == to)?;
        let mut packet = Packet { to, ..packet.clone() };
        if !nearhand_proto::route::is_short(&packet.bytes) {
            return None;
        }
        packet.bytes.get_mut(1..HEAD)?.copy_from_slice(id);
        Some(packet)
    }
}

fn every(n: u64, mut deal: impl FnMut(Packet) -> Vec<Packet> + Send + 'static) -> Deal {
    let mut count = 0;
    Box::new(move |packet| {
        count += 1;
        if u64::is_multiple_of(count, n) { deal(packet) } else { vec![packet] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    fn packet(number: u8) -> Packet {
        let to = Rid::of(&Fingerprint([7; 32]));
        let id = to.connection_id([number; 8]);
        Packet { from: None, to, bytes: [&[0x40][..], &id, &[number; 9]].concat() }
    }

    fn numbers(deal: &mut Deal, sent: std::ops::Range<u8>) -> Vec<u8> {
        sent.flat_map(|number| deal(packet(number)))
            .filter_map(|packet| packet.bytes.last().copied())
            .collect()
    }

    #[test]
    fn each_deal_does_what_its_name_says() {
        let check = |mut deal: Deal, expected: &[u8]| assert_eq!(numbers(&mut deal, 1..5), expected);
        check(honest(), &[1, 2, 3, 4]);
        check(nothing(), &[]);
        check(losing(2), &[1, 3]);
        check(at_first(2, nothing()), &[3, 4]);
        check(twice(), &[1, 1, 2, 2, 3, 3, 4, 4]);
        check(again_later(2), &[1, 2, 1, 3, 2, 4]);
        check(backwards(2), &[2, 1, 4, 3]);
        check(nothing_to(packet(1).to), &[]);
    }

    #[test]
    fn what_is_changed_differs_and_what_is_cut_is_shorter() {
        for deal in [corrupting(1, 1), truncating(1, 1)] {
            let mut deal = deal;
            let out = deal(packet(3));
            assert!(out.len() == 1 && out[0] != packet(3) && out[0].bytes.len() <= packet(3).bytes.len());
        }
        let out = inventing(1)(packet(3));
        assert_eq!(out[0], packet(3));
        assert!(out[1].bytes[..HEAD] == packet(3).bytes[..HEAD] && out[1] != packet(3));
    }

    #[test]
    fn a_bridged_packet_bears_the_others_id() {
        let (one, other) = (packet(1).to, Rid::of(&Fingerprint([9; 32])));
        let mut bridge = bridging(one, other);
        assert_eq!(bridge(packet(1)).len(), 1, "no id of the other is known yet");
        let id = other.connection_id([5; 8]);
        bridge(Packet { from: None, to: other, bytes: [&[0x40][..], &id, &[0; 9]].concat() });
        let out = bridge(packet(2));
        assert_eq!((out.len(), out[0].to, &out[0].bytes[1..HEAD]), (2, other, &id[..]));
    }
}
