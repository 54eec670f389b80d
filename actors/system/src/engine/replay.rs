//! Replaying dead letters: a new acceptance of the same item.

use super::Engine;
use crate::dead_letters::{Kept, LetterId, Record};
use acequia_core::accumulator::Waiting;
use acequia_core::cell::CellTurn;
use acequia_core::id::GraphName;
use acequia_core::letter::{DeadLetter, Letter, Place};
use acequia_core::ring::Note;
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
    /// It is out of the list, and comes back with the next start.
    #[error(
        "E0187: that dead letter {id} is settled could not be written down: {reason}; after a restart settle it again"
    )]
    NotSettled {
        /// The number.
        id: LetterId,
        /// What the journal says.
        reason: String,
    },
}

impl Engine {
    /// Put a dead letter back where it was given up: an event into its ring, a firing to its graph only,
    /// an output to its sink. One that lies on disk is settled there: an event as one with its new acceptance, the
    /// others once they are on their way.
    ///
    /// # Errors
    /// [`ReplayError`]; the letter stays.
    pub async fn replay(&self, id: LetterId) -> Result<(), ReplayError> {
        let Some(kept) = self.dead_letters().take_kept(id) else { return Err(ReplayError::Unknown { id }) };
        let why = match kept.letter.letter {
            Letter::Bytes(_) => Some("its bytes are not of the edge's type"),
            Letter::Consumed => Some("the function that panicked had taken it"),
            _ => None,
        };
        if let Some(why) = why {
            self.dead_letters().put_back(id, kept);
            return Err(ReplayError::NoValue { id, why });
        }
        let (record, place) = (kept.record, kept.letter.place.to_string());
        match self.put_back_kept(kept).await {
            Ok(is_settled) if is_settled => Ok(()),
            Ok(_) => self.settle(id, record).await,
            Err(kept) => {
                self.dead_letters().put_back(id, *kept);
                Err(ReplayError::Refused { id, place })
            }
        }
    }

    /// Discard a dead letter for good.
    ///
    /// # Errors
    /// [`ReplayError::Unknown`]; [`ReplayError::NotSettled`] if it lies on disk and will come back.
    pub async fn discard(&self, id: LetterId) -> Result<(), ReplayError> {
        let Some(kept) = self.dead_letters().take_kept(id) else { return Err(ReplayError::Unknown { id }) };
        self.settle(id, kept.record).await
    }

    /// Write down that it is settled, if it lies on disk.
    async fn settle(&self, id: LetterId, record: Option<Record>) -> Result<(), ReplayError> {
        let (Some(record), Some(journal)) = (record, self.inner.env.journal()) else { return Ok(()) };
        let settled = journal.settle_letter(&self.inner.env, record).await;
        let reason = match settled {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(reason)) => reason,
            Err(_) => "the engine is going down".to_owned(),
        };
        Err(ReplayError::NotSettled { id, reason })
    }

    /// Put it back; whether it is settled on disk already.
    async fn put_back_kept(&self, kept: Kept) -> Result<bool, Box<Kept>> {
        let pushed = self.push_again(&kept);
        if let Some(pushed) = pushed {
            return if pushed.await.is_ok() { Ok(true) } else { Err(Box::new(kept)) };
        }
        let Kept { letter, record, json } = kept;
        match self.put_back(letter).await {
            Ok(()) => Ok(false),
            Err(letter) => Err(Box::new(Kept { letter: *letter, record, json })),
        }
    }

    /// The push of an event into an accumulator whose events are written to disk first.
    fn push_again(&self, kept: &Kept) -> Option<Waiting> {
        let (Place::Accumulator(name), Letter::Event(column)) = (&kept.letter.place, &kept.letter.letter)
        else {
            return None;
        };
        let entry = self.inner.directory.accumulators.get(name).map(|entry| entry.clone())?;
        let ring = entry.cell.ring(entry.source);
        ring.journaled()?;
        let note = kept.record.map(|(_, record)| Note::Replay(record.0));
        Arc::clone(ring).push_column_noted(&**column, note)
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
        let answer = answered.await.unwrap_or(Ok(()));
        // Where it runs in place, its turn comes before the record that settles the letter.
        cell.ask(|_, _| ((), CellTurn::default())).await;
        answer
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
