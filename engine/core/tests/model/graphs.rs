//! Random graphs from `GraphBuilder` against a naive recursive evaluator.

use super::harness::{cases, quiet_panic, source_name};
use acequia_core::cell::{FiringIds, GraphRun, RunContext};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::fault::{Failure, FaultBudget};
use acequia_core::graph::builder::Args;
use acequia_core::graph::{
    ABSENT, GraphBuildError, GraphBuilder, GraphDecl, GraphPart, InputDecl, NodeRef, Presence, TerminalDecl,
    Topology, View,
};
use acequia_core::wire::{GraphRunner, RemoteGraph};
use acequia_core::{Encoded, FiringId, Payload, PayloadType, Timestamp, WireType};
use proptest::prelude::*;
use std::sync::Arc;
use std::task::Waker;

pub(super) const SOURCES: usize = 3;

/// One input of a node; positions are taken modulo what is there.
#[derive(Debug, Clone, Copy)]
struct Input {
    node: bool,
    index: usize,
    optional: bool,
}

#[derive(Debug, Clone)]
enum Node {
    /// Mixes its inputs; fails where the result is divisible by `fails`.
    Mix { inputs: Vec<Input>, fails: Option<u64>, panics: bool },
    /// Open where the value of the node at `of` leaves the remainder `rest` by two.
    Branch { of: usize, rest: u64 },
}

#[derive(Debug, Clone)]
pub(super) struct Plan {
    nodes: Vec<Node>,
    terminals: Vec<bool>,
}

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let input = (any::<bool>(), 0..12_usize, any::<bool>()).prop_map(|(node, index, optional)| Input {
        node,
        index,
        optional,
    });
    let inputs = proptest::collection::vec(input, 1..=3);
    let node = prop_oneof![
        4 => (inputs, proptest::option::weighted(0.2, 2..6_u64), any::<bool>())
            .prop_map(|(inputs, fails, panics)| Node::Mix { inputs, fails, panics }),
        2 => (0..12_usize, 0..2_u64).prop_map(|(of, rest)| Node::Branch { of, rest }),
    ];
    (proptest::collection::vec(node, 1..9), proptest::collection::vec(any::<bool>(), 9)).prop_map(
        |(mut nodes, terminals)| {
            if matches!(nodes[0], Node::Branch { .. }) {
                let first = Input { node: false, index: 0, optional: true };
                nodes[0] = Node::Mix { inputs: vec![first], fails: None, panics: false };
            }
            Plan { nodes, terminals }
        },
    )
}

/// Where an input leads: a source, or an earlier node.
fn resolve(input: Input, at: usize) -> (bool, usize) {
    if input.node && at > 0 { (true, input.index % at) } else { (false, input.index % SOURCES) }
}

fn mix(values: &[Option<u64>]) -> u64 {
    values.iter().fold(7, |sum, value| (sum * 31 + value.map_or(1, |value| value + 2)) % 1_000_003)
}

fn outcome(value: u64, fails: Option<u64>, panics: bool) -> Result<u64, Failure> {
    match fails {
        Some(by) if value.is_multiple_of(by) && panics => quiet_panic("panic"),
        Some(by) if value.is_multiple_of(by) => Err(Failure::error("error")),
        _ => Ok(value),
    }
}

/// The values that a node was given.
trait Values {
    fn list(&self) -> Vec<Option<u64>>;
}

trait Value {
    fn get(&self) -> Option<u64>;
}

impl Value for &u64 {
    fn get(&self) -> Option<u64> {
        Some(**self)
    }
}

impl Value for Option<&u64> {
    fn get(&self) -> Option<u64> {
        self.copied()
    }
}

impl<A: Value> Values for (A,) {
    fn list(&self) -> Vec<Option<u64>> {
        vec![self.0.get()]
    }
}

impl<A: Value, B: Value> Values for (A, B) {
    fn list(&self) -> Vec<Option<u64>> {
        vec![self.0.get(), self.1.get()]
    }
}

