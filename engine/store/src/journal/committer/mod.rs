//! The one that writes: batches become frames, a group of them one write and one sync.

mod direct;
mod group;
mod hold;
mod queue;
mod thread;

pub(super) use direct::Direct;
pub(super) use thread::Thread;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::append::{Ack, AppendError, Failure, Submission};
use super::batch::Batch;
use super::crash_point::CrashPoint;
use super::frame::{Home, Place as FramePlace};
use super::mark::{Mark, Place};
use super::segment::{Header, Landmark, Segment, header};
use super::shared::Shared;
use super::spare::{self, Spares, Unmade};
use crate::Lsn;
use crate::disk::DiskFile;

/// What becomes of a batch, and who is told.
#[derive(Debug)]
pub(super) struct Told {
    ack: Ack,
    result: Result<std::ops::Range<Lsn>, AppendError>,
    batch: Batch,
}

impl Told {
    /// How much room comes free.
    pub(super) fn n_bytes(&self) -> usize {
        self.batch.n_bytes()
    }

    /// Whether somebody waited for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.batch.is_patient() && !self.ack.is_nobody()
    }

    /// Tells it; the batch is done with.
    pub(super) fn tell(self) -> Batch {
        self.ack.tell(self.result);
        self.batch
    }
}

/// Writes one group after the other. A value: whoever has it, thread or test, is the committer.
#[derive(Debug)]
pub(super) struct Committer {
    shared: Arc<Shared>,
    spares: Spares,
    active: Option<Active>,
    /// What the next frame begins with.
    next: Lsn,
    chain: u32,
    /// Number of the segment that comes after the active one.
    number: u64,
    /// Whether the mark says where the journal ends.
    is_marked: bool,
    /// What waits for room on the disk, in its order.
    held: VecDeque<Submission>,
    /// A segment that could not be made as long as it must be.
    short: Option<Arc<dyn DiskFile>>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    segment: Arc<Segment>,
    /// Where the next group begins: all before is synced.
    offset: u64,
    /// Its own header, as long as it is not written.
    header: Option<[u8; header::SIZE]>,
}

