//! Invoking a trigger-less graph.

use super::Engine;
use acequia_core::cell::{Batch, FiringIds, GraphRun, RunContext};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::fault::{Failure, FaultBudget, guarded_future};
use acequia_core::graph::{AnyOutput, GraphDecl, GraphPlacement, Output, Presence, View};
use acequia_core::id::{AccumulatorName, FiringId, GraphName, TerminalName};
use acequia_core::payload::{Payload, PayloadError, PayloadType};
use std::task::Waker;

/// Inputs of one invocation, by name.
#[derive(Default)]
pub struct Invocation {
    inputs: Vec<(AccumulatorName, Given)>,
}

enum Given {
    Value(Box<dyn AnyColumn>),
    Json(Vec<u8>),
}

impl Invocation {
    /// No inputs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Give one input.
    #[must_use]
    pub fn with<T: Payload>(mut self, name: impl Into<AccumulatorName>, value: T) -> Self {
        self.inputs.push((name.into(), Given::Value(Box::new(Column::of(value)))));
        self
    }

    /// Give one input as JSON.
    #[must_use]
    pub fn with_json(mut self, name: impl Into<AccumulatorName>, value: &serde_json::Value) -> Self {
        self.inputs.push((name.into(), Given::Json(value.to_string().into_bytes())));
        self
    }
}

/// What a graph yielded, by terminal.
pub struct Terminals {
    outputs: Vec<(TerminalName, Box<dyn AnyOutput>)>,
}

impl Terminals {
    /// Take the output of a terminal; `None` if it was not reached, or has another type.
    pub fn take<T: Payload>(&mut self, terminal: &str) -> Option<T> {
        let (_, output) = self.outputs.iter_mut().find(|(name, _)| name.as_str() == terminal)?;
        if let Some(typed) = (**output).as_any_mut().downcast_mut::<Output<T>>() {
            return typed.values.pop_front();
        }
        if !output.payload_type().fits(PayloadType::of::<T>()) {
            return None;
        }
        let mut bytes = Vec::new();
        output.pop_encoded(&mut bytes)?.ok()?;
        T::decode(&bytes).ok()
    }

    /// All outputs as one JSON object, under the terminals' names.
    pub fn to_json(&self) -> serde_json::Value {
        let reached = self.outputs.iter().filter_map(|(name, output)| {
            output.json(0).map(|value| (name.to_string(), value.unwrap_or_default()))
        });
        serde_json::Value::Object(reached.collect())
    }
}

/// An invocation that yielded nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// There is no such graph.
    #[error("E0440: graph {graph} is not deployed; deploy it first or correct the name")]
    Unknown {
        /// The name.
        graph: GraphName,
    },
    /// It is bound to a reactor, which invokes it.
    #[error(
        "E0441: graph {graph} is bound to a reactor; use the reactor's `fire`, or declare it without a trigger"
    )]
    Bound {
        /// The graph.
        graph: GraphName,
    },
    /// An input that it needs was not given.
    #[error("E0442: graph {graph} needs the input {input}; give it with `with`")]
    Missing {
        /// The graph.
        graph: GraphName,
        /// The input.
        input: AccumulatorName,
    },
    /// An input has another type.
    #[error("E0443: graph {graph} takes {input} as {wanted}; give it as that type")]
    OtherType {
        /// The graph.
        graph: GraphName,
        /// The input.
        input: AccumulatorName,
        /// Its type.
        wanted: &'static str,
    },
    /// An input's JSON is not of its type.
    #[error("E0444: graph {graph} cannot read its input {input}")]
    Undecodable {
        /// The graph.
        graph: GraphName,
        /// The input.
        input: AccumulatorName,
        /// What is wrong.
        source: PayloadError,
    },
    /// A node failed.
    #[error("E0445: graph {graph} failed")]
    Failed {
        /// The graph.
        graph: GraphName,
        /// How.
        source: Failure,
    },
}

