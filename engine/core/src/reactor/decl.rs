//! The declaration of a reactor, and its checks.

use super::criteria::{Criteria, SourceSet};
use crate::accumulator::AccumulatorDecl;
use crate::column::AnyColumn;
use crate::id::{AccumulatorName, ReactorName};
use std::sync::Arc;
use std::time::Duration;

/// How boundaries become firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Strategy {
    /// Keep the newest boundary per source.
    #[default]
    Latest,
    /// Keep one queue per source; nothing is passed over.
    Sequential,
}

/// Criteria by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CriteriaDecl {
    /// Any of these is dirty.
    Any(Vec<AccumulatorName>),
    /// All of these are dirty.
    All(Vec<AccumulatorName>),
    /// At least `k` of these are dirty.
    KOf(usize, Vec<AccumulatorName>),
}

/// `when_any(["a", "b"])`.
pub fn when_any<N: Into<AccumulatorName>>(sources: impl IntoIterator<Item = N>) -> CriteriaDecl {
    CriteriaDecl::Any(sources.into_iter().map(Into::into).collect())
}

/// `when_all(["a", "b"])`.
pub fn when_all<N: Into<AccumulatorName>>(sources: impl IntoIterator<Item = N>) -> CriteriaDecl {
    CriteriaDecl::All(sources.into_iter().map(Into::into).collect())
}

/// `k_of(2, ["a", "b", "c"])`.
pub fn k_of<N: Into<AccumulatorName>>(k: usize, sources: impl IntoIterator<Item = N>) -> CriteriaDecl {
    CriteriaDecl::KOf(k, sources.into_iter().map(Into::into).collect())
}

/// What a filter sees: for each source of the reactor, in declared order, its column and the index of
/// the value in this firing.
pub type FilterInputs<'a> = &'a [Option<(&'a dyn AnyColumn, usize)>];

/// Decides, per firing, whether it takes place; a firing that it refuses is settled(filtered).
///
/// An error counts as a failed firing.
pub type Filter = Arc<dyn Fn(FilterInputs<'_>) -> Result<bool, crate::fault::Failure> + Send + Sync>;

/// A reactor, declared.
#[derive(Clone)]
pub struct ReactorDecl {
    /// Its name, unique in its tenant.
    pub name: ReactorName,
    /// Its accumulators, in the order of its sources.
    pub accumulators: Vec<AccumulatorDecl>,
    /// When it fires.
    pub criteria: CriteriaDecl,
    /// How boundaries become firings.
    pub strategy: Strategy,
    /// An expression over the decoded inputs.
    pub filter: Option<Filter>,
    /// How many firings its log keeps.
    pub log_firings: usize,
    /// How long its log keeps them.
    pub log_age: Duration,
}

/// A reactor that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReactorDeclError {
    /// It has no accumulators.
    #[error("E0301: reactor {reactor} has no accumulators; name at least one")]
    NoAccumulators {
        /// The reactor.
        reactor: ReactorName,
    },
    /// It has more than 64.
    #[error("E0302: reactor {reactor} has {n} accumulators, more than 64; split it")]
    TooMany {
        /// The reactor.
        reactor: ReactorName,
        /// How many it has.
        n: usize,
    },
    /// An accumulator is named twice.
    #[error("E0303: reactor {reactor} names accumulator {accumulator} twice; names are unique")]
    Duplicate {
        /// The reactor.
        reactor: ReactorName,
        /// The accumulator.
        accumulator: AccumulatorName,
    },
    /// Its criteria name a source that it does not have.
    #[error(
        "E0304: criteria of reactor {reactor} name {accumulator}, which is not among its accumulators {known:?}; add it or correct the name"
    )]
    UnknownSource {
        /// The reactor.
        reactor: ReactorName,
        /// The name.
        accumulator: AccumulatorName,
        /// Those it has.
        known: Vec<AccumulatorName>,
    },
    /// Its criteria name nothing, or `k` is not between 1 and the number of sources named.
    #[error(
        "E0305: criteria of reactor {reactor} can never be met: {k} of {n} sources; choose k between 1 and the number named"
    )]
    Unsatisfiable {
        /// The reactor.
        reactor: ReactorName,
        /// How many must be dirty.
        k: usize,
        /// How many are named.
        n: usize,
    },
}