impl<A: Value, B: Value, C: Value> Values for (A, B, C) {
    fn list(&self) -> Vec<Option<u64>> {
        vec![self.0.get(), self.1.get(), self.2.get()]
    }
}

fn add<A>(graph: &mut GraphBuilder, at: usize, args: A, fails: Option<u64>, panics: bool) -> NodeRef<u64>
where
    A: Args,
    for<'a> A::Values<'a>: Values,
{
    graph.try_node(&format!("n{at}"), args, move |values: A::Values<'_>| {
        outcome(mix(&values.list()), fails, panics)
    })
}

/// Every kind of argument: a source or a node, required or optional.
macro_rules! with_arg {
    ($graph:ident, $nodes:ident, $input:expr, $at:expr, $value:ident => $body:expr) => {{
        let input: Input = $input;
        let (is_node, index) = resolve(input, $at);
        if is_node {
            let $value = $nodes[index];
            if input.optional {
                let $value = $value.optional();
                $body
            } else {
                $body
            }
        } else {
            let $value = $graph.source::<u64>(&source_name(index));
            if input.optional {
                let $value = $value.optional();
                $body
            } else {
                $body
            }
        }
    }};
}

fn node(graph: &mut GraphBuilder, plan: &Plan, nodes: &[NodeRef<u64>], at: usize) -> NodeRef<u64> {
    let (inputs, fails, panics) = match &plan.nodes[at] {
        Node::Branch { of, rest } => {
            let rest = *rest;
            let select = move |value: &u64| (value % 2 == rest).then_some(value / 2);
            return graph.branch(nodes[of % at], &format!("b{at}"), select);
        }
        Node::Mix { inputs, fails, panics } => (inputs, *fails, *panics),
    };
    match inputs[..] {
        [a] => with_arg!(graph, nodes, a, at, a => add(graph, at, (a,), fails, panics)),
        [a, b] => with_arg!(graph, nodes, a, at, a => with_arg!(graph, nodes, b, at, b => {
            add(graph, at, (a, b), fails, panics)
        })),
        [a, b, c] => with_arg!(graph, nodes, a, at, a => with_arg!(graph, nodes, b, at, b => {
            with_arg!(graph, nodes, c, at, c => add(graph, at, (a, b, c), fails, panics))
        })),
        _ => unreachable!("one to three inputs"),
    }
}

pub(super) fn build(plan: &Plan) -> Result<GraphDecl, GraphBuildError> {
    let mut graph = GraphBuilder::new("g");
    let mut nodes = Vec::new();
    for at in 0..plan.nodes.len() {
        let node = node(&mut graph, plan, &nodes, at);
        nodes.push(node);
    }
    for (node, _) in nodes.iter().zip(&plan.terminals).filter(|(_, terminal)| **terminal) {
        graph.terminal(*node);
    }
    graph.build()
}

/// What a node yields in one firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yield {
    Value(u64),
    Skipped,
    Error,
    Panic,
}

