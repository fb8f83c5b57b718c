//! The desk's Merkle tree (RFC 6962 §2.1): leaf = SHA-256(0x00 ‖ canonical bytes), node = SHA-256(0x01 ‖ left ‖ right).
//! Only its right edge is kept, which is all that appending needs.

use sha2::{Digest as _, Sha256};

/// A leaf, a node or a root.
pub type Hash = [u8; 32];

/// The leaf of an event with these canonical bytes.
pub fn leaf_hash(canonical: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(canonical).finalize().into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a tree: the roots of its whole subtrees, largest first.
///
/// INVARIANT: one root for each bit that is set in `size`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// Bytes that are no frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the frontier of a tree")]
pub struct FrontierError;

impl Frontier {
    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak for each bit set");
            node = node_hash(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The tree's root; SHA-256 of nothing for the empty tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// `8 size (big endian) | 32 each peak, largest subtree first`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        out.extend_from_slice(self.peaks.as_flattened());
        out
    }

    /// Reads a frontier back.
    ///
    /// # Errors
    /// [`FrontierError`] if the number of peaks is not that of the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, rest) = bytes.split_first_chunk().ok_or(FrontierError)?;
        let (peaks, tail) = rest.as_chunks();
        let size = u64::from_be_bytes(*size);
        let fits = tail.is_empty() && u32::try_from(peaks.len()) == Ok(size.count_ones());
        if fits { Ok(Self { size, peaks: peaks.to_vec() }) } else { Err(FrontierError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, word for word.
    fn naive(leaves: &[Vec<u8>]) -> Hash {
        match leaves.len() {
            0 => Sha256::digest([]).into(),
            1 => leaf_hash(&leaves[0]),
            n => {
                let split = (n - 1).ilog2();
                let (left, right) = leaves.split_at(1 << split);
                node_hash(&naive(left), &naive(right))
            }
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        let mut frontier = Frontier::default();
        for size in 0..=130_u8 {
            assert_eq!(frontier.root(), naive(&leaves), "size {size}");
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier.clone()));
            frontier.push(leaf_hash(&[size]));
            leaves.push(vec![size]);
        }
    }

    /// The vectors of certificate-transparency-go and of Python's ctutlz (reference inputs, roots of sizes 0 to 8).
    #[test]
    fn agrees_with_certificate_transparency() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        assert_eq!(hex::encode(frontier.root()), roots[0]);
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            frontier.push(leaf_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(hex::encode(frontier.root()), *root);
        }
    }

    #[test]
    fn refuses_other_bytes() {
        assert_eq!(Frontier::from_bytes(&[]), Err(FrontierError));
        assert_eq!(Frontier::from_bytes(&[0; 40]), Err(FrontierError), "size 0 has no peak");
        assert_eq!(Frontier::from_bytes(&3_u64.to_be_bytes()), Err(FrontierError), "size 3 has two");
    }
}
