//! Looking through a whole journal without changing anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::damage::{Damage, Flaw};
use super::frame::Home;
use super::mark::Mark;
use super::open::{OpenError, read_mark};
use super::record::{RecordKind, RecordRef};
use super::scan::{self, Torn};
use super::segment::header::Read;
use super::segment::{self, Header, Segment};
use super::shared::Shared;
use super::walk::{Progress, Step, Walk};
use uuid::Uuid;

use crate::Lsn;
use crate::disk::{Disk, DiskFile};

/// What a journal holds, and whether all of it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The journal's own id.
    pub journal: Uuid,
    /// What comes next, as far as it can be read.
    pub next: Lsn,
    /// Segment by segment.
    pub segments: Vec<SegmentReport>,
    /// Why the journal would not open, if it would not.
    pub damage: Option<Damage>,
    /// What was written last and never synced whole. Opening cuts it off.
    pub torn: Option<Torn>,
    /// Whether it was closed in order.
    pub was_closed: bool,
    /// One of the mark's two slots is not whole. Opening writes it again.
    pub mark_is_half: bool,
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: String,
    /// Its first record, if its header can be read.
    pub first: Option<Lsn>,
    /// Records that can be read, by kind.
    pub records: BTreeMap<RecordKind, u64>,
    /// Bytes that can be read, with the header.
    pub bytes: u64,
    /// From where on it cannot be read. In the last segment that may be the torn tail.
    pub damage: Option<Damage>,
}

impl SegmentReport {
    fn new(number: u64) -> Self {
        let (records, file) = (BTreeMap::new(), segment::name(number));
        Self { number, file, first: None, records, bytes: 0, damage: None }
    }

    /// Number of records that can be read.
    pub fn n_records(&self) -> u64 {
        self.records.values().sum()
    }
}

impl Report {
    /// Whether nothing is lost.
    pub fn is_whole(&self) -> bool {
        self.damage.is_none()
    }

    /// Number of records that can be read.
    pub fn n_records(&self) -> u64 {
        self.segments.iter().map(SegmentReport::n_records).sum()
    }
}

/// Looks through the journal of a folder that no engine has open. `None` if there is no journal.
pub fn verify(disk: &dyn Disk) -> Result<Option<Report>, OpenError> {
    let _lock = disk.lock()?;
    let Some((file, mark_is_half)) = read_mark(disk)? else { return Ok(None) };
    let mark = file.mark();
    let mut next = mark.first;
    let mut note = |record: &RecordRef<'_>| next = record.lsn.next();
    let (damage, torn) = match scan::scan(disk, mark, Some(&mut note)) {
        Ok(found) => (None, found.torn),
        Err(scan::Refused::Damaged(damage)) => (Some(damage), None),
        Err(refused) => return Err(OpenError::refused(refused)),
    };
    let segments = read_all(disk, &mark).map_err(OpenError::io("reading the journal"))?;
    // What is whole by its checksums and no records, only those who read them notice.
    let unread =
        segments.iter().find_map(|segment| segment.damage.filter(|found| found.flaw == Flaw::Records));
    let was_closed = mark.is_closed;
    let journal = mark.journal;
    Ok(Some(Report { journal, next, segments, damage: damage.or(unread), torn, was_closed, mark_is_half }))
}

/// Looks through what is synced of a journal that is open.
pub(super) fn verify_open(shared: &Shared) -> std::io::Result<Report> {
    let mut segments = Vec::new();
    for segment in shared.segments.all() {
        let mut report = SegmentReport::new(segment.number);
        report.first = Some(segment.first);
        let limit = segment.end();
        let stop = read_frames(&segment, limit, &mut report)?;
        report.damage = flaw(stop, report.bytes < limit).map(|flaw| at(&report, flaw)).or(report.damage);
        segments.push(report);
    }
    let damage = segments.iter().find_map(|segment| segment.damage);
    let (journal, next) = (shared.id, shared.synced());
    Ok(Report { journal, next, segments, damage, torn: None, was_closed: false, mark_is_half: false })
}

/// Reads each segment by itself, so that damage in one does not hide what is in the next.
fn read_all(disk: &dyn Disk, mark: &Mark) -> std::io::Result<Vec<SegmentReport>> {
    let mut found: Vec<(SegmentReport, Read, Arc<dyn DiskFile>)> = Vec::new();
    for name in disk.list()? {
        let Some(number) = segment::number(&name).filter(|number| *number >= mark.floor) else { continue };
        let file = disk.open(&name)?;
        found.push((SegmentReport::new(number), scan::read_header(&*file)?, file));
    }
    // The spare holds nothing.
    while found.last().is_some_and(|(_, read, _)| *read == Read::Blank) {
        found.pop();
    }
    let headers: BTreeMap<u64, Header> =
        found.iter().filter_map(|(report, read, _)| header(report, *read)).collect();
    let mut reports = Vec::new();
    for (mut report, _, file) in found {
        match headers.get(&report.number).filter(|header| header.number == report.number) {
            Some(header) => {
                report.first = Some(header.first);
                let home = Home::new(mark.journal, report.number);
                let segment = Segment::new(header, home, file);
                let end =
                    headers.get(&report.number.saturating_add(1)).map(|behind| u64::from(behind.end_before));
                let stop = read_frames(&segment, end.unwrap_or(header.capacity), &mut report)?;
                let is_short = end.is_some_and(|end| report.bytes < end);
                report.damage = flaw(stop, is_short).map(|flaw| at(&report, flaw)).or(report.damage);
            }
            None => report.damage = Some(at(&report, Flaw::SegmentHeader)),
        }
        reports.push(report);
    }
    Ok(reports)
}

fn header(report: &SegmentReport, read: Read) -> Option<(u64, Header)> {
    if let Read::Header(header) = read { Some((report.number, header)) } else { None }
}

fn at(report: &SegmentReport, flaw: Flaw) -> Damage {
    Damage { segment: report.number, offset: report.bytes, flaw }
}

/// What a walk's last step says of a segment that must go on.
fn flaw(stop: Step, is_short: bool) -> Option<Flaw> {
    match stop {
        Step::Flaw(flaw) => Some(flaw),
        Step::Blank if is_short => Some(Flaw::Blank),
        Step::End if is_short => Some(Flaw::Sequence),
        Step::Frame(_) | Step::Blank | Step::End => None,
    }
}

fn read_frames(segment: &Segment, limit: u64, report: &mut SegmentReport) -> std::io::Result<Step> {
    let start = segment.landmark(segment.first);
    report.bytes = start.offset;
    let mut walk = Walk::new(segment, start, limit);
    loop {
        let frame = match walk.step()? {
            Step::Frame(frame) => frame,
            stop => return Ok(stop),
        };
        let mut progress = Progress::default();
        loop {
            match walk.record(frame, &mut progress) {
                Ok(Some(record)) => *report.records.entry(record.kind).or_default() += 1,
                Ok(None) => break,
                Err(flaw) => {
                    report.damage = report.damage.or(Some(at(report, flaw)));
                    break;
                }
            }
        }
        report.bytes = walk.place().offset;
    }
}
