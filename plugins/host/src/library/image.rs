//! The header of a library as its file has it, so that it can be judged before the file is mapped: once it
//! is, its constructors have run.
//!
//! Reads 64-bit little-endian ELF files; of others, and of those whose sections were stripped, nothing is
//! known before they are mapped.

use super::error::LibraryError;
use acequia_abi::{HEADER_SIZE, Header, SYMBOL};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// The most bytes of one table of a file that are looked at.
const MOST: u64 = 64 << 20;

const SECTION_DYNAMIC_SYMBOLS: u32 = 11;
const SEGMENT_LOAD: u32 = 1;

/// The header that the file at `path` exports, if this can be told. A file that could be read and does not
/// export one is refused.
pub(super) fn header(path: &Path) -> Result<Option<Header>, LibraryError> {
    let unreadable = |source| LibraryError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    match find(&mut file) {
        Found::Header(header) => Ok(Some(*header)),
        Found::NoSymbol => Err(LibraryError::NoSymbol { path: path.to_owned(), symbol: SYMBOL }),
        Found::Truncated => Err(LibraryError::Truncated { path: path.to_owned() }),
        Found::Unknown => Ok(None),
    }
}

/// The ABI of the library with these bytes, if its header can be told.
pub(crate) fn header_abi(library: &[u8]) -> Option<u32> {
    match find(&mut Cursor::new(library)) {
        Found::Header(header) => Some(header.abi),
        Found::NoSymbol | Found::Truncated | Found::Unknown => None,
    }
}

enum Found {
    Header(Box<Header>),
    NoSymbol,
    /// The loader would map what is not there, and the process would end as it is touched.
    Truncated,
    Unknown,
}

fn find(file: &mut (impl Read + Seek)) -> Found {
    let Some((start, image)) = Image::open(file) else { return Found::Unknown };
    if !image.is_whole(file) {
        return Found::Truncated;
    }
    let Some((symbols, names)) = dynamic_symbols(file, &start) else { return Found::Unknown };
    let wanted = SYMBOL.as_bytes();
    let named = |symbol: &[u8]| {
        let rest = names.get(number::<4>(symbol, 0)? as usize..)?;
        Some(rest.strip_prefix(wanted)?.first() == Some(&0) && number::<2>(symbol, 6)? != 0)
    };
    let Some(symbol) = symbols.chunks_exact(24).find(|symbol| named(symbol).unwrap_or(false)) else {
        return Found::NoSymbol;
    };
    let read = || {
        let offset = image.offset(number::<8>(symbol, 8)?)?;
        let bytes = read_at(file, offset, HEADER_SIZE as u64)?;
        Some(Header::read(bytes.first_chunk::<HEADER_SIZE>()?))
    };
    let mut read = read;
    read().map_or(Found::Unknown, |header| Found::Header(Box::new(header)))
}

/// Where the parts of a file are mapped to.
struct Image {
    /// Address, place in the file, and length there.
    segments: Vec<(u64, u64, u64)>,
}

impl Image {
    /// The file's own header with its image, if it is a file of the kind that is read here.
    fn open(file: &mut (impl Read + Seek)) -> Option<(Vec<u8>, Self)> {
        let start = read_at(file, 0, 64)?;
        // The magic, then 64 bits, little-endian.
        if start.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        let programs = table(file, &start, (0x20, 0x36, 0x38))?;
        let segments = programs
            .iter()
            .filter(|program| number::<4>(program, 0) == Some(u64::from(SEGMENT_LOAD)))
            .filter_map(|program| {
                Some((number::<8>(program, 16)?, number::<8>(program, 8)?, number::<8>(program, 32)?))
            })
            .collect();
        Some((start, Self { segments }))
    }

    /// Whether the file holds all that is to be mapped.
    fn is_whole(&self, file: &mut impl Seek) -> bool {
        let Ok(len) = file.seek(SeekFrom::End(0)) else { return false };
        self.segments.iter().all(|(_, offset, size)| offset.checked_add(*size).is_some_and(|end| end <= len))
    }

    /// Where the byte at `address` is in the file.
    fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|(mapped, offset, len)| {
            let within = address.checked_sub(*mapped).filter(|within| within < len)?;
            offset.checked_add(within)
        })
    }
}

/// The dynamic symbols and their names.
fn dynamic_symbols(file: &mut (impl Read + Seek), start: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let sections = table(file, start, (0x28, 0x3a, 0x3c))?;
    let is_symbols = |section: &&Vec<u8>| number::<4>(section, 4) == Some(u64::from(SECTION_DYNAMIC_SYMBOLS));
    let symbols = sections.iter().find(is_symbols)?;
    let names = sections.get(number::<4>(symbols, 0x28)? as usize)?;
    let mut contents =
        |section: &[u8]| read_at(file, number::<8>(section, 0x18)?, number::<8>(section, 0x20)?);
    Some((contents(symbols)?, contents(names)?))
}

/// The entries of a table; `fields` says where in the file's header its place, the size of an entry and
/// their number stand.
fn table(file: &mut (impl Read + Seek), start: &[u8], fields: (usize, usize, usize)) -> Option<Vec<Vec<u8>>> {
    let (place, size, n) =
        (number::<8>(start, fields.0)?, number::<2>(start, fields.1)?, number::<2>(start, fields.2)?);
    let bytes = read_at(file, place, size.checked_mul(n)?)?;
    Some(
        bytes
            .chunks_exact(usize::try_from(size).ok().filter(|size| *size > 0)?)
            .map(<[u8]>::to_vec)
            .collect(),
    )
}

/// A little-endian number of `N` bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let found = bytes.get(at..)?.first_chunk::<N>()?;
    Some(found.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn read_at(file: &mut (impl Read + Seek), at: u64, len: u64) -> Option<Vec<u8>> {
    if len > MOST {
        return None;
    }
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    let read = file.take(len).read_to_end(&mut bytes).ok()?;
    (read as u64 == len).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Found, find};
    use std::io::Cursor;

    #[test]
    fn what_is_no_elf_file_or_a_broken_one_is_left_to_the_loader() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        // A test program has dynamic symbols, and none of ours.
        let found = find(&mut Cursor::new(&own));
        assert!(cfg!(not(target_os = "linux")) || matches!(found, Found::NoSymbol));
        assert!(matches!(find(&mut Cursor::new(b"MZ")), Found::Unknown));
        for at in 0..64 {
            assert!(matches!(find(&mut Cursor::new(&own[..at])), Found::Unknown), "cut at {at}");
        }
        // Mapped, it would end the process with a bus error.
        for at in [4_096, 65_536] {
            let found = find(&mut Cursor::new(&own[..at]));
            assert!(cfg!(not(target_os = "linux")) || matches!(found, Found::Truncated), "cut at {at}");
        }
    }

    #[test]
    fn damaged_tables_never_panic() {
        let mut own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for at in 0..64 {
            let before = own[at];
            for value in [0, 0x7f, 0xff] {
                own[at] = value;
                let _ = find(&mut Cursor::new(&own));
            }
            own[at] = before;
        }
    }
}
