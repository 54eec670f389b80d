//! Replaying dead letters: a new acceptance of the same item.

use super::Engine;
use crate::dead_letters::LetterId;
use acequia_core::cell::CellTurn;
use acequia_core::id::GraphName;
use acequia_core::letter::{DeadLetter, Letter, Place};
use std::sync::Arc;

/// A dead letter that was not replayed; it stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no such letter.
    #[error("E0430: no dead letter {id}; it was replayed, discarded or forgotten")]
    Unknown {
        /// The number.
        id: LetterId,
    },
    /// Its value is not there any more.
    #[error("E0431: dead letter {id} holds nothing to replay: {why}")]
    NoValue {
        /// The number.
        id: LetterId,
        /// Why not.
        why: &'static str,
    },
    /// Its place is gone, or full.
    #[error("E0432: dead letter {id} could not be put back at {place}; see that it is deployed and has room")]
    Refused {
        /// The number.
        id: LetterId,
        /// Its place.
        place: String,
    },
}

impl Engine {
    /// Put a dead letter back where it was given up: an event into its ring, a firing to its graph only,
    /// an output to its sink.
    ///
    /// # Errors
    /// [`ReplayError`]; the letter stays.
    pub async fn replay(&self, id: LetterId) -> Result<(), ReplayError> {
        let Some(letter) = self.dead_letters().take(id) else { return Err(ReplayError::Unknown { id }) };
        let why = match letter.letter {
            Letter::Bytes(_) => Some("its bytes are not of the edge's type"),
            Letter::Consumed => Some("the function that panicked had taken it"),
            _ => None,
        };
        if let Some(why) = why {
            self.dead_letters().put_back(id, letter);
            return Err(ReplayError::NoValue { id, why });
        }
        match self.put_back(letter).await {
            Ok(()) => Ok(()),
            Err(letter) => {
                let place = letter.place.to_string();
                self.dead_letters().put_back(id, *letter);
                Err(ReplayError::Refused { id, place })
            }
        }
    }

    async fn put_back(&self, letter: DeadLetter) -> Result<(), Box<DeadLetter>> {
        match (&letter.place, &letter.letter) {
            (Place::Accumulator(name), Letter::Event(column)) => {
                let entry = self.inner.directory.accumulators.get(name).map(|entry| entry.clone());
                let taken = entry.is_some_and(|entry| entry.cell.ring(entry.source).push_column(&**column));
                if taken { Ok(()) } else { Err(Box::new(letter)) }
            }
            (Place::Share { accumulator, reactor }, Letter::Event(column)) => {
                let entry = self.inner.directory.entry(reactor);
                let ring = entry.and_then(|entry| {
                    entry.decl.source(accumulator).map(|source| Arc::clone(entry.cell.ring(source)))
                });
                let taken = ring.is_some_and(|ring| ring.push_column(&**column));
                if taken { Ok(()) } else { Err(Box::new(letter)) }
            }
            (Place::Graph(graph), Letter::Inputs { .. }) => {
                let graph = graph.clone();
                self.redeliver(graph, letter).await
            }
            (Place::Sink { graph, .. }, Letter::Output(_)) => {
                let graph = graph.clone();
                self.offer_again(graph, letter).await
            }
            _ => Err(Box::new(letter)),
        }
    }

    async fn redeliver(&self, graph: GraphName, letter: DeadLetter) -> Result<(), Box<DeadLetter>> {
        let Some(cell) = self.inner.directory.cell_of(&graph) else { return Err(Box::new(letter)) };
        let answered = cell.ask(move |state, cx| {
            let result = match (state.delivery(&graph), &letter.letter) {
                (Some(delivery), Letter::Inputs { firing, columns }) => {
                    delivery.redeliver(*firing, columns, cx.now);
                    Ok(())
                }
                _ => Err(Box::new(letter)),
            };
            (result, CellTurn::default())
        });
        answered.await.unwrap_or(Ok(()))
    }

    async fn offer_again(&self, graph: GraphName, letter: DeadLetter) -> Result<(), Box<DeadLetter>> {
        let Some(cell) = self.inner.directory.cell_of(&graph) else { return Err(Box::new(letter)) };
        if let Some(worker) = cell.workers().get(&graph) {
            worker.post(move |run, _| {
                if let Letter::Output(column) = &letter.letter {
                    run.replay_output(&letter.place, &**column);
                }
            });
            return Ok(());
        }
        let answered = cell.ask_run(move |state, cx| {
            let Letter::Output(column) = &letter.letter else { return Err(Box::new(letter)) };
            match state.run_mut(&graph) {
                Some(run) => {
                    let offered = run.replay_output(&letter.place, &**column);
                    run.flush(cx);
                    if offered { Ok(()) } else { Err(Box::new(letter)) }
                }
                None => Err(Box::new(letter)),
            }
        });
        answered.await.unwrap_or(Ok(()))
    }
}
