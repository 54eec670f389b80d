//! Declarations whose parts work on bytes, as those of a library do, without the library.

use acequia::core::WireType;
use acequia::core::accumulator::Tuning;
use acequia::core::payload::PayloadType;
use acequia::core::wire::{GraphRunner, RemoteGraph, RemotePart};
use acequia::{AccumulatorDecl, GraphDecl, GraphPart, InputDecl, TerminalDecl};
use std::sync::Arc;

fn wire(ty: PayloadType) -> &'static WireType {
    match ty.to_wire() {
        Some(wire) => wire,
        None => unreachable!("a declaration names its types"),
    }
}

/// The same accumulator with its part behind bytes.
pub fn accumulator_behind_bytes(decl: AccumulatorDecl) -> AccumulatorDecl {
    let (event, boundary) = (wire(decl.event), wire(decl.boundary));
    let (name, kind, budget, capacity) = (decl.name.clone(), decl.kind, decl.budget, decl.capacity);
    let make = move |tuning: &Tuning| {
        let tuned = decl.clone().tune(*tuning);
        RemotePart::new(tuned.unwrap_or_else(|_| unreachable!("it was checked")).part(), event, boundary)
    };
    AccumulatorDecl::encoded(name, kind, event, boundary, make).budget(budget).capacity(capacity)
}

/// The same graph with its part behind bytes.
pub fn graph_behind_bytes(decl: GraphDecl) -> GraphDecl {
    let inputs = decl.inputs.iter();
    let inputs = inputs
        .map(|input| InputDecl::encoded(input.accumulator.clone(), input.presence, wire(input.payload)))
        .collect();
    let terminals = decl.terminals.iter();
    let terminals = terminals
        .map(|terminal| TerminalDecl::encoded(terminal.name.clone(), wire(terminal.payload)))
        .collect();
    let (name, reactor, topology) = (decl.name.clone(), decl.reactor.clone(), (*decl.topology).clone());
    let (placement, budget) = (decl.placement, decl.budget);
    let make = move || -> Box<dyn GraphPart> {
        Box::new(RemoteGraph::new(Box::new(GraphRunner::new(decl.clone()))))
    };
    GraphDecl::new(name, reactor, inputs, terminals, topology, Arc::new(make))
        .placement(placement)
        .budget(budget)
}
