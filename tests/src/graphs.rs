//! Graphs that show what they were given.

use acequia::{GraphBuilder, GraphDecl, Payload};

/// Graph `name`, not bound yet: its only node, `out`, yields what `source` has.
pub fn echo<B: Payload>(name: &str, source: &str) -> GraphDecl {
    let mut graph = GraphBuilder::new(name);
    let boundary = graph.source::<B>(source);
    let out = graph.node("out", (boundary,), |(boundary,)| boundary.clone());
    graph.terminal(out);
    built(graph)
}

/// Graph `name`, not bound yet, over the sources `a`, `b` and `c` of numbers: its only node, `out`,
/// yields a text like `1 - 3`, with a dash for a source that is absent.
pub fn abc(name: &str) -> GraphDecl {
    let mut graph = GraphBuilder::new(name);
    let [a, b, c] = ["a", "b", "c"].map(|source| graph.source::<u64>(source));
    let out = graph.node("out", (a.optional(), b.optional(), c.optional()), |(a, b, c)| {
        [a, b, c].map(|value| value.map_or("-".to_owned(), u64::to_string)).join(" ")
    });
    graph.terminal(out);
    built(graph)
}

fn built(graph: GraphBuilder) -> GraphDecl {
    match graph.build() {
        Ok(graph) => graph,
        Err(error) => unreachable!("a fixture is well formed: {error}"),
    }
}
