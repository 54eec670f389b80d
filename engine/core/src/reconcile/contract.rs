//! The contract of a reactor: what its subscribers can rely on.

use crate::cell::BindError;
use crate::durable::Guarantee;
use crate::graph::{GraphDecl, Presence};
use crate::id::{AccumulatorName, GraphName, ReactorName};
use crate::payload::PayloadType;
use crate::reactor::{Criteria, CriteriaDecl, ReactorDecl, Strategy};

/// One accumulator of a reactor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub accumulator: AccumulatorName,
    /// What it takes.
    pub event: PayloadType,
    /// What it gives.
    pub boundary: PayloadType,
    /// Whether the criteria guarantee a value at every firing.
    pub guaranteed: bool,
    /// How far its events are guarded against a crash.
    pub delivery: Guarantee,
}

/// What a reactor offers, in the order of its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its accumulators.
    pub offers: Vec<Offer>,
    /// When it fires.
    pub criteria: CriteriaDecl,
    /// How boundaries become firings.
    pub strategy: Strategy,
}

/// One source that a graph reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The accumulator.
    pub accumulator: AccumulatorName,
    /// The type that its nodes expect.
    pub payload: PayloadType,
    /// Whether they can do without a value.
    pub presence: Presence,
}

impl Contract {
    /// The contract of `decl`.
    pub fn of(decl: &ReactorDecl) -> Self {
        let guaranteed = decl.resolve().map(Criteria::guarantees).unwrap_or_default();
        let offers = decl.accumulators.iter().enumerate();
        Self {
            criteria: decl.criteria.clone(),
            strategy: decl.strategy,
            offers: offers
                .map(|(source, accumulator)| Offer {
                    accumulator: accumulator.name.clone(),
                    event: accumulator.event,
                    boundary: accumulator.boundary,
                    guaranteed: guaranteed.contains(source),
                    delivery: accumulator.guarantee,
                })
                .collect(),
        }
    }

    /// Whether `other` is the same, however far the events of its accumulators are guarded.
    pub fn is_alike(&self, other: &Self) -> bool {
        let apart = |contract: &Self| {
            let mut apart = contract.clone();
            apart.offers.iter_mut().for_each(|offer| offer.delivery = Guarantee::Fast);
            apart
        };
        apart(self) == apart(other)
    }

    /// One accumulator of it.
    pub fn offer(&self, accumulator: &AccumulatorName) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.accumulator == *accumulator)
    }

    /// Everything that keeps a graph with these `reads` from `reactor`, whose contract this is.
    pub fn problems(&self, reactor: &ReactorName, graph: &GraphName, reads: &[Read]) -> Vec<BindError> {
        let mut problems = Vec::new();
        let missing = reads.iter().filter(|read| self.offer(&read.accumulator).is_none());
        let missing: Vec<_> = missing.map(|read| read.accumulator.clone()).collect();
        if !missing.is_empty() {
            let offered = self.offers.iter().map(|offer| offer.accumulator.clone()).collect();
            let (graph, reactor) = (graph.clone(), reactor.clone());
            problems.push(BindError::MissingAccumulators { graph, reactor, missing, offered });
        }
        for read in reads {
            let Some(offer) = self.offer(&read.accumulator) else { continue };
            let (graph, reactor, accumulator) = (graph.clone(), reactor.clone(), read.accumulator.clone());
            if !offer.boundary.fits(read.payload) {
                let (wanted, offered) = (read.payload.name(), offer.boundary.name());
                problems.push(BindError::TypeMismatch { graph, reactor, accumulator, wanted, offered });
            } else if read.presence == Presence::Required && !offer.guaranteed {
                problems.push(BindError::NotGuaranteed { graph, reactor, accumulator });
            }
        }
        problems
    }
}

impl Read {
    /// What `graph` reads.
    pub fn all_of(graph: &GraphDecl) -> Vec<Self> {
        let inputs = graph.inputs.iter();
        inputs
            .map(|input| Self {
                accumulator: input.accumulator.clone(),
                payload: input.payload,
                presence: input.presence,
            })
            .collect()
    }
}
