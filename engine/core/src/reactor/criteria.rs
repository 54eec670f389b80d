//! Criteria over sources, by position.

/// A set of a reactor's sources, by position; at most 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct SourceSet(u64);

impl SourceSet {
    /// The most sources that a reactor can have.
    pub const MAX: usize = 64;

    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The sources `0..n`.
    pub fn first(n: usize) -> Self {
        if n >= 64 { Self(u64::MAX) } else { Self((1 << n) - 1) }
    }

    /// One bit a source.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits.
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Add a source.
    pub fn insert(&mut self, source: usize) {
        self.0 |= 1 << source;
    }

    /// Remove a source.
    pub fn remove(&mut self, source: usize) {
        self.0 &= !(1 << source);
    }

    /// Whether a source is in it.
    pub fn contains(self, source: usize) -> bool {
        self.0 & (1 << source) != 0
    }

    /// The sources in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The sources in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let source = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (source < Self::MAX).then_some(source)
        })
    }
}

impl FromIterator<usize> for SourceSet {
    fn from_iter<I: IntoIterator<Item = usize>>(sources: I) -> Self {
        let mut set = Self::EMPTY;
        for source in sources {
            set.insert(source);
        }
        set
    }
}

/// When a reactor fires: at least `needed` of the named sources are dirty. `when_any` is 1 of them,
/// `when_all` is all of them, `k_of` lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    named: SourceSet,
    needed: usize,
}

impl Criteria {
    /// At least `needed` (1 to the number of `named`) of `named`.
    pub fn new(named: SourceSet, needed: usize) -> Self {
        Self { named, needed: needed.clamp(1, named.len().max(1)) }
    }

    /// The sources that it looks at.
    pub fn named(self) -> SourceSet {
        self.named
    }

    /// How many of them must be dirty.
    pub fn needed(self) -> usize {
        self.needed
    }

    /// Whether these dirty sources are enough.
    pub fn is_met(self, dirty: SourceSet) -> bool {
        dirty.and(self.named).len() >= self.needed
    }

    /// The sources that have a value whenever it is met.
    pub fn guarantees(self) -> SourceSet {
        if self.needed == self.named.len() { self.named } else { SourceSet::EMPTY }
    }
}