impl Engine {
    /// Invoke a trigger-less graph once, on the work runtime.
    ///
    /// # Errors
    /// [`InvokeError`], naming what is wrong.
    pub async fn invoke(&self, graph: &str, invocation: Invocation) -> Result<Terminals, InvokeError> {
        let Some(decl) = self.inner.directory.graphs.get(graph).map(|entry| entry.decl.clone()) else {
            return Err(InvokeError::Unknown { graph: graph.into() });
        };
        if decl.reactor.is_some() {
            return Err(InvokeError::Bound { graph: graph.into() });
        }
        let columns = columns(&decl, invocation)?;
        let deadline = decl.deadline;
        let failed = |source| InvokeError::Failed { graph: graph.into(), source };
        let env = std::sync::Arc::clone(&self.inner.env);
        let blocking = decl.placement == GraphPlacement::Blocking;
        let first = move || run_once(&env, decl, &columns);
        let begun = if blocking {
            self.inner.env.spawn_blocking(first).await.unwrap_or_else(|error| Err(Failure::error(error)))
        } else {
            self.inner
                .env
                .spawn(async move { first() })
                .await
                .unwrap_or_else(|error| Err(Failure::error(error)))
        };
        let (mut run, pending) = begun.map_err(failed)?;
        if let Some(rest) = pending {
            let awaited = guarded_future(async { Ok(rest.await) });
            let (commit, failure) = match deadline {
                None => awaited.await,
                Some(limit) => tokio::time::timeout(limit, awaited)
                    .await
                    .unwrap_or_else(|_| Err(Failure::timed_out(limit))),
            }
            .map_err(failed)?;
            if let Some(failure) = failure {
                return Err(failed(failure));
            }
            run.commit(commit);
        }
        Ok(Terminals { outputs: run.into_outputs() })
    }
}

/// One column an input, in the graph's order.
fn columns(decl: &GraphDecl, invocation: Invocation) -> Result<Vec<Box<dyn AnyColumn>>, InvokeError> {
    let mut given: Vec<_> = invocation.inputs;
    let mut columns = Vec::with_capacity(decl.inputs.len());
    for input in decl.inputs.iter() {
        let name = || input.accumulator.clone();
        let position = given.iter().position(|(known, _)| *known == input.accumulator);
        let column = match position.map(|at| given.swap_remove(at).1) {
            None if input.presence == Presence::Required => {
                return Err(InvokeError::Missing { graph: decl.name.clone(), input: name() });
            }
            None => input.column(),
            Some(Given::Value(column)) if column.payload_type().fits(input.payload) => column,
            Some(Given::Value(_)) => {
                let wanted = input.payload.name();
                return Err(InvokeError::OtherType { graph: decl.name.clone(), input: name(), wanted });
            }
            Some(Given::Json(bytes)) => {
                let mut column = input.column();
                column.push_json(&bytes).map_err(|source| InvokeError::Undecodable {
                    graph: decl.name.clone(),
                    input: name(),
                    source,
                })?;
                column
            }
        };
        columns.push(column);
    }
    Ok(columns)
}

type Begun = Result<(GraphRun, Option<acequia_core::graph::PendingFiring>), Failure>;

/// Run a fresh part once over single-value columns.
fn run_once(env: &crate::env::Env, decl: GraphDecl, columns: &[Box<dyn AnyColumn>]) -> Begun {
    // One attempt: whoever invokes decides about another.
    let mut run = GraphRun::keeping(decl.budget(FaultBudget::unlimited(1)));
    let batch = Batch::single(FiringId(0), columns);
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
    let (mut letters, mut failures) = (Vec::new(), Vec::new());
    let mut cx =
        RunContext { now: env.now(), waker: Waker::noop(), letters: &mut letters, failures: &mut failures };
    let end = run.run(&view, FiringIds::From(0), 0, &mut cx);
    match failures.pop() {
        Some(failure) => Err(failure),
        None => Ok((run, end.pending.map(|(_, rest)| rest))),
    }
}