impl Yield {
    fn value(self) -> Option<u64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// The node at `at`, evaluated from the sources up, each time anew.
fn evaluate(plan: &Plan, row: &[Option<u64>], at: usize) -> Yield {
    let (inputs, fails, panics) = match &plan.nodes[at] {
        Node::Branch { of, rest } => {
            let decided = evaluate(plan, row, of % at).value();
            let open = decided.filter(|value| value % 2 == *rest);
            return open.map_or(Yield::Skipped, |value| Yield::Value(value / 2));
        }
        Node::Mix { inputs, fails, panics } => (inputs, fails, panics),
    };
    let values: Vec<(bool, bool, Option<u64>)> = inputs
        .iter()
        .map(|input| match resolve(*input, at) {
            (true, index) => (true, input.optional, evaluate(plan, row, index).value()),
            (false, index) => (false, input.optional, row[index]),
        })
        .collect();
    let upstreams: Vec<_> = values.iter().filter(|(is_node, _, _)| *is_node).collect();
    if !upstreams.is_empty() && upstreams.iter().all(|(_, _, value)| value.is_none()) {
        return Yield::Skipped;
    }
    if let Some((is_node, _, _)) = values.iter().find(|(_, optional, value)| !optional && value.is_none()) {
        return if *is_node { Yield::Skipped } else { Yield::Error };
    }
    let values: Vec<Option<u64>> = values.iter().map(|(_, _, value)| *value).collect();
    let value = mix(&values);
    match *fails {
        Some(by) if value.is_multiple_of(by) => {
            if *panics {
                Yield::Panic
            } else {
                Yield::Error
            }
        }
        _ => Yield::Value(value),
    }
}

/// Terminal values by name, and the node that failed first.
pub(super) type Fired = (Vec<(String, u64)>, Option<usize>);

pub(super) fn fire(plan: &Plan, row: &[Option<u64>]) -> Fired {
    let yields: Vec<Yield> = (0..plan.nodes.len()).map(|at| evaluate(plan, row, at)).collect();
    if yields.contains(&Yield::Panic) {
        return (Vec::new(), Some(usize::MAX));
    }
    let name = |at: usize| match plan.nodes[at] {
        Node::Branch { .. } => format!("b{at}"),
        Node::Mix { .. } => format!("n{at}"),
    };
    let outputs = (0..yields.len())
        .filter(|at| plan.terminals[*at])
        .filter_map(|at| yields[at].value().map(|value| (name(at), value)))
        .collect();
    (outputs, yields.iter().position(|end| *end == Yield::Error))
}

/// Rows over one column a source, each value in it once.
pub(super) fn columns(rows: &[Vec<Option<u64>>]) -> (Vec<Box<dyn AnyColumn>>, Vec<u32>) {
    let mut columns = vec![Column::<u64>::default(); SOURCES];
    let mut indices = Vec::new();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            indices.push(value.map_or(ABSENT, |_| u32::try_from(column.as_slice().len()).unwrap()));
            value.iter().for_each(|value| column.push(*value));
        }
    }
    (columns.into_iter().map(|column| Box::new(column) as Box<dyn AnyColumn>).collect(), indices)
}

/// Outputs by terminal, and the firings that failed with what they said.
type Ran = (Vec<(String, Vec<u64>)>, Vec<(u64, String)>);

fn run(decl: &GraphDecl, rows: &[Vec<Option<u64>>], attempts: u32, encoded: &[bool]) -> Ran {
    let (mut columns, indices) = columns(rows);
    for (column, encoded) in columns.iter_mut().zip(encoded) {
        if *encoded {
            *column = encode_column(&**column);
        }
    }
    let map: Vec<usize> =
        decl.inputs.iter().map(|input| input.accumulator.as_str()[1..].parse().unwrap()).collect();
    let view = View::new(&columns, &map, &indices, FiringId(0));
    let mut run = GraphRun::keeping(decl.clone().budget(FaultBudget::unlimited(attempts)));
    let (mut letters, mut failures) = (Vec::new(), Vec::new());
    let mut cx = RunContext {
        now: Timestamp::ZERO,
        waker: Waker::noop(),
        letters: &mut letters,
        failures: &mut failures,
    };
    let end = run.run(&view, FiringIds::From(0), 0, &mut cx);
    assert!(end.pending.is_none() && end.quarantined.is_none());
    assert_eq!(failures.len(), letters.len() * usize::try_from(attempts).unwrap());
    let entry = run.entry();
    assert_eq!(entry.settled() + entry.dropped(), rows.len() as u64, "each firing ended once");
    let failed =
        letters.iter().map(|letter| (letter.item.0, letter.failure.as_ref().unwrap().to_string())).collect();
    let outputs = run
        .into_outputs()
        .into_iter()
        .map(|(name, mut output)| {
            let mut values = Vec::new();
            let mut bytes = Vec::new();
            while let Some(popped) = output.pop_encoded(&mut bytes) {
                popped.unwrap();
                values.push(u64::decode(&bytes).unwrap());
                bytes.clear();
            }
            (name.to_string(), values)
        })
        .collect();
    (outputs, failed)
}

