//! Walks over the entries of an expanded archive.

use super::gather::Gather;
use super::header::{BLOCK, Flaw, Header, Kind, is_zero};
use super::limits::Meter;
use super::{ArchiveError, EntryPath};
use std::io::{self, Read};

/// How much is read at once: memory follows what is there, not what a header claims.
const CHUNK: usize = 64 << 10;
/// Zeros up to a multiple of this may follow the end marker: some writers fill a tape's record.
const RECORD: u64 = 10_240;

/// Reads entries into a [`Gather`].
pub(super) struct Walk<R> {
    reader: R,
    meter: Meter,
    gather: Gather,
    /// Bytes read.
    offset: u64,
    /// The entry at hand, for messages.
    entry: String,
}

impl<R: Read> Walk<R> {
    pub(super) fn new(reader: R, meter: Meter) -> Self {
        Self { reader, meter, gather: Gather::default(), offset: 0, entry: "its first entry".to_owned() }
    }

    /// All entries up to the end; gives the reader back.
    pub(super) fn run(mut self) -> Result<(Gather, R, String), ArchiveError> {
        let mut block = [0; BLOCK];
        for number in 1usize.. {
            let offset = self.offset;
            self.exactly(&mut block)?;
            if is_zero(&block) {
                break;
            }
            let header = Header::parse(&block).map_err(|flaw| ArchiveError::Header {
                entry: name_in(&block).unwrap_or_else(|| format!("number {number}")),
                offset,
                flaw,
            })?;
            self.entry = header.shown();
            self.one(header)?;
        }
        self.end()?;
        Ok((self.gather, self.reader, self.entry))
    }

    fn one(&mut self, header: Header) -> Result<(), ArchiveError> {
        let entry = || header.shown();
        self.meter.entry(&self.entry)?;
        if !matches!(header.kind, Kind::File | Kind::Folder) {
            return Err(ArchiveError::Kind { entry: entry(), kind: header.kind });
        }
        let path =
            EntryPath::new(&header.name).map_err(|flaw| ArchiveError::Path { entry: entry(), flaw })?;
        if header.kind == Kind::Folder {
            return self.gather.folder(&path);
        }
        self.gather.file(&path)?;
        self.meter.room(&self.entry, header.size)?;
        let bytes = self.data(header.size)?;
        self.padding(header.size)?;
        self.gather.fill(path, bytes);
        Ok(())
    }

    fn data(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let mut left = size;
        while left > 0 {
            let chunk = left.min(CHUNK as u64) as usize;
            let from = bytes.len();
            bytes.resize(from + chunk, 0);
            self.exactly(&mut bytes[from..])?;
            left -= chunk as u64;
        }
        Ok(bytes)
    }

    fn padding(&mut self, size: u64) -> Result<(), ArchiveError> {
        let mut padding = [0; BLOCK];
        let padding = &mut padding[..(size.next_multiple_of(BLOCK as u64) - size) as usize];
        self.exactly(padding)?;
        if is_zero(padding) { Ok(()) } else { Err(self.flawed(Flaw::Padding)) }
    }

    /// The second block of the end marker, and zeros to the end of the record.
    fn end(&mut self) -> Result<(), ArchiveError> {
        let mut block = [0; BLOCK];
        self.exactly(&mut block)?;
        if !is_zero(&block) {
            return Err(self.flawed(Flaw::LoneZeros));
        }
        let record_end = self.offset.next_multiple_of(RECORD);
        loop {
            let n_read = self.some(&mut block)?;
            if n_read == 0 {
                return Ok(());
            }
            if self.offset > record_end || !is_zero(&block[..n_read]) {
                return Err(ArchiveError::Trailing { entry: self.entry.clone(), n_bytes: n_read as u64 });
            }
        }
    }

    /// Fill `out`, or say that the archive is truncated.
    fn exactly(&mut self, mut out: &mut [u8]) -> Result<(), ArchiveError> {
        while !out.is_empty() {
            let n_read = self.some(out)?;
            if n_read == 0 {
                return Err(ArchiveError::Truncated { entry: self.entry.clone() });
            }
            out = &mut out[n_read..];
        }
        Ok(())
    }

    fn some(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        let n_read = loop {
            match self.reader.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
                Ok(n_read) => break n_read,
            }
        };
        self.offset += n_read as u64;
        self.meter.take(&self.entry, n_read as u64)?;
        Ok(n_read)
    }

    fn failed(&self, source: io::Error) -> ArchiveError {
        let entry = self.entry.clone();
        match source.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::Truncated { entry },
            _ => ArchiveError::Damaged { entry, source },
        }
    }

    fn flawed(&self, flaw: Flaw) -> ArchiveError {
        ArchiveError::Header { entry: self.entry.clone(), offset: self.offset, flaw }
    }
}

/// The name field of a header that cannot be trusted otherwise.
fn name_in(block: &[u8; BLOCK]) -> Option<String> {
    let end = block[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
    let name = std::str::from_utf8(&block[..end]).ok()?;
    (!name.is_empty() && !name.contains(char::is_control)).then(|| name.to_owned())
}
