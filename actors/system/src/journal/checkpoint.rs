//! Checkpoints of a cell in the journal: replay begins at the last one, and what lies before the one before
//! it is not needed any more.

use super::intake::StreamIntake;
use super::trail::Trail;
use super::write::head;
use super::{EngineJournal, cell};
use acequia_core::Timestamp;
use acequia_core::cell::Cell;
use acequia_core::durable::LifeId;
use acequia_store::Lsn;
use acequia_store::journal::{
    AppendError, Batch, CrashPoint, EncodeError, OnSynced, RecordId, RecordKind, StreamId,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a piece: a checkpoint of any size fits into any journal.
const PIECE: usize = 4096;
/// Bytes of a piece before its part of the checkpoint.
const HEADER: usize = 16;

/// A checkpoint as it is written, with where to read on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    /// Events from this record on may have to be read.
    pub(crate) floor: u64,
    /// How many events of each source, from there on, the cell had handled already.
    pub(crate) skips: Vec<u64>,
    /// The bytes of the cell's checkpoint.
    pub(crate) cell: Vec<u8>,
}

/// What else is kept with it; behind it, so that one without can be read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Beside {
    /// The life of the reactor.
    pub(crate) life: u64,
    /// By what the events of each source are known again; empty where none is.
    pub(super) windows: Vec<Vec<u8>>,
    /// Dead letters that are open.
    pub(super) letters: Vec<([u8; 16], Vec<u8>)>,
}

impl Written {
    /// Both, as they lie there.
    fn encode(&self, beside: &Beside) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(beside, postcard::to_allocvec(self)?)
    }

    /// Read what [`Written::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, Option<Beside>), postcard::Error> {
        let (written, rest) = postcard::take_from_bytes(bytes)?;
        let beside = if rest.is_empty() { None } else { Some(postcard::from_bytes(rest)?) };
        Ok((written, beside))
    }
}

/// Where a whole checkpoint lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// Its first piece.
    pub(super) first: Lsn,
    /// Where to read on.
    pub(super) floor: Lsn,
}

/// A piece of a checkpoint, taken apart.
pub(crate) struct Piece<'a> {
    pub(crate) index: u32,
    pub(crate) total: u32,
    pub(crate) floor: Lsn,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    pub(crate) fn read(payload: &'a [u8]) -> Option<Self> {
        let (index, rest) = payload.split_first_chunk::<4>()?;
        let (total, rest) = rest.split_first_chunk::<4>()?;
        let (floor, bytes) = rest.split_first_chunk::<8>()?;
        let (index, total) = (u32::from_le_bytes(*index), u32::from_le_bytes(*total));
        Some(Self { index, total, floor: Lsn(u64::from_le_bytes(*floor)), bytes })
    }
}

/// Up to which record how many events of each source had come.
#[derive(Debug, Clone)]
struct Sample {
    lsn: Lsn,
    positions: Vec<u64>,
}

/// What a cell knows of its place in the journal.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Events of each source that an earlier process had handled, from where this one began to read.
    base: Vec<u64>,
    samples: Arc<Mutex<VecDeque<Sample>>>,
}

/// The trail of a source, if that is durable. What it counts is what lies in the journal; a ring counts what it
/// turned away, too.
type Counted = Option<Arc<Trail>>;

impl Place {
    /// A cell that was read from `floor` on, of which `base` events a source were handled before. Up to the
    /// record `known` so many events of each had come.
    pub(super) fn new(floor: Lsn, base: Vec<u64>, known: (Lsn, Vec<u64>)) -> Self {
        let mut samples = VecDeque::from([Sample { lsn: floor, positions: vec![0; base.len()] }]);
        if known.0 > floor {
            samples.push_back(Sample { lsn: known.0, positions: known.1 });
        }
        Self { base, samples: Arc::new(Mutex::new(samples)) }
    }

    /// The newest record before which every event was handled, and how many behind it were.
    fn floor(&self, trails: &[Counted]) -> (Lsn, Vec<u64>) {
        let handled = self.count(trails, Trail::taken);
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let behind =
            |sample: &Sample| sample.positions.iter().zip(&handled).all(|(at, handled)| at <= handled);
        while samples.get(1).is_some_and(behind) {
            samples.pop_front();
        }
        let (lsn, positions) = samples
            .front()
            .map_or((Lsn::FIRST, vec![0; handled.len()]), |sample| (sample.lsn, sample.positions.clone()));
        let skips = handled.iter().zip(positions).map(|(handled, at)| handled.saturating_sub(at)).collect();
        (lsn, skips)
    }

    /// Everything before `lsn` is known now: called in the journal's order.
    fn sample(&self, lsn: Lsn, trails: &[Counted]) {
        let positions = self.count(trails, Trail::known);
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back(Sample { lsn, positions });
    }

    fn count(&self, trails: &[Counted], of: impl Fn(&Trail) -> u64) -> Vec<u64> {
        let sources = self.base.iter().zip(trails);
        sources.map(|(base, trail)| base + trail.as_ref().map_or(0, |trail| of(trail))).collect()
    }
}

