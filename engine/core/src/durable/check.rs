//! What lies behind a turn's mark so that its results can be compared later: recovery does without it.
//!
//! Per graph that ran in place: which firings, how many were given up, and per terminal that somebody took from how
//! many values there were, with a digest over their encoded forms in order. So a replay tells not only whether the
//! same fires, but whether the same comes of it.

use serde::{Deserialize, Serialize};

/// The results of one turn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnCheck {
    /// How many firings it might decide; none if it decided nothing, because it waited.
    pub limit: Option<u32>,
    /// Graphs that ran in place from its beginning to its end. Others are not told of.
    pub graphs: Vec<GraphCheck>,
}

/// What one graph made of a turn's firings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GraphCheck {
    /// The graph.
    pub graph: String,
    /// The first firing that it ran.
    pub from: u64,
    /// Behind the last one.
    pub to: u64,
    /// How many it gave up.
    pub failed: u32,
    /// Terminals that somebody took from, by name.
    pub terminals: Vec<TerminalCheck>,
}

/// What came out at one terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TerminalCheck {
    /// The terminal.
    pub terminal: String,
    /// Number of values.
    pub n: u32,
    /// Their digest.
    pub digest: Digest,
}

/// A digest over values in their order: it tells accidents and changes from what was, not forgeries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Digest(pub u64);

const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd6e8_feb8_6659_fd93;

/// Both halves of the product, one over the other.
const fn fold(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

impl Digest {
    /// With one value more, in its encoded form. The same on every machine and in every release.
    pub fn add(&mut self, value: &[u8]) {
        let mut state = self.0.rotate_left(23) ^ fold(value.len() as u64 ^ FIRST, SECOND);
        let (words, rest) = value.as_chunks::<8>();
        for word in words {
            state = fold(state ^ u64::from_le_bytes(*word), FIRST) ^ state.rotate_left(32);
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.0 = fold(state ^ u64::from_le_bytes(last) ^ SECOND, FIRST) ^ state;
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;
    use std::collections::HashSet;

    fn of(values: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        values.iter().for_each(|value| digest.add(value));
        digest
    }

    #[test]
    fn order_length_and_every_bit_count() {
        let mut seen = HashSet::from([Digest::default()]);
        let long: Vec<u8> = (0..40).collect();
        for n in 0..long.len() {
            assert!(seen.insert(of(&[&long[..n]])), "{n} bytes");
            assert!(seen.insert(of(&[&vec![0; n + 64]])), "{n} zeros");
        }
        for bit in 0..long.len() * 8 {
            let mut flipped = long.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(of(&[&flipped])), "bit {bit}");
        }
        for values in [&[&b"ab"[..], b"c"][..], &[b"a", b"bc"], &[b"abc"], &[b"c", b"ab"], &[b"abc", b""]] {
            assert!(seen.insert(of(values)), "{values:?}");
        }
    }

    /// Journals hold these numbers.
    #[test]
    fn digests_are_those_of_every_release() {
        assert_eq!(of(&[b""]), Digest(8093918806409763789));
        assert_eq!(of(&[b"water is let in", b"and released"]), Digest(9967546822457988634));
    }
}
