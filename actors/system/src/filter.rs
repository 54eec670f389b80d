//! Filters in the Common Expression Language, over the decoded inputs of a firing.

use acequia_core::fault::Failure;
use acequia_core::graph::GraphDecl;
use acequia_core::reactor::{Filter, FilterInputs, ReactorDecl};
use cel::{Context, Program, Value};
use std::sync::Arc;

/// An expression that cannot be a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CelError {
    /// It does not parse.
    #[error("E0450: the expression `{expression}` does not parse: {reason}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What is wrong.
        reason: String,
    },
    /// It reads something that the reactor does not have.
    #[error(
        "E0451: the expression `{expression}` reads {variable}, which is no accumulator of the reactor; it has {known:?}"
    )]
    UnknownVariable {
        /// The expression.
        expression: String,
        /// The name.
        variable: String,
        /// The accumulators.
        known: Vec<String>,
    },
}

/// Adds expression filters to the declaration of a reactor, or of one subscription.
pub trait CelFilter: Sized {
    /// Fire only where `expression` is true. Its variables are the reactor's accumulators, with the values
    /// of this firing; one that has none yet is `null`. An expression that fails, or yields no boolean,
    /// makes a failed firing: a dead letter with the reason. Compiled once.
    ///
    /// # Errors
    /// [`CelError`] if it does not parse, or reads what the reactor does not have.
    fn filter_cel(self, expression: &str) -> Result<Self, CelError>;
}

impl CelFilter for ReactorDecl {
    fn filter_cel(self, expression: &str) -> Result<Self, CelError> {
        let names = self.source_names().iter().map(ToString::to_string).collect();
        Ok(self.filter(compile(expression, names)?))
    }
}

/// For one subscription: the variables are the graph's own inputs.
impl CelFilter for GraphDecl {
    fn filter_cel(self, expression: &str) -> Result<Self, CelError> {
        let names = self.inputs.iter().map(|input| input.accumulator.to_string()).collect();
        Ok(self.filter(compile(expression, names)?))
    }
}

fn compile(expression: &str, names: Vec<String>) -> Result<Filter, CelError> {
    let program = Program::compile(expression)
        .map_err(|error| CelError::Syntax { expression: expression.to_owned(), reason: error.to_string() })?;
    let references = program.references();
    let unknown =
        references.variables().into_iter().find(|variable| !names.iter().any(|name| name == variable));
    if let Some(variable) = unknown {
        let (expression, variable) = (expression.to_owned(), variable.to_owned());
        return Err(CelError::UnknownVariable { expression, variable, known: names });
    }
    let used: Vec<bool> = names.iter().map(|name| references.has_variable(name)).collect();
    drop(references);
    Ok(Arc::new(move |inputs| evaluate(&program, &names, &used, inputs)))
}

fn evaluate(
    program: &Program,
    names: &[String],
    used: &[bool],
    inputs: FilterInputs<'_>,
) -> Result<bool, Failure> {
    let mut context = Context::default();
    for ((name, used), input) in names.iter().zip(used).zip(inputs) {
        if *used {
            // Only what the expression reads is decoded.
            let value = input.and_then(|(column, index)| column.try_json(index)).transpose();
            let value = value.map_err(Failure::chain)?.unwrap_or_default();
            context.add_variable(name.as_str(), value).map_err(Failure::error)?;
        }
    }
    match program.execute(&context) {
        Ok(Value::Bool(admitted)) => Ok(admitted),
        Ok(other) => Err(Failure::error(format_args!("the filter yields {other:?}, not a boolean"))),
        Err(error) => Err(Failure::error(format_args!("the filter failed: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{CelError, CelFilter};
    use crate::testing::TestEngine;
    use crate::{AccumulatorDecl, GraphBuilder, Package, ReactorDecl, Strategy, when_any};

    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Departure {
        origin: String,
        delay: i64,
    }

    fn decl() -> ReactorDecl {
        let accumulators = vec![AccumulatorDecl::passthrough::<Departure>("departures")];
        ReactorDecl::new("Departures", accumulators, when_any(["departures"])).strategy(Strategy::Sequential)
    }

    #[tokio::test(start_paused = true)]
    async fn expression_decides_which_firings_take_place() {
        let mut graph = GraphBuilder::new("late");
        let departure = graph.source::<Departure>("departures");
        let late = graph.node("late", (departure,), |(departure,)| departure.delay);
        graph.terminal(late);
        let reactor = decl().filter_cel("departures.delay > 15 && departures.origin == 'ATL'").unwrap();
        let package = Package::new("p").reactor(reactor).graph(graph.on("Departures").build().unwrap());
        let engine = TestEngine::builder().package(package).start().await;
        let mut probe = engine.probe::<i64>("late", "late").await;
        for (origin, delay) in [("ATL", 10), ("ATL", 20), ("SFO", 30), ("ATL", 40)] {
            engine.push("departures", Departure { origin: origin.to_owned(), delay }).await;
        }
        assert_eq!(probe.expect(2).await, [20, 40]);
        engine.assert_ledger().await;
    }

    #[tokio::test(start_paused = true)]
    async fn subscription_filter_keeps_firings_from_one_graph_only() {
        let graph = |name: &str| {
            let mut graph = GraphBuilder::new(name);
            let departure = graph.source::<Departure>("departures");
            let delay = graph.node("delay", (departure,), |(departure,)| departure.delay);
            graph.terminal(delay);
            graph.on("Departures").build().unwrap()
        };
        let late = graph("late").filter_cel("departures.delay > 15").unwrap();
        let package = Package::new("p").reactor(decl()).graph(graph("all")).graph(late);
        let engine = TestEngine::builder().package(package).start().await;
        let mut all = engine.probe::<i64>("all", "delay").await;
        let mut late = engine.probe::<i64>("late", "delay").await;
        for delay in [10, 20, 5, 40] {
            engine.push("departures", Departure { origin: "ATL".to_owned(), delay }).await;
        }
        assert_eq!(all.expect(4).await, [10, 20, 5, 40]);
        assert_eq!(late.expect(2).await, [20, 40]);
        let filtered = engine.ledger().await.edge("Departures/deliveries/late").unwrap();
        assert_eq!(filtered.settled_as(crate::Settled::Filtered), 2);
        engine.assert_ledger().await;
    }

    #[test]
    fn unknown_variable_and_bad_syntax_are_refused_with_the_reason() {
        assert!(matches!(decl().filter_cel("arrivals.delay > 1"), Err(CelError::UnknownVariable { .. })));
        assert!(matches!(decl().filter_cel("departures.delay >"), Err(CelError::Syntax { .. })));
    }
}
