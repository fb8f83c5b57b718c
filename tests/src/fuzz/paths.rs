//! The proof of an address, on a model of what quinn does with the paths of a connection (`Connection::migrate`,
//! `poll_transmit` and the path validation timer of quinn-proto 0.11). The end is a liar who sends with any source and
//! reads what comes to every address but the victim's.

use super::{Input, Target};
use nearhand_relay::forward::{AddressProof, Seen};
use std::net::SocketAddr;

/// `( 1 verb | 1 argument )*`: packets that come, timers, room to send, echoes.
pub(super) const ADDRESS: Target = Target { name: "address", run: address, decode: None, seeds: moves };

/// Nothing that comes to this address is read by the end.
const VICTIM: u16 = 3;

/// One path of the connection.
#[derive(Clone, Copy)]
struct Path {
    address: u16,
    /// Not validated; each packet carries a PATH_CHALLENGE.
    challenge: bool,
    /// One has been sent there.
    challenged: bool,
}

/// The relay's side of a control connection.
struct Quic {
    path: Path,
    previous: Option<Path>,
    challenges: u64,
    /// Nonces that wait for room.
    queue: Vec<[u8; 16]>,
    /// Nonces that the end has read.
    known: Vec<[u8; 16]>,
}

impl Quic {
    fn new() -> Self {
        let path = Path { address: 0, challenge: false, challenged: false };
        Self { path, previous: None, challenges: 0, queue: Vec::new(), known: Vec::new() }
    }

    /// Two looks, between which something may happen.
    fn seen(&mut self, happens: u8) -> Seen {
        let address = place(self.path.address);
        match happens % 4 {
            0 => self.handle_packet(u16::from(happens >> 2) % 4, happens & 16 == 0),
            1 => self.give_up(),
            _ => {}
        }
        Seen { address, challenges: self.challenges }
    }

    /// A packet comes from there; what waits is sent, if there is room.
    fn handle_packet(&mut self, from: u16, room: bool) {
        if from != self.path.address {
            let old =
                std::mem::replace(&mut self.path, Path { address: from, challenge: true, challenged: false });
            if !old.challenge {
                self.previous = Some(Path { challenge: true, ..old });
                self.challenges += 1;
            }
        }
        if room {
            self.transmit();
        }
    }

    /// What waits leaves along the path that is there now.
    fn transmit(&mut self) {
        if self.path.challenge {
            self.path.challenged = true;
            self.challenges += 1;
        }
        let sent = self.queue.drain(..);
        if self.path.address != VICTIM {
            self.known.extend(sent);
        }
    }

    /// The challenge comes back from the address where it was sent.
    fn validate(&mut self) {
        if self.path.challenged && self.path.address != VICTIM {
            self.path.challenge = false;
        }
    }

    /// It did not come back in time.
    fn give_up(&mut self) {
        if self.path.challenge {
            self.path = self.previous.take().unwrap_or(self.path);
            self.path.challenge = false;
        }
    }
}

fn place(n: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], n))
}

/// Traffic never moves to an address where nobody reads the nonce.
fn address(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut quic, mut proof) = (Quic::new(), AddressProof::new(place(0)));
    let (mut proven, mut number) = (place(0), 0_u128);
    while !input.is_empty() {
        let (verb, argument) = (input.byte(), input.byte());
        match verb % 6 {
            0 => quic.handle_packet(u16::from(argument % 4), argument & 4 == 0),
            1 => quic.transmit(),
            2 => quic.validate(),
            3 => quic.give_up(),
            4 => {
                let seen = quic.seen(argument >> 1);
                let may_ask = argument & 1 == 0;
                number += 1;
                let sent = proof.handle_address(seen, || may_ask.then_some(number.to_be_bytes()));
                assert!(sent.is_none() || seen.address != proven, "asked although it is proved");
                assert!(sent.is_some() || seen.address == proven || !may_ask, "not asked");
                quic.queue.extend(sent);
            }
            _ => {
                let seen = quic.seen(argument >> 3);
                let known = quic.known.iter().rev().nth(usize::from(argument % 8));
                if let Some(moved) = known.and_then(|echo| proof.handle_echo(echo, seen)) {
                    assert_eq!(moved, seen.address);
                    assert_ne!(moved, place(VICTIM), "moved to where nobody has read the nonce");
                    proven = moved;
                }
            }
        }
    }
}

fn moves() -> Vec<Vec<u8>> {
    /// Nothing happens between two looks, as the argument of a question; that of an echo is shifted twice more.
    const QUIET: u8 = 2 << 1;
    // Moves: speaks from 1, is asked, answers the challenge, is asked anew, echoes.
    let honest = vec![0, 1, 4, QUIET, 1, 0, 2, 0, 4, QUIET, 1, 0, 5, QUIET << 2];
    // Asked at the victim's without room to send, reads it at its own address, echoes from the victim's.
    let steals = vec![0, 3 | 4, 4, QUIET, 0, 0, 0, 3 | 4, 5, QUIET << 2];
    // The same, but waits until the path falls back.
    let waits = vec![0, 3 | 4, 4, QUIET, 3, 0, 1, 0, 0, 3 | 4, 5, QUIET << 2];
    // Waits, and is at the victim's again just when the echo is judged.
    let races = vec![0, 3 | 4, 4, QUIET, 3, 0, 1, 0, 5, (3 << 2) << 3];
    vec![honest, steals, waits, races]
}
