//! What replies of graphs and accumulators hold, in the order in which it is written and read.
//!
//! A graph's turn: how it ended (`u8`), the firing in hand (`u32`, counted from the turn's first), after a
//! failure the fault; then for each terminal the number of its values (`u32`) and the values; after a
//! failure, once more for each terminal, those of the branches that the failure did not touch. The rest of
//! a firing that pends ends in whether it failed (`u8`), the fault if so, and the terminals' values.
//!
//! Where it is asked which firings the outputs of a graph's turn come from, its report goes on with those: for
//! each terminal a byte, and if that is 1, for each of its values the position of the firing among the turn's
//! (`u32`, never less than the one before). If it is 0, the values come from the turn's first firings, one each.
//!
//! An accumulator's call begins with when it is due (an optional `u64`, the bits of the clock's nanoseconds)
//! and how many events it holds (`u64`). After `Accept` follow the number of fates (`u32`), the fates, whether it failed (`u8`)
//! with the step (`u8`) and the fault if so, and whether the next event pends (`u8`). After `Start`, whether
//! it failed, with the fault. After `Tick` and `Flush` the same, and if not, what was released (two `u64`,
//! and whether there is more). Then always the number of boundaries (`u32`), or of evicted events, and those.
//! The rest of an event that pends ends in whether there is a boundary (`u8`), and the boundary.
//!
//! An accumulator's state: whether it keeps any (`u8`), and if so the hash of its schema, the name of its type,
//! the schema and the state. Of a state that it was given: when it is due and what it holds, as above; whether
//! it took it (`u8`), and if not, why, as text; or the fault.

use crate::fault::Fault;
use crate::frames::{FrameError, Reader, Writer};

/// How a graph's turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphEnd {
    /// Every firing completed.
    Done,
    /// The firing in hand failed.
    Failed(Fault),
    /// The firing in hand awaits something.
    Pending,
}

impl GraphEnd {
    /// Append it, with the firing in hand.
    pub fn write(&self, cursor: usize, writer: &mut Writer<'_>) {
        writer.u8(match self {
            Self::Done => 0,
            Self::Failed(_) => 1,
            Self::Pending => 2,
        });
        writer.u32(u32::try_from(cursor).unwrap_or(u32::MAX));
        if let Self::Failed(fault) = self {
            fault.write(writer);
        }
    }

    /// Read it, with the firing in hand.
    ///
    /// # Errors
    /// If the reply is malformed.
    pub fn read(reader: &mut Reader<'_>) -> Result<(Self, usize), FrameError> {
        let end = reader.u8()?;
        let cursor = reader.u32()? as usize;
        let end = match end {
            0 => Self::Done,
            1 => Self::Failed(Fault::read(reader)?),
            2 => Self::Pending,
            _ => return Err(reader.error()),
        };
        Ok((end, cursor))
    }
}

/// Append the positions of the firings that the values of one terminal come from.
pub fn write_origins(positions: &[u32], writer: &mut Writer<'_>) {
    let is_one_each = positions.iter().enumerate().all(|(value, firing)| value == *firing as usize);
    writer.u8(u8::from(!is_one_each));
    if !is_one_each {
        positions.iter().for_each(|position| writer.u32(*position));
    }
}

/// Read those of `n` values, each of which comes from one of `firings`; `take` is given one after the other.
///
/// # Errors
/// If the reply is malformed.
pub fn read_origins(
    reader: &mut Reader<'_>,
    n: usize,
    firings: usize,
    take: &mut dyn FnMut(usize),
) -> Result<(), FrameError> {
    let is_listed = match reader.u8()? {
        0 if n <= firings => false,
        1 => true,
        _ => return Err(reader.error()),
    };
    let mut least = 0;
    for value in 0..n {
        let position = if is_listed { reader.u32()? as usize } else { value };
        if position < least || position >= firings {
            return Err(reader.error());
        }
        least = position;
        take(position);
    }
    Ok(())
}

/// Append a fault, if there is one.
pub fn write_failure(fault: Option<&Fault>, writer: &mut Writer<'_>) {
    writer.u8(u8::from(fault.is_some()));
    if let Some(fault) = fault {
        fault.write(writer);
    }
}

/// Read a fault, if there is one.
///
/// # Errors
/// If the reply is malformed.
pub fn read_failure(reader: &mut Reader<'_>) -> Result<Option<Fault>, FrameError> {
    match reader.u8()? {
        0 => Ok(None),
        _ => Fault::read(reader).map(Some),
    }
}

/// The state of an accumulator, as it crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateReport<'a> {
    /// Hash of its schema.
    pub hash: [u8; 16],
    /// Name of its type, for messages.
    pub name: &'a str,
    /// Its schema, for messages.
    pub schema: &'a str,
    /// The encoded state.
    pub bytes: &'a [u8],
}

impl<'a> StateReport<'a> {
    /// Append it, if there is one.
    pub fn write(report: Option<&Self>, writer: &mut Writer<'_>) {
        writer.u8(u8::from(report.is_some()));
        if let Some(report) = report {
            writer.bytes(&report.hash);
            writer.bytes(report.name.as_bytes());
            writer.bytes(report.schema.as_bytes());
            writer.bytes(report.bytes);
        }
    }

    /// Read it, if there is one.
    ///
    /// # Errors
    /// If the reply is malformed.
    pub fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, FrameError> {
        if reader.u8()? == 0 {
            return Ok(None);
        }
        let error = reader.error();
        let hash = reader.bytes()?.try_into().map_err(|_| error)?;
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| error);
        let (name, schema) = (text(reader.bytes()?)?, text(reader.bytes()?)?);
        Ok(Some(Self { hash, name, schema, bytes: reader.bytes()? }))
    }
}

