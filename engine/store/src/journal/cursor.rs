//! Reading records in their order, up to what is synced.

use std::io;
use std::sync::Arc;

use super::damage::{Damage, Flaw};
use super::record::{Record, RecordKind, RecordRef, StreamId, TenantId};
use super::segment::Segment;
use super::shared::Shared;
use super::walk::{self, Frame, Progress, Step, Walk};
use crate::Lsn;

/// Which records a cursor gives out. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these kinds; empty is all.
    pub kinds: Vec<RecordKind>,
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only these streams; empty is all.
    pub streams: Vec<StreamId>,
}

impl Filter {
    /// Whether a record is given out.
    pub fn accepts(&self, record: &RecordRef<'_>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&record.kind))
            && self.tenant.is_none_or(|tenant| tenant == record.tenant)
            && (self.streams.is_empty() || self.streams.contains(&record.stream))
    }
}

/// Why a cursor goes no further.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The record was removed.
    #[error(
        "E0540: record {wanted} was trimmed; the oldest that is kept is {first}. Begin there, or from a checkpoint"
    )]
    Trimmed {
        /// What comes next for the cursor.
        wanted: Lsn,
        /// What is there.
        first: Lsn,
    },
    /// What was synced is not there any more.
    #[error("E0541: the journal is damaged: {0}; restore it from a copy, or export what can be read")]
    Damaged(Damage),
    /// The disk refused.
    #[error("E0542: reading the journal failed; look at the disk")]
    Io(#[from] io::Error),
}

/// Goes through the journal from a record on. It follows what is appended: at the end it gives out nothing,
/// and goes on when there is more.
#[derive(Debug)]
pub struct Cursor {
    shared: Arc<Shared>,
    filter: Filter,
    /// The next record to be looked at.
    next: Lsn,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    segment: Arc<Segment>,
    walk: Walk,
    /// The frame in hand.
    frame: Option<(Frame, Progress)>,
}

impl Cursor {
    pub(super) fn new(shared: Arc<Shared>, from: Lsn, filter: Filter) -> Self {
        Self { shared, filter, next: from.max(Lsn::FIRST), reading: None }
    }

    /// The next record that it will look at: all that it accepts below was given out.
    pub fn position(&self) -> Lsn {
        self.next
    }

    /// The next record that the filter accepts, or `None` if there is none yet.
    pub fn next_record(&mut self) -> Result<Option<Record>, CursorError> {
        let mut found = None;
        self.visit(1, |record| found = Some(record.to_record()))?;
        Ok(found)
    }

    /// Shows up to `n_at_most` records to `visit`, without a copy. The answer is how many; fewer than asked for mean
    /// that there are no more yet.
    pub fn visit(
        &mut self,
        n_at_most: usize,
        mut visit: impl FnMut(&RecordRef<'_>),
    ) -> Result<usize, CursorError> {
        let mut n_visited = 0;
        while n_visited < n_at_most && self.find_frame()? {
            let Some(Reading { segment, walk, frame: frame @ Some(_) }) = &mut self.reading else { break };
            let Some((held, progress)) = frame else { break };
            let damaged = |flaw| damaged(segment.number, held.offset, flaw);
            while n_visited < n_at_most {
                let Some(record) = walk.record(*held, progress).map_err(damaged)? else {
                    *frame = None;
                    break;
                };
                // A cursor may begin within a frame.
                if record.lsn < self.next {
                    continue;
                }
                self.next = record.lsn.next();
                if self.filter.accepts(&record) {
                    visit(&record);
                    n_visited += 1;
                }
            }
        }
        Ok(n_visited)
    }

    /// Takes the frame with the next record in hand, if it is synced.
    fn find_frame(&mut self) -> Result<bool, CursorError> {
        if self.reading.as_ref().is_some_and(|reading| reading.frame.is_some()) {
            return Ok(true);
        }
        // Asked first: what is below it, is below the end of its segment as well.
        if self.shared.synced() <= self.next {
            return Ok(false);
        }
        loop {
            self.find_segment()?;
            let Some(reading) = &mut self.reading else { return Ok(false) };
            reading.walk.extend(reading.segment.end());
            let offset = reading.walk.place().offset;
            let number = reading.segment.number;
            match reading.walk.step()? {
                Step::Frame(frame) if walk::reaches(frame, self.next) => {
                    reading.frame = Some((frame, Progress::default()));
                    return Ok(true);
                }
                Step::Frame(_) => {}
                Step::End => return Err(damaged(number, offset, Flaw::Short)),
                Step::Blank => return Err(damaged(number, offset, Flaw::Blank)),
                Step::Flaw(flaw) => return Err(damaged(number, offset, flaw)),
            }
        }
    }

    /// Turns to the segment with the next record, if that is not the one in hand.
    fn find_segment(&mut self) -> Result<(), CursorError> {
        let is_in_hand = self
            .reading
            .as_ref()
            .is_some_and(|reading| reading.segment.closed_at().is_none_or(|end| self.next < end));
        if is_in_hand {
            return Ok(());
        }
        let Some(segment) = self.shared.segments.holding(self.next) else {
            let first = self.shared.segments.first().map_or(Lsn::FIRST, |segment| segment.first);
            return Err(CursorError::Trimmed { wanted: self.next, first });
        };
        let landmark = segment.landmark(self.next);
        let end = segment.end();
        match &mut self.reading {
            Some(reading) => {
                reading.walk.turn_to(&segment, landmark, end);
                (reading.segment, reading.frame) = (segment, None);
            }
            None => {
                let walk = Walk::new(&segment, landmark, end);
                self.reading = Some(Reading { segment, walk, frame: None });
            }
        }
        Ok(())
    }
}

fn damaged(segment: u64, offset: u64, flaw: Flaw) -> CursorError {
    CursorError::Damaged(Damage { segment, offset, flaw })
}
