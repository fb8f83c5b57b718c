//! Mutation of inputs, without any idea of what they mean: the stable runner's way to new ones.

use fastrand::Rng;

/// Bytes of a mutated input, at most.
const MAX: usize = 16 << 10;

/// Numbers at which programs break.
const EDGES: [u8; 12] = [0, 1, 2, 4, 0x0f, 0x10, 0x40, 0x7f, 0x80, 0xfb, 0xfe, 0xff];

/// Makes inputs out of a corpus. The same seed and corpus make the same inputs.
#[derive(Debug)]
pub struct Havoc {
    rng: Rng,
    corpus: Vec<Vec<u8>>,
}

impl Havoc {
    /// An empty corpus counts as one empty input.
    pub fn new(seed: u64, mut corpus: Vec<Vec<u8>>) -> Self {
        if corpus.is_empty() {
            corpus.push(Vec::new());
        }
        Self { rng: Rng::with_seed(seed), corpus }
    }

    /// The next input: one of the corpus, changed in one to eight places; now and then nothing but random bytes.
    pub fn input(&mut self) -> Vec<u8> {
        if self.rng.u8(..) < 8 {
            let length = self.rng.usize(..256);
            return (0..length).map(|_| self.rng.u8(..)).collect();
        }
        let mut bytes = self.any().to_vec();
        for _ in 0..self.rng.usize(1..=8) {
            self.change(&mut bytes);
        }
        bytes.truncate(MAX);
        bytes
    }

    fn any(&mut self) -> &[u8] {
        let at = self.rng.usize(..self.corpus.len());
        &self.corpus[at]
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.rng.usize(..=bytes.len());
        let end = at.saturating_add(self.rng.usize(1..=16)).min(bytes.len());
        match self.rng.u8(..10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.rng.u32(..8),
            1 if at < bytes.len() => bytes[at] = self.rng.u8(..),
            2 if at < bytes.len() => bytes[at] = EDGES[self.rng.usize(..EDGES.len())],
            3 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(self.rng.u8(..9)).wrapping_sub(4),
            4 => drop(bytes.drain(at..end)),
            5 => bytes.insert(at, self.rng.u8(..)),
            6 => bytes.truncate(at),
            7 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            8 => {
                let edge = EDGES[self.rng.usize(..EDGES.len())];
                bytes[at..end].fill(edge);
            }
            _ => self.splice(bytes, at),
        }
    }

    /// What follows comes from another input.
    fn splice(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let other = self.any().to_vec();
        let from = self.rng.usize(..=other.len());
        if self.rng.bool() {
            bytes.truncate(at);
        }
        bytes.extend_from_slice(&other[from..]);
    }
}
