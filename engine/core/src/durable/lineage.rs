//! How what lies in the journal names what it comes from.
//!
//! A reactor's **life** begins when the journal first knows of it, and ends when it is unloaded; a restart goes
//! on with it. A life's number is even. A firing's id is its life and its number; a turn's is the odd number
//! behind its life, and a number that nothing follows from. An output's id follows from the firing, the sink and
//! its place among the firing's values there: whoever makes it again gives it the same one.

use super::stream::first_eight;
use crate::id::FiringId;
use crate::letter::Place;

/// One life of a reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LifeId(u64);

impl LifeId {
    /// The life that begins with the number `fresh`, which no other begins with, of the reactor whose records
    /// are filed under `stream`.
    pub fn begin(stream: u64, fresh: u128) -> Self {
        Self::known(number(stream, fresh))
    }

    /// The life with this number.
    pub const fn known(number: u64) -> Self {
        Self(number & !1)
    }

    /// The life of a turn or a firing with this id.
    pub const fn of(id: u128) -> Self {
        Self::known((id >> 64) as u64)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The id of a firing.
    pub const fn firing(self, firing: FiringId) -> u128 {
        (self.0 as u128) << 64 | firing.0 as u128
    }

    /// The id of a turn; `fresh` is used once.
    pub const fn turn(self, fresh: u64) -> u128 {
        ((self.0 | 1) as u128) << 64 | fresh as u128
    }

    /// The firing with this id, if it is one of this life.
    pub const fn firing_of(self, id: u128) -> Option<FiringId> {
        if (id >> 64) as u64 == self.0 { Some(FiringId(id as u64)) } else { None }
    }

    /// The id of what `firing` gave to the sink at `place`, the `nth` of it, from zero.
    pub fn output(self, place: &Place, firing: FiringId, nth: u64) -> u128 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes()).update(&firing.0.to_le_bytes()).update(&nth.to_le_bytes());
        hasher.update(place.to_string().as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(first)
    }
}

/// A number for what is filed under `stream`, which differs where `stream` or `fresh` does.
pub fn number(stream: u64, fresh: u128) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&stream.to_le_bytes()).update(&fresh.to_le_bytes());
    first_eight(&hasher)
}

#[cfg(test)]
mod tests {
    use super::LifeId;
    use crate::id::FiringId;
    use crate::letter::Place;

    #[test]
    fn ids_tell_their_life_and_an_output_is_named_after_what_made_it() {
        let life = LifeId::begin(1, 7);
        let firing = life.firing(FiringId(12));
        assert_eq!((LifeId::of(firing), life.firing_of(firing)), (life, Some(FiringId(12))));
        assert_eq!((LifeId::of(life.turn(5)), life.firing_of(life.turn(5))), (life, None));
        assert_eq!(LifeId::begin(2, 7).firing_of(firing), None, "reactors that begin together are two");

        let sink = |sink| Place::Sink { graph: "g".into(), terminal: "out".into(), sink };
        let output = life.output(&sink(0), FiringId(12), 0);
        assert_eq!(output, life.output(&sink(0), FiringId(12), 0));
        for other in [
            life.output(&sink(1), FiringId(12), 0),
            life.output(&sink(0), FiringId(13), 0),
            life.output(&sink(0), FiringId(12), 1),
            LifeId::begin(1, 8).output(&sink(0), FiringId(12), 0),
        ] {
            assert_ne!(output, other);
        }
    }
}
