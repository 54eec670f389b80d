//! Finding out how far a journal reaches, and whether all of it is there.

mod tail;

use std::io;
use std::sync::Arc;

use super::damage::{Damage, Flaw};
use super::frame::Home;
use super::mark::{Mark, Place};
use super::record::RecordRef;
use super::segment::header::{self, Read};
use super::segment::{self, Header, Landmark, Segment};
use super::walk::{Progress, Step, Walk};
use crate::disk::{Disk, DiskFile};

/// A journal as it was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The segments with records; the last one is still open.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Where it ends.
    pub(super) end: Place,
    pub(super) n_records: u64,
    /// The bytes behind the end that are not zero.
    pub(super) torn: Option<Torn>,
    /// The segment behind the last one, if its file is there and blank.
    pub(super) spare: Option<(u64, Arc<dyn DiskFile>)>,
    /// Files that hold nothing: below what is kept, or behind the spare.
    pub(super) leftovers: Vec<u64>,
}

/// What was written last and never synced whole. Nobody was told that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Number of the segment.
    pub segment: u64,
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
}

/// Why a journal could not be scanned.
#[derive(Debug)]
pub(super) enum Refused {
    Damaged(Damage),
    Version { segment: u64, version: u32 },
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A segment's file and what stands first in it.
struct Candidate {
    number: u64,
    file: Arc<dyn DiskFile>,
    read: Read,
}

/// Shown each record, in order.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&RecordRef<'_>);

/// Reads the whole journal.
pub(super) fn scan(disk: &dyn Disk, mark: Mark, visit: Option<Visit<'_>>) -> Result<Found, Refused> {
    let (leftovers, candidates) = candidates(disk, &mark)?;
    let mut scan = Scan::new(mark, candidates, visit);
    while let Some(header) = scan.current()? {
        scan.segment(&header)?;
    }
    scan.conclude(leftovers)
}

/// What lies in a segment's first bytes; zeros where the file is too short for them.
pub(super) fn read_header(file: &dyn DiskFile) -> io::Result<Read> {
    let mut bytes = [0; header::SIZE];
    file.read_at(&mut bytes, 0)?;
    Ok(Header::read(&bytes))
}

fn candidates(disk: &dyn Disk, mark: &Mark) -> Result<(Vec<u64>, Vec<Candidate>), Refused> {
    let mut leftovers = Vec::new();
    let mut candidates = Vec::new();
    // Names with leading zeros are in the order of their numbers.
    for name in disk.list()? {
        let Some(number) = segment::number(&name) else { continue };
        if number < mark.floor {
            leftovers.push(number);
            continue;
        }
        let file = disk.open(&name)?;
        let read = read_header(&*file)?;
        candidates.push(Candidate { number, file, read });
    }
    Ok((leftovers, candidates))
}

struct Scan<'a> {
    mark: Mark,
    candidates: Vec<Candidate>,
    visit: Option<Visit<'a>>,
    segments: Vec<Arc<Segment>>,
    /// What the next frame or segment must say.
    next: Landmark,
    n_records: u64,
    /// Why the last segment's walk went no further.
    stop: Option<Flaw>,
}

impl<'a> Scan<'a> {
    fn new(mark: Mark, candidates: Vec<Candidate>, visit: Option<Visit<'a>>) -> Self {
        let next = Landmark { lsn: mark.first, offset: 0, chain: mark.end.chain };
        Self { mark, candidates, visit, segments: Vec::new(), next, n_records: 0, stop: None }
    }

    fn number(&self) -> u64 {
        self.mark.floor.saturating_add(self.segments.len() as u64)
    }

