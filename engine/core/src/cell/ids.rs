//! The numbers of the firings in a view.

use crate::id::FiringId;

/// The numbers of a view's firings.
#[derive(Clone, Copy)]
pub enum FiringIds<'a> {
    /// One after another, from this one.
    From(u64),
    /// As listed.
    Listed(&'a [u64]),
}

impl FiringIds<'_> {
    /// Number of the firing at `firing`.
    pub(super) fn get(self, firing: usize) -> FiringId {
        FiringId(match self {
            Self::From(first) => first + firing as u64,
            Self::Listed(ids) => ids.get(firing).copied().unwrap_or_default(),
        })
    }
}