impl ReactorDecl {
    /// A reactor over `accumulators` that fires at `criteria`, under the strategy `latest`.
    pub fn new(
        name: impl Into<ReactorName>,
        accumulators: Vec<AccumulatorDecl>,
        criteria: CriteriaDecl,
    ) -> Self {
        Self {
            name: name.into(),
            accumulators,
            criteria,
            strategy: Strategy::default(),
            filter: None,
            log_firings: 128,
            log_age: Duration::from_secs(15 * 60),
        }
    }

    /// Set its strategy.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Fire only where `filter` says so.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Keep at most `firings` in its log, none older than `age`.
    #[must_use]
    pub fn log(mut self, firings: usize, age: Duration) -> Self {
        self.log_firings = firings;
        self.log_age = age;
        self
    }

    /// Rename it, to declare the same reactor twice.
    #[must_use]
    pub fn named(mut self, name: impl Into<ReactorName>) -> Self {
        self.name = name.into();
        self
    }

    /// Position of a source.
    pub fn source(&self, name: &AccumulatorName) -> Option<usize> {
        self.accumulators.iter().position(|accumulator| accumulator.name == *name)
    }

    /// Names of its accumulators.
    pub fn source_names(&self) -> Vec<AccumulatorName> {
        self.accumulators.iter().map(|accumulator| accumulator.name.clone()).collect()
    }

    /// Names of its accumulators, but for those that it only has a share in.
    pub fn own_sources(&self) -> Vec<AccumulatorName> {
        let own = self.accumulators.iter().filter(|accumulator| !accumulator.is_share());
        own.map(|accumulator| accumulator.name.clone()).collect()
    }

    /// Check it and resolve its criteria to positions.
    ///
    /// # Errors
    /// [`ReactorDeclError`], naming what is wrong.
    pub fn resolve(&self) -> Result<Criteria, ReactorDeclError> {
        let reactor = || self.name.clone();
        let n = self.accumulators.len();
        if n == 0 {
            return Err(ReactorDeclError::NoAccumulators { reactor: reactor() });
        }
        if n > SourceSet::MAX {
            return Err(ReactorDeclError::TooMany { reactor: reactor(), n });
        }
        for (at, accumulator) in self.accumulators.iter().enumerate() {
            if self.accumulators[..at].iter().any(|other| other.name == accumulator.name) {
                return Err(ReactorDeclError::Duplicate {
                    reactor: reactor(),
                    accumulator: accumulator.name.clone(),
                });
            }
        }
        let (names, k) = match &self.criteria {
            CriteriaDecl::Any(names) => (names, 1),
            CriteriaDecl::All(names) => (names, names.len()),
            CriteriaDecl::KOf(k, names) => (names, *k),
        };
        let mut named = SourceSet::EMPTY;
        for name in names {
            match self.source(name) {
                Some(source) => named.insert(source),
                None => {
                    return Err(ReactorDeclError::UnknownSource {
                        reactor: reactor(),
                        accumulator: name.clone(),
                        known: self.source_names(),
                    });
                }
            }
        }
        let k = if matches!(self.criteria, CriteriaDecl::All(_)) { named.len() } else { k };
        if k == 0 || k > named.len() {
            return Err(ReactorDeclError::Unsatisfiable { reactor: reactor(), k, n: named.len() });
        }
        Ok(Criteria::new(named, k))
    }
}

impl std::fmt::Debug for ReactorDecl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReactorDecl")
            .field("name", &self.name)
            .field("accumulators", &self.accumulators)
            .field("criteria", &self.criteria)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