/// The same graph behind bytes.
pub(super) fn remote(decl: &GraphDecl) -> GraphDecl {
    let wire = WireType::of::<u64>().unwrap();
    let inputs = decl.inputs.iter();
    let inputs = inputs.map(|input| InputDecl::encoded(input.accumulator.clone(), input.presence, wire));
    let terminals = decl.terminals.iter().map(|terminal| TerminalDecl::encoded(terminal.name.clone(), wire));
    let inner = decl.clone();
    let make = move || -> Box<dyn GraphPart> {
        Box::new(RemoteGraph::new(Box::new(GraphRunner::new(inner.clone()))))
    };
    GraphDecl::new("remote", None, inputs.collect(), terminals.collect(), Topology::default(), Arc::new(make))
}

fn encode_column(column: &dyn AnyColumn) -> Box<dyn AnyColumn> {
    let mut encoded: Box<dyn AnyColumn> =
        Box::new(Column::<Encoded>::of_type(PayloadType::encoded(WireType::of::<u64>().unwrap())));
    for index in 0..column.len() {
        encoded.push_converted(column, index).unwrap();
    }
    encoded
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_graph_behind_bytes_yields_what_it_yields_in_place(
        plan in plans(), attempts in 1..4_u32,
        rows in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0..50_u64), SOURCES), 1..8),
        encoded in proptest::collection::vec(any::<bool>(), SOURCES),
    ) {
        let Ok(decl) = build(&plan) else { return Ok(()) };
        let in_place = run(&decl, &rows, attempts, &[false; SOURCES]);
        prop_assert_eq!(&in_place, &run(&decl, &rows, attempts, &encoded), "typed over bytes");
        let remote = remote(&decl);
        prop_assert_eq!(&in_place, &run(&remote, &rows, attempts, &encoded), "bytes over both");
    }

    #[test]
    fn a_built_graph_yields_what_the_evaluator_yields(
        plan in plans(), attempts in 1..4_u32,
        rows in proptest::collection::vec(proptest::collection::vec(proptest::option::weighted(0.8, 0..50_u64), SOURCES), 1..8),
    ) {
        let built = build(&plan);
        if !plan.terminals.iter().take(plan.nodes.len()).any(|terminal| *terminal) {
            let refused = matches!(built, Err(GraphBuildError::NoTerminal { .. }));
            prop_assert!(refused);
            return Ok(());
        }
        let decl = built.unwrap();
        let required = |source: usize| plan.nodes.iter().enumerate().any(|(at, node)| match node {
            Node::Mix { inputs, .. } => {
                inputs.iter().any(|input| !input.optional && resolve(*input, at) == (false, source))
            }
            Node::Branch { .. } => false,
        });
        for input in decl.inputs.iter() {
            let source: usize = input.accumulator.as_str()[1..].parse().unwrap();
            let presence = if required(source) { Presence::Required } else { Presence::Optional };
            prop_assert_eq!(input.presence, presence);
        }
        let (outputs, failed) = run(&decl, &rows, attempts, &[false; SOURCES]);
        let fired: Vec<Fired> = rows.iter().map(|row| fire(&plan, row)).collect();
        for (name, values) in outputs {
            let of = |fired: &Fired| fired.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            prop_assert_eq!(values, fired.iter().filter_map(of).collect::<Vec<_>>(), "terminal {}", name);
        }
        let wanted: Vec<_> = fired.iter().enumerate().filter_map(|(id, (_, failed))| failed.map(|at| (id as u64, at))).collect();
        prop_assert_eq!(failed.len(), wanted.len());
        for ((id, said), (wanted, at)) in failed.iter().zip(wanted) {
            prop_assert_eq!(*id, wanted);
            let place = if at == usize::MAX { "panicked: panic".to_owned() } else { format!("n{at}: ") };
            prop_assert!(said.starts_with(&place), "{} does not start with {}", said, place);
        }
    }
}
