//! Dead letters: items that were given up, with what is needed to look at them and to replay them.

use crate::column::AnyColumn;
use crate::fault::Failure;
use crate::id::{AccumulatorName, FiringId, GraphName, ItemId, ReactorName, TerminalName};
use crate::ledger::Dropped;
use crate::time::Timestamp;
use std::fmt;

/// The most of an undecodable item's bytes that is kept.
pub const BYTES_KEPT: usize = 4096;

/// Where an item was given up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// In an accumulator.
    Accumulator(AccumulatorName),
    /// On its way from a shared accumulator into one of its reactors.
    Share {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The reactor.
        reactor: ReactorName,
    },
    /// In a reactor's filter, as one firing.
    Reactor(ReactorName),
    /// In a graph, as one firing's delivery.
    Graph(GraphName),
    /// In a sink of a graph's terminal.
    Sink {
        /// The graph.
        graph: GraphName,
        /// Its terminal.
        terminal: TerminalName,
        /// Number of the sink at this terminal, from zero.
        sink: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accumulator(name) => write!(f, "accumulator {name}"),
            Self::Share { accumulator, reactor } => {
                write!(f, "share of reactor {reactor} in accumulator {accumulator}")
            }
            Self::Reactor(name) => write!(f, "filter of reactor {name}"),
            Self::Graph(name) => write!(f, "graph {name}"),
            Self::Sink { graph, terminal, sink } => write!(f, "sink {sink} of {graph}.{terminal}"),
        }
    }
}

/// What the item was.
pub enum Letter {
    /// An event, as a column of one.
    Event(Box<dyn AnyColumn>),
    /// A firing's inputs, one column per input of the graph; a column is empty where there was none.
    Inputs {
        /// The firing.
        firing: FiringId,
        /// Its inputs.
        columns: Vec<Box<dyn AnyColumn>>,
    },
    /// A terminal output, as a column of one.
    Output(Box<dyn AnyColumn>),
    /// Bytes that are not of the edge's type, at most [`BYTES_KEPT`] of them.
    Bytes(Vec<u8>),
    /// The value went with the panic of a function that had taken it.
    Consumed,
}

impl Letter {
    /// The item as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Event(column) | Self::Output(column) => column.json(0),
            Self::Inputs { columns, .. } => {
                serde_json::Value::Array(columns.iter().map(|column| column.json(0)).collect())
            }
            Self::Bytes(bytes) => serde_json::Value::String(String::from_utf8_lossy(bytes).into_owned()),
            Self::Consumed => serde_json::Value::Null,
        }
    }
}

/// An item that was given up.
pub struct DeadLetter {
    /// Where.
    pub place: Place,
    /// Which item of its edge.
    pub item: ItemId,
    /// Under which heading it is counted.
    pub why: Dropped,
    /// What happened to it, where something did.
    pub failure: Option<Failure>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, by the engine's clock.
    pub at: Timestamp,
    /// The item.
    pub letter: Letter,
}
