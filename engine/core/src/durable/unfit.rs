//! What must not be durable, because its promise could not be kept.

use crate::id::AccumulatorName;
use crate::overflow::Overflow;
use crate::package::Package;

/// A durable accumulator that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// There is nothing to be durable with.
    #[error(
        "E0490: accumulator {accumulator} is durable, and this engine has no journal; give it one with `EngineBuilder::journal`, or declare the accumulator fast"
    )]
    NoJournal {
        /// The accumulator.
        accumulator: AccumulatorName,
    },
    /// It would lose what it has acknowledged.
    #[error(
        "E0491: accumulator {accumulator} is durable, and its full ring would {overflow:?}; let it block, which is the default"
    )]
    Overflow {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What it says.
        overflow: Overflow,
    },
    /// What its cell hands on would be lost on the way.
    #[error(
        "E0495: accumulator {accumulator} is durable, and several reactors share it; give it to one, whose graph feeds the others through its terminal"
    )]
    Shared {
        /// The accumulator.
        accumulator: AccumulatorName,
    },
}

/// Everything that is unfit in `package`, for an engine that has a journal or none.
pub fn unfit(package: &Package, has_journal: bool) -> Vec<Unfit> {
    let shared = package.shares();
    let mut unfit = Vec::new();
    for decl in package.reactors().iter().flat_map(|reactor| &reactor.accumulators) {
        let accumulator = || decl.name.clone();
        let found = match decl.overflow {
            _ if !decl.guarantee.is_durable() => continue,
            _ if !has_journal => Unfit::NoJournal { accumulator: accumulator() },
            _ if shared.iter().any(|share| share.decl.name == decl.name) => {
                Unfit::Shared { accumulator: accumulator() }
            }
            Overflow::Block => continue,
            overflow => Unfit::Overflow { accumulator: accumulator(), overflow },
        };
        if !unfit.contains(&found) {
            unfit.push(found);
        }
    }
    unfit
}