/// What became of a state that was given to an accumulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It goes on with it.
    Yes,
    /// It keeps another type, which the text names.
    Other(String),
    /// The state is unreadable.
    Unreadable(Fault),
    /// The migration, or the part, failed.
    Failed(Fault),
}

impl Taken {
    /// Append it.
    pub fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Yes => writer.u8(0),
            Self::Other(kept) => {
                writer.u8(1);
                writer.bytes(kept.as_bytes());
            }
            Self::Unreadable(fault) => {
                writer.u8(2);
                fault.write(writer);
            }
            Self::Failed(fault) => {
                writer.u8(3);
                fault.write(writer);
            }
        }
    }

    /// Read it.
    ///
    /// # Errors
    /// If the reply is malformed.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(match reader.u8()? {
            0 => Self::Yes,
            1 => Self::Other(reader.text()?),
            2 => Self::Unreadable(Fault::read(reader)?),
            3 => Self::Failed(Fault::read(reader)?),
            _ => return Err(reader.error()),
        })
    }
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FateReport {
    /// What became of it: `0x00` and the way it settled, `0x10` held, `0x20` and the reason it was dropped.
    pub code: u8,
    /// How many boundaries came of it.
    pub emitted: u32,
    /// Held events that were handed on before the next event.
    pub handed_on: u64,
    /// Held events that were filtered before the next event.
    pub filtered: u64,
}

impl FateReport {
    const RELEASES: u8 = 0x80;

    /// Append it; most fates take five bytes.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let releases = (self.handed_on, self.filtered) != (0, 0);
        writer.u8(self.code | if releases { Self::RELEASES } else { 0 });
        writer.u32(self.emitted);
        if releases {
            writer.u64(self.handed_on);
            writer.u64(self.filtered);
        }
    }

    /// Read it.
    ///
    /// # Errors
    /// If the reply is malformed.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (code, emitted) = (reader.u8()?, reader.u32()?);
        let (handed_on, filtered) =
            if code & Self::RELEASES == 0 { (0, 0) } else { (reader.u64()?, reader.u64()?) };
        Ok(Self { code: code & !Self::RELEASES, emitted, handed_on, filtered })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        FateReport, GraphEnd, StateReport, Taken, read_failure, read_origins, write_failure, write_origins,
    };
    use crate::fault::Fault;
    use crate::frames::{Reader, Writer};

    #[test]
    fn ends_of_turns_cross_unchanged() {
        for end in [GraphEnd::Done, GraphEnd::Failed(Fault::error("no")), GraphEnd::Pending] {
            let mut bytes = Vec::new();
            end.write(41, &mut Writer::new(&mut bytes));
            assert_eq!(GraphEnd::read(&mut Reader::new(&bytes)), Ok((end, 41)));
        }
        for (handed_on, filtered) in [(0, 0), (3, 0), (0, u64::MAX)] {
            let fate = FateReport { code: 0x26, emitted: 7, handed_on, filtered };
            let mut bytes = Vec::new();
            fate.write(&mut Writer::new(&mut bytes));
            assert_eq!(FateReport::read(&mut Reader::new(&bytes)), Ok(fate));
        }
        for fault in [None, Some(Fault::error("no"))] {
            let mut bytes = Vec::new();
            write_failure(fault.as_ref(), &mut Writer::new(&mut bytes));
            assert_eq!(read_failure(&mut Reader::new(&bytes)), Ok(fault));
        }
    }

    #[test]
    fn origins_cross_unchanged_and_those_that_cannot_be_are_refused() {
        let read = |bytes: &[u8], n, firings| {
            let mut positions = Vec::new();
            let mut reader = Reader::new(bytes);
            let read = read_origins(&mut reader, n, firings, &mut |position| positions.push(position as u32));
            read.map(|()| (positions, reader.is_empty()))
        };
        for positions in [&[][..], &[0, 1, 2], &[0, 2], &[3], &[1, 1, 3]] {
            let mut bytes = Vec::new();
            write_origins(positions, &mut Writer::new(&mut bytes));
            assert_eq!(read(&bytes, positions.len(), 4), Ok((positions.to_vec(), true)));
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end], positions.len(), 4).is_err(), "cut at {end}");
            }
        }
        let listed = |positions: &[u32]| {
            let mut bytes = vec![1];
            positions.iter().for_each(|position| Writer::new(&mut bytes).u32(*position));
            bytes
        };
        assert!(read(&[0], 5, 4).is_err(), "more values than firings");
        assert!(read(&[2], 0, 4).is_err(), "a form that is unknown");
        assert!(read(&listed(&[2, 1]), 2, 4).is_err(), "back to an earlier firing");
        assert!(read(&listed(&[4]), 1, 4).is_err(), "no such firing");
    }

    #[test]
    fn states_and_what_became_of_them_cross_unchanged() {
        let report = StateReport { hash: [7; 16], name: "Sum", schema: "i64", bytes: b"\x01\x00" };
        for report in [None, Some(report)] {
            let mut bytes = Vec::new();
            StateReport::write(report.as_ref(), &mut Writer::new(&mut bytes));
            assert_eq!(StateReport::read(&mut Reader::new(&bytes)), Ok(report));
            for end in 0..bytes.len() {
                assert!(StateReport::read(&mut Reader::new(&bytes[..end])).is_err(), "cut at {end}");
            }
        }
        let fault = || Fault::error("no");
        for taken in
            [Taken::Yes, Taken::Other("i64".into()), Taken::Unreadable(fault()), Taken::Failed(fault())]
        {
            let mut bytes = Vec::new();
            taken.write(&mut Writer::new(&mut bytes));
            assert_eq!(Taken::read(&mut Reader::new(&bytes)), Ok(taken));
        }
    }
}
