//! A shared accumulator as it is remembered: what it offers, and the reactors that have a share in it.

use super::actual::{Actual, Owned};
use super::contract::Offer;
use super::problem::Problem;
use crate::id::{AccumulatorName, ReactorName};
use crate::package::{Package, Share};
use std::collections::BTreeMap;

/// A shared accumulator as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRecord {
    /// What it takes and gives.
    pub offer: Offer,
    /// The reactors that share it.
    pub reactors: Vec<ReactorName>,
}

/// Shared accumulators, by the names of their cells.
pub type Shares = BTreeMap<ReactorName, Owned<ShareRecord>>;

impl ShareRecord {
    /// What is remembered of `share`.
    pub fn of(share: &Share) -> Self {
        let decl = &share.decl;
        let offer = Offer {
            accumulator: decl.name.clone(),
            event: decl.event,
            boundary: decl.boundary,
            guaranteed: false,
            delivery: decl.guarantee,
        };
        Self { offer, reactors: share.reactors.clone() }
    }
}

impl Actual {
    /// What the accumulator takes, and the cell that has it.
    pub fn offer(&self, accumulator: &AccumulatorName) -> Option<(ReactorName, Offer)> {
        let cell = self.accumulators.get(accumulator)?.value.clone();
        let reactor = self.reactors.get(&cell).and_then(|owned| owned.value.offer(accumulator));
        let shared = self.shares.get(&cell).map(|owned| &owned.value.offer);
        reactor.or(shared).cloned().map(|offer| (cell, offer))
    }
}

/// Reactors of one package that name the same accumulator mean the same one.
pub(super) fn check_shares(package: &Package, problems: &mut Vec<Problem>) {
    let shares = package.shares();
    let shared: BTreeMap<_, _> = shares.iter().map(|share| (&share.decl.name, share)).collect();
    for reactor in package.reactors() {
        for other in &reactor.accumulators {
            let Some(share) = shared.get(&other.name) else { continue };
            let what = share.decl.differences(other);
            if !what.is_empty() {
                problems.push(Problem::SharedApart {
                    package: package.name().clone(),
                    accumulator: other.name.clone(),
                    reactors: Box::new((share.reactors[0].clone(), reactor.name.clone())),
                    what,
                });
            }
        }
    }
}