/// What a checkpoint is written for.
pub(super) struct Target<'a> {
    pub(super) journal: &'a Arc<EngineJournal>,
    pub(super) stream: StreamId,
    pub(super) place: &'a Arc<Place>,
    pub(super) life: LifeId,
    pub(super) intakes: &'a [Option<Arc<StreamIntake>>],
    pub(super) letters: Vec<(RecordId, Vec<u8>)>,
    /// Whether every event of an earlier life is in its ring.
    pub(super) is_caught_up: bool,
}

impl Target<'_> {
    /// Write down `state` as it is, if it can be; false if firings are open. `then` is called once it is on
    /// disk.
    ///
    /// # Errors
    /// What could not be written, in words.
    pub(super) fn write(
        &self,
        state: &Cell,
        now: Timestamp,
        then: impl FnOnce(At) + Send + 'static,
    ) -> Result<bool, String> {
        let made = state.checkpoint(now).map_err(|error| error.to_string())?;
        let Some(checkpoint) = made else { return Ok(false) };
        let trails: Vec<Counted> =
            self.intakes.iter().map(|it| Some(Arc::clone(it.as_ref()?.trail()))).collect();
        let (floor, skips) = self.place.floor(&trails);
        let cell = checkpoint.encode().map_err(|error| error.to_string())?;
        let written = Written { floor: floor.0, skips, cell };
        // After the floor: what lies before that has arrived.
        let window = |intake: &Option<Arc<StreamIntake>>| match intake {
            Some(intake) => intake.admission().encode(),
            None => Ok(Vec::new()),
        };
        let windows = self.intakes.iter().map(window).collect::<Result<_, _>>();
        let windows = windows.map_err(|error| error.to_string())?;
        let letters = self.letters.iter().map(|(id, letter)| (id.0.to_le_bytes(), letter.clone()));
        let beside = Beside { life: self.life.number(), windows, letters: letters.collect() };
        let bytes = written.encode(&beside).map_err(|error| error.to_string())?;
        let place = self.is_caught_up.then(|| Arc::clone(self.place));
        let told = move |range: Range<Lsn>, first: Lsn| {
            if let Some(place) = place {
                place.sample(range.start, &trails);
            }
            then(At { first, floor });
        };
        self.append(&bytes, floor, told)?;
        Ok(true)
    }

    /// Append the pieces, in as many batches as they take.
    fn append(
        &self,
        bytes: &[u8],
        floor: Lsn,
        told: impl FnOnce(Range<Lsn>, Lsn) + Send + 'static,
    ) -> Result<(), String> {
        let journal = self.journal.journal();
        journal.reach(CrashPoint::CheckpointBegin);
        let own = Arc::downgrade(self.journal);
        let pieces: Vec<&[u8]> = bytes.chunks(PIECE - HEADER).collect();
        let total = u32::try_from(pieces.len()).map_err(|error| error.to_string())?;
        let first = Arc::new(Mutex::new(None));
        let mut batch = self.batch();
        for (index, piece) in (0..total).zip(pieces) {
            match self.push(&mut batch, index, total, floor, piece) {
                Ok(()) => {}
                Err(EncodeError::BatchTooLarge { .. }) if !batch.is_empty() => {
                    let full = std::mem::replace(&mut batch, self.batch());
                    let first = Arc::clone(&first);
                    let noted: OnSynced = Box::new(move |range| note_first(&first, range.as_ref().ok()));
                    journal.append(full, noted).map_err(|refused| refused.error.to_string())?;
                    self.push(&mut batch, index, total, floor, piece).map_err(|error| error.to_string())?;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let synced: OnSynced = Box::new(move |range: Result<Range<Lsn>, AppendError>| {
            note_first(&first, range.as_ref().ok());
            let begun = *first.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Ok(range), Some(begun)) = (range, begun) {
                own.upgrade().into_iter().for_each(|own| own.journal().reach(CrashPoint::CheckpointSynced));
                told(range, begun);
            }
        });
        journal.append(batch, synced).map_err(|refused| refused.error.to_string())
    }

    fn batch(&self) -> Batch {
        let mut batch = self.journal.journal().batch();
        // It is what lets a full disk be trimmed.
        batch.set_urgent();
        batch
    }

    fn push(
        &self,
        batch: &mut Batch,
        index: u32,
        total: u32,
        floor: Lsn,
        piece: &[u8],
    ) -> Result<(), EncodeError> {
        let head = head(RecordKind::Checkpoint, self.stream, cell::fresh_id());
        batch.push_with(&head, |out| {
            out.put(&index.to_le_bytes());
            out.put(&total.to_le_bytes());
            out.put(&floor.0.to_le_bytes());
            out.put(piece);
        })
    }
}

fn note_first(first: &Mutex<Option<Lsn>>, range: Option<&Range<Lsn>>) {
    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
    if first.is_none() {
        *first = range.map(|range| range.start);
    }
}
