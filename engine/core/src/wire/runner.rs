//! A real graph behind bytes: the library's half of a graph.

use super::{AnyGraph, GraphEnd, GraphOutputs, GraphTurn, InputWindow, PendingGraph, Shadows, Values};
use crate::fault::{Failure, guarded, guarded_future};
use crate::graph::origins;
use crate::graph::{AnyOutput, Commit, GraphDecl, GraphPart, Outcomes, PendingFiring, TurnEnd};
use crate::id::FiringId;

/// Decodes each input value once, runs the part, and encodes its outputs.
pub struct GraphRunner {
    part: Box<dyn GraphPart>,
    decl: GraphDecl,
    shadows: Shadows,
    outcomes: Outcomes,
}

impl GraphRunner {
    /// A fresh part of `decl`, behind bytes.
    pub fn new(decl: GraphDecl) -> Self {
        Self { part: decl.part(), shadows: Shadows::new(&decl.inputs), outcomes: decl.outcomes(), decl }
    }

    /// How the firings up to the next undecodable one ended, and which was in hand.
    fn run(&mut self, from: usize) -> GraphTurn {
        let view = self.shadows.view();
        let bad = self.shadows.next_bad(from);
        let n = bad.map_or(view.len(), |(firing, _)| firing);
        let view = view.prefix(n);
        if from < n {
            self.outcomes.begin(from);
            let (part, outcomes) = (&mut self.part, &mut self.outcomes);
            let turned = guarded(|| Ok(origins::turn(&mut **part, &view, from, outcomes)));
            let at = self.outcomes.at().clamp(from, n - 1);
            let (_, outputs, origins) = self.outcomes.open();
            if let Some(origins) = origins {
                // A part that panics may have put something there for the firing in hand.
                origins.fit(at, std::iter::repeat(0), outputs);
            }
            let end = match turned {
                Ok(TurnEnd::Done) => None,
                Ok(TurnEnd::Failed { failure, rest }) => {
                    Some(GraphEnd::Failed { failure, rest: committed(&self.decl, rest) })
                }
                Ok(TurnEnd::Pending(rest)) => Some(GraphEnd::Pending(encoded(self.decl.clone(), rest))),
                Err(failure) => Some(GraphEnd::Failed { failure, rest: Vec::new() }),
            };
            if let Some(end) = end {
                return GraphTurn { at, end };
            }
        }
        match bad {
            Some((at, failure)) => {
                GraphTurn { at, end: GraphEnd::Failed { failure: failure.clone(), rest: Vec::new() } }
            }
            None => GraphTurn { at: n, end: GraphEnd::Done },
        }
    }
}

/// Move all values of `output` to `out`. A value that its own serialisation refuses goes as no bytes at
/// all, which no reader takes: it ends as a dead letter where it was to be read.
fn drain(output: &mut dyn AnyOutput, out: &mut Values) {
    while !output.is_empty() {
        if guarded(|| output.drain_encoded(out).map_err(Failure::error)).is_err() {
            out.push_void();
        }
    }
}

fn drain_all(outcomes: &mut Outcomes) -> Vec<Values> {
    let drained = outcomes.outputs().iter_mut().map(|output| {
        let mut values = Values::default();
        drain(&mut **output, &mut values);
        values
    });
    drained.collect()
}

fn committed(decl: &GraphDecl, rest: Option<Commit>) -> Vec<Values> {
    let Some(commit) = rest else { return Vec::new() };
    let mut outcomes = decl.outcomes();
    commit(&mut outcomes);
    drain_all(&mut outcomes)
}

fn encoded(decl: GraphDecl, rest: PendingFiring) -> PendingGraph {
    Box::pin(async move {
        match guarded_future(async move { Ok(rest.await) }).await {
            Ok((commit, failure)) => (committed(&decl, Some(commit)), failure),
            Err(failure) => (Vec::new(), Some(failure)),
        }
    })
}

impl AnyGraph for GraphRunner {
    fn turn(
        &mut self,
        inputs: &[InputWindow<'_>],
        rows: &[u32],
        first: FiringId,
        from: usize,
        out: &mut GraphOutputs,
    ) -> GraphTurn {
        for (input, window) in inputs.iter().enumerate().take(self.decl.inputs.len()) {
            self.shadows.follow_encoded(input, window);
        }
        self.shadows.take_rows(rows.iter().copied(), first);
        for (output, wanted) in self.outcomes.outputs().iter_mut().zip(&out.wanted) {
            output.want(*wanted);
        }
        self.outcomes.put_origins(out.origins.take());
        let turn = self.run(from);
        out.origins = self.outcomes.take_origins();
        for (output, values) in self.outcomes.outputs().iter_mut().zip(&mut out.values) {
            drain(&mut **output, values);
        }
        turn
    }

    fn tells_origins(&self) -> bool {
        true
    }
}