impl Committer {
    /// Goes on behind `end`, in the last segment if there is one.
    pub(super) fn new(shared: Arc<Shared>, spares: Spares, end: Place, last: Option<Arc<Segment>>) -> Self {
        let number = last.as_ref().map_or(shared.mark().mark().floor, |last| last.number + 1);
        let active = last.map(|segment| Active { segment, offset: end.offset, header: None });
        let (held, short) = (VecDeque::new(), None);
        let (next, chain, is_marked) = (end.next, end.chain, true);
        Self { shared, spares, active, next, chain, number, is_marked, held, short }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether the mark says where the journal ends.
    pub(super) fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// Number of the segment that is written to, or will be.
    pub(super) fn segment(&self) -> u64 {
        self.active.as_ref().map_or(self.number, |active| active.segment.number)
    }

    /// How much goes into the segment that is written to.
    pub(super) fn room(&self) -> usize {
        let room = self.active.as_ref().map_or(0, |active| active.segment.capacity - active.offset);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Goes on to the next segment if `n_bytes` do not go into this one.
    pub(super) fn make_room(&mut self, n_bytes: usize) -> Result<(), AppendError> {
        self.shared.failure().map_or(Ok(()), |cause| Err(AppendError::Failed { cause }))?;
        if n_bytes <= self.room() {
            return Ok(());
        }
        match self.rotate(n_bytes) {
            Ok(()) => Ok(()),
            Err(Unmade::Full) => Err(self.shared.disk_full()),
            Err(Unmade::Io(source)) => Err(self.fail("making", self.number, source)),
        }
    }

    /// Looks whether the disk has room again, if nobody else does.
    pub(super) fn retry(&mut self) -> Result<(), AppendError> {
        match self.spares.retry() {
            Err(Unmade::Io(source)) => Err(self.fail("making", self.number, source)),
            _ => Ok(()),
        }
    }

    fn rotate(&mut self, n_bytes: usize) -> Result<(), Unmade> {
        self.shared.settings.reach(CrashPoint::SegmentRotate);
        let file = match self.short.take() {
            Some(file) => file,
            None => self.spares.take()?,
        };
        if let Err(unmade) = spare::lengthen(&*file, header::BYTES + n_bytes as u64, &self.shared) {
            self.short = Some(file);
            return Err(unmade);
        }
        let end_before = self.active.as_ref().map_or(0, |active| active.offset);
        let mut header = Header {
            journal: self.shared.id,
            number: self.number,
            first: self.next,
            capacity: file.n_bytes().map_err(Unmade::Io)?,
            // Segments are smaller than 4 GiB.
            end_before: u32::try_from(end_before).unwrap_or(u32::MAX),
            chain: self.chain,
            crc: 0,
        };
        let bytes = header.write();
        if let Some(active) = self.active.take() {
            active.segment.close(self.next);
        }
        let home = Home::new(self.shared.id, self.number);
        let segment = Arc::new(Segment::new(&header, home, file));
        self.chain = header.crc;
        self.active = Some(Active { segment, offset: header::BYTES, header: Some(bytes) });
        self.number += 1;
        Ok(())
    }

    /// Writes a group and syncs it. Everybody in it is to be told what `told` holds then, in that order.
    ///
    /// The group must fit: [`Committer::make_room`] for the first, [`Committer::room`] for all.
    pub(super) fn commit(&mut self, submissions: &mut Vec<Submission>, told: &mut Vec<Told>) {
        let first = self.next;
        match self.write(submissions) {
            Ok(()) => {
                self.shared.settings.reach(CrashPoint::BeforeAck);
                let mut next = first;
                self.settle(submissions, told, |batch_records| {
                    let range = next..next.plus(batch_records);
                    next = range.end;
                    Ok(range)
                });
            }
            Err(error) => self.settle(submissions, told, |_| Err(error.clone())),
        }
    }

    /// Nothing of these is in the journal, and why.
    pub(super) fn refuse(&self, submission: Submission, error: AppendError, told: &mut Vec<Told>) {
        self.settle(&mut vec![submission], told, |_| Err(error.clone()));
    }

    fn settle(
        &self,
        submissions: &mut Vec<Submission>,
        told: &mut Vec<Told>,
        mut result: impl FnMut(u64) -> Result<std::ops::Range<Lsn>, AppendError>,
    ) {
        for Submission { batch, ack } in submissions.drain(..) {
            let result = result(u64::from(batch.n_records()));
            told.push(Told { ack, result, batch });
        }
    }

    fn write(&mut self, submissions: &mut [Submission]) -> Result<(), AppendError> {
        if let Some(cause) = self.shared.failure() {
            return Err(AppendError::Failed { cause });
        }
        if submissions.iter().all(|submission| submission.batch.is_empty()) {
            // All before is synced, or this thread would not be here.
            return Ok(());
        }
        let Some(active) = &mut self.active else {
            unreachable!("room was made for the first batch");
        };
        let settings = &self.shared.settings;
        // A segment's header belongs to its first group.
        let group = if active.header.is_some() { 0 } else { active.offset };
        let mut place = FramePlace {
            home: active.segment.home,
            offset: active.offset,
            group: u32::try_from(group).unwrap_or(u32::MAX),
            first: self.next,
            chain: self.chain,
        };
        let start = Landmark { lsn: self.next, offset: active.offset, chain: self.chain };
        group::lay(submissions, &mut place);
        settings.reach(CrashPoint::BeforeWrite);
        let file = &*active.segment.file;
        let written = group::write(file, active.header.as_ref(), active.offset, submissions);
        if let Err(source) = written {
            let number = active.segment.number;
            return Err(self.fail("writing", number, source));
        }
        settings.reach(CrashPoint::AfterWrite);
        settings.reach(CrashPoint::BeforeSync);
        self.is_marked = false;
        if let Err(source) = file.sync_data() {
            let number = active.segment.number;
            return Err(self.fail("syncing", number, source));
        }
        settings.reach(CrashPoint::AfterSync);
        (active.offset, self.next, self.chain) = (place.offset, place.first, place.chain);
        active.segment.note(start);
        active.segment.synced_to(active.offset);
        if active.header.take().is_some() {
            // Readers see a segment once its header is on the disk.
            self.shared.segments.push(Arc::clone(&active.segment));
        }
        self.shared.publish(self.next);
        Ok(())
    }

    /// Marks the end, so that damage to the last group does not look like a torn tail.
    pub(super) fn write_mark(&mut self) -> Result<(), AppendError> {
        if self.is_marked || self.shared.failure().is_some() {
            return Ok(());
        }
        let end = self.end();
        let mut file = self.shared.mark();
        let mark = Mark { end, is_closed: false, ..file.mark() };
        let written = file.write(mark);
        drop(file);
        self.is_marked = true;
        written.map_err(|source| self.fail("marking the end of", end.segment, source))
    }

    /// Marks the end as the one where the journal was closed.
    pub(super) fn close(&mut self) -> Result<(), AppendError> {
        self.shared.failure().map_or(Ok(()), |cause| Err(AppendError::Failed { cause }))?;
        let end = self.end();
        let mut file = self.shared.mark();
        let mark = Mark { end, is_closed: true, ..file.mark() };
        let written = file.write_both(mark);
        drop(file);
        written.map_err(|source| self.fail("marking the end of", end.segment, source))
    }

    fn end(&self) -> Place {
        match &self.active {
            // One that was only begun is not on the disk yet: what is, ends in the segment before it.
            Some(active) if active.header.is_none() => Place {
                segment: active.segment.number,
                offset: active.offset,
                next: self.next,
                chain: self.chain,
            },
            _ => self.shared.mark().mark().end,
        }
    }

    fn fail(&self, doing: &'static str, segment: u64, source: io::Error) -> AppendError {
        AppendError::Failed { cause: self.shared.fail(Failure { doing, segment, source }) }
    }
}