    fn candidate(&self, number: u64) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.number == number)
    }

    /// The header of the segment that comes next, if there is one.
    fn current(&self) -> Result<Option<Header>, Refused> {
        let number = self.number();
        match self.candidate(number).map(|candidate| candidate.read) {
            Some(Read::Header(header)) => Ok(Some(header)),
            Some(Read::Version(version)) => Err(Refused::Version { segment: number, version }),
            Some(Read::Blank | Read::Flawed) | None => Ok(None),
        }
    }

    fn damaged(segment: u64, offset: u64, flaw: Flaw) -> Refused {
        Refused::Damaged(Damage { segment, offset, flaw })
    }

    /// Walks through the segment that comes next.
    fn segment(&mut self, header: &Header) -> Result<(), Refused> {
        let number = self.number();
        self.demand_place(header)?;
        let Some(candidate) = self.candidate(number) else {
            unreachable!("its header was read from it");
        };
        let home = Home::new(header.journal, number);
        let segment = Arc::new(Segment::new(header, home, Arc::clone(&candidate.file)));
        // The segment behind it was begun when this one was synced, and says where it ends.
        let behind = match self.candidate(number.saturating_add(1)).map(|candidate| candidate.read) {
            Some(Read::Header(header)) => Some(u64::from(header.end_before)),
            _ => None,
        };
        let limit = behind.unwrap_or(segment.capacity);
        let start = segment.landmark(header.first);
        let stop = self.walk(&segment, Walk::new(&segment, start, limit))?;
        let offset = self.next.offset;
        if behind.is_some() {
            match stop {
                Step::Blank => return Err(Self::damaged(number, offset, Flaw::Blank)),
                Step::Flaw(flaw) => return Err(Self::damaged(number, offset, flaw)),
                _ if offset != limit => return Err(Self::damaged(number, offset, Flaw::Sequence)),
                _ => segment.close(self.next.lsn),
            }
        }
        self.stop = if let Step::Flaw(flaw) = stop { Some(flaw) } else { None };
        segment.synced_to(offset);
        self.segments.push(segment);
        Ok(())
    }

    /// The segment must be the one that comes here.
    fn demand_place(&self, header: &Header) -> Result<(), Refused> {
        let number = self.number();
        if header.journal != self.mark.journal {
            return Err(Self::damaged(number, 0, Flaw::Foreign));
        }
        let is_first = self.segments.is_empty();
        let follows = u64::from(header.end_before) == self.next.offset && header.chain == self.next.chain;
        if header.number != number || header.first != self.next.lsn || !(is_first || follows) {
            return Err(Self::damaged(number, 0, Flaw::Sequence));
        }
        Ok(())
    }

    fn walk(&mut self, segment: &Segment, mut walk: Walk) -> Result<Step, Refused> {
        let stop = loop {
            let before = walk.place();
            let frame = match walk.step()? {
                Step::Frame(frame) => frame,
                stop => break stop,
            };
            segment.note(before);
            self.n_records += u64::from(frame.header.n_records);
            let Some(visit) = &mut self.visit else { continue };
            let mut progress = Progress::default();
            loop {
                match walk.record(frame, &mut progress) {
                    Ok(Some(record)) => visit(&record),
                    Ok(None) => break,
                    Err(flaw) => return Err(Self::damaged(segment.number, frame.offset, flaw)),
                }
            }
        };
        self.next = walk.place();
        Ok(stop)
    }

    /// Decides what is behind the end.
    fn conclude(self, mut leftovers: Vec<u64>) -> Result<Found, Refused> {
        let segment = self.segments.last().map_or(0, |last| last.number);
        let end = Place { segment, offset: self.next.offset, next: self.next.lsn, chain: self.next.chain };
        let torn = if self.is_as_closed(end) { None } else { self.judge(end)? };
        let behind = self.number();
        let mut spare = None;
        for candidate in self.candidates.into_iter().filter(|candidate| candidate.number >= behind) {
            let is_torn = torn.is_some_and(|torn| torn.segment == candidate.number);
            if candidate.number == behind && candidate.read == Read::Blank && !is_torn {
                spare = Some((candidate.number, candidate.file));
            } else {
                leftovers.push(candidate.number);
            }
        }
        Ok(Found { segments: self.segments, end, n_records: self.n_records, torn, spare, leftovers })
    }

    /// Whether it ends where it was closed, so that there is nothing behind to judge.
    fn is_as_closed(&self, end: Place) -> bool {
        let is_untouched = |candidate: &Candidate| candidate.read == Read::Blank;
        self.mark.is_closed
            && self.mark.end == end
            && self.stop.is_none()
            && self.candidates.iter().skip(self.segments.len()).all(is_untouched)
    }

    /// Tells a torn tail from damage. Whatever proves that more was synced makes it damage.
    fn judge(&self, end: Place) -> Result<Option<Torn>, Refused> {
        let flaw = self.stop.unwrap_or(Flaw::Blank);
        let mut torn = None;
        if let Some(last) = self.segments.last() {
            let proves = |header: &super::frame::Header| u64::from(header.group) > end.offset;
            let tail = tail::look(&*last.file, last.home, end.offset, proves)?;
            if tail.proof.is_some() {
                return Err(Self::damaged(last.number, end.offset, flaw));
            }
            if tail.end > end.offset {
                torn = Some(Torn { segment: last.number, offset: end.offset, bytes: tail.end - end.offset });
            }
            self.demand_length(last, end)?;
        }
        let behind = self.number();
        for candidate in self.candidates.iter().skip(self.segments.len()) {
            torn = self.judge_unused(candidate, behind, end, torn)?;
        }
        self.demand_reach(end, flaw)?;
        Ok(torn)
    }

    /// A file that is thought to hold nothing.
    fn judge_unused(
        &self,
        candidate: &Candidate,
        behind: u64,
        end: Place,
        torn: Option<Torn>,
    ) -> Result<Option<Torn>, Refused> {
        let is_next = candidate.number == behind;
        let home = Home::new(self.mark.journal, candidate.number);
        // The next one may be torn in its first group; whatever else stands in it, or in any later one,
        // was written when the next one was synced.
        let proves = |header: &super::frame::Header| !is_next || header.group > 0;
        let tail = tail::look(&*candidate.file, home, 0, proves)?;
        if tail.proof.is_some() || (!is_next && matches!(candidate.read, Read::Header(_))) {
            let is_there = self.candidate(behind).is_some();
            let flaw = if is_there { Flaw::SegmentHeader } else { Flaw::Missing };
            return Err(Self::damaged(behind, 0, flaw));
        }
        if tail.end == 0 || !is_next {
            return Ok(torn);
        }
        // It was begun, so all before it was synced.
        match torn {
            Some(_) => Err(Self::damaged(end.segment, end.offset, self.stop.unwrap_or(Flaw::Header))),
            None => Ok(Some(Torn { segment: candidate.number, offset: 0, bytes: tail.end })),
        }
    }

    /// Segments have their full length before anything is written to them.
    fn demand_length(&self, last: &Segment, end: Place) -> Result<(), Refused> {
        let is_closed_there = self.mark.is_closed && self.mark.end == end;
        if is_closed_there || last.file.n_bytes()? >= last.capacity {
            return Ok(());
        }
        Err(Self::damaged(last.number, end.offset, Flaw::Short))
    }

    /// What the mark knows to be synced must be there.
    fn demand_reach(&self, end: Place, flaw: Flaw) -> Result<(), Refused> {
        let known = self.mark.end;
        if end.next < known.next {
            let behind = self.number();
            let is_missing = known.segment >= behind && self.candidate(behind).is_none();
            return Err(match is_missing {
                true => Self::damaged(behind, 0, Flaw::Missing),
                false => Self::damaged(end.segment.max(self.mark.floor), end.offset, flaw),
            });
        }
        // A segment that was begun since takes part in the chain.
        if end.next == known.next && end.segment == known.segment && end.chain != known.chain {
            return Err(Self::damaged(end.segment, end.offset, Flaw::Sequence));
        }
        Ok(())
    }
}
