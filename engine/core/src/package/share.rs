//! Sharing: an accumulator that several reactors of a package name has a cell of its own, which sends
//! every boundary on to each of them.
//!
//! What is declared stays as the author wrote it. [`Package::cells`] is what runs: the reactors, each with
//! a share in place of what it shares, and one cell for each shared accumulator.

use super::Package;
use crate::accumulator::AccumulatorDecl;
use crate::id::{AccumulatorName, ReactorName};
use crate::reactor::{ReactorDecl, Strategy, when_any};
use std::collections::HashMap;
use std::time::Duration;

/// An accumulator that several reactors of one package name.
#[derive(Debug, Clone)]
pub struct Share {
    /// Its declaration, as the first of them has it.
    pub decl: AccumulatorDecl,
    /// The reactors, in declared order.
    pub reactors: Vec<ReactorName>,
}

impl Share {
    /// The name of its cell, in ledgers and wherever a reactor is named.
    pub fn cell_name(accumulator: &AccumulatorName) -> ReactorName {
        format!("shared {accumulator}").into()
    }

    /// The declaration of its cell.
    pub fn cell(&self) -> ReactorDecl {
        let name = self.decl.name.clone();
        let cell = ReactorDecl::new(Self::cell_name(&name), vec![self.decl.clone()], when_any([name]));
        // Nothing fires there, so there is nothing to be logged.
        cell.strategy(Strategy::Sequential).log(0, Duration::ZERO)
    }
}

impl Package {
    /// Accumulators that several of its reactors name, in declared order.
    pub fn shares(&self) -> Vec<Share> {
        let mut named: Vec<Share> = Vec::new();
        let mut places: HashMap<&AccumulatorName, usize> = HashMap::new();
        for reactor in &self.reactors {
            for decl in &reactor.accumulators {
                let place = *places.entry(&decl.name).or_insert(named.len());
                match named.get_mut(place) {
                    None => named.push(Share { decl: decl.clone(), reactors: vec![reactor.name.clone()] }),
                    // A reactor that names it twice is refused for that.
                    Some(share) if share.reactors.last() == Some(&reactor.name) => {}
                    Some(share) => share.reactors.push(reactor.name.clone()),
                }
            }
        }
        named.retain(|share| share.reactors.len() > 1);
        named
    }

    /// The declarations of its cells: its reactors, with their shares, then the shared accumulators.
    pub fn cells(&self) -> Vec<ReactorDecl> {
        let shares = self.shares();
        let shared: HashMap<_, _> = shares.iter().map(|share| (&share.decl.name, &share.decl)).collect();
        let mut cells: Vec<ReactorDecl> = self.reactors.clone();
        for cell in &mut cells {
            for decl in &mut cell.accumulators {
                if let Some(shared) = shared.get(&decl.name) {
                    *decl = shared.share(&cell.name);
                }
            }
        }
        cells.extend(shares.iter().map(Share::cell));
        cells
    }
}
