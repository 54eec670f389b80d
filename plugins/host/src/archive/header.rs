//! One header of a `ustar` file, read without goodwill and written without choices.

use super::path::EntryPath;

/// Bytes of a header, and the unit in which entries are padded.
pub(super) const BLOCK: usize = 512;

const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const UID: std::ops::Range<usize> = 108..116;
const GID: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const DEV_MAJOR: std::ops::Range<usize> = 329..337;
const DEV_MINOR: std::ops::Range<usize> = 337..345;
const PREFIX: std::ops::Range<usize> = 345..500;
const REST: std::ops::Range<usize> = 500..512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file.
    #[error("a regular file")]
    File,
    /// A folder.
    #[error("a folder")]
    Folder,
    /// A second name of a file.
    #[error("a hard link")]
    HardLink,
    /// A link by path.
    #[error("a symbolic link")]
    SymbolicLink,
    /// A character device.
    #[error("a character device")]
    CharacterDevice,
    /// A block device.
    #[error("a block device")]
    BlockDevice,
    /// A named pipe.
    #[error("a fifo")]
    Fifo,
    /// A socket in a folder.
    #[error("a socket")]
    Socket,
    /// A header for the next entry, or for all that follow.
    #[error("a pax extension")]
    Pax,
    /// A name or link target too long for a header.
    #[error("a GNU long name")]
    GnuLongName,
    /// A file with holes.
    #[error("a sparse file")]
    Sparse,
    /// Any other type.
    #[error("of unknown type {0:#04x}")]
    Unknown(u8),
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// It is not in the format that we write.
    #[error("has no ustar header")]
    Magic,
    /// It was altered.
    #[error("has a header whose checksum is wrong")]
    Checksum,
    /// Something stands behind the end of a field.
    #[error("has hidden bytes behind its name or in unused fields")]
    Hidden,
    /// Its size is not a plain octal number.
    #[error("has a size that is no plain octal number")]
    Size,
    /// A folder has data.
    #[error("is a folder with data")]
    FolderWithData,
    /// A file names a link target.
    #[error("is no link but names a target")]
    LinkTarget,
    /// A block of zeros, and then more.
    #[error("stands behind a single block of zeros")]
    LoneZeros,
    /// The bytes between two entries are not zero.
    #[error("has hidden bytes in its padding")]
    Padding,
}

/// A header, as far as we want to know it.
#[derive(Debug)]
pub(super) struct Header {
    /// Prefix and name, joined; a folder's last slash is taken off.
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) size: u64,
}

/// Whether a block is all zeros.
pub(super) fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

impl Header {
    /// Read one that is not all zeros.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, Flaw> {
        if &block[MAGIC] != b"ustar\x0000" {
            return Err(Flaw::Magic);
        }
        if octal(&block[CHECKSUM]) != Some(checksum(block)) {
            return Err(Flaw::Checksum);
        }
        let kind = kind(block[TYPE]);
        let mut name = field(&block[PREFIX])?.to_vec();
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(field(&block[NAME])?);
        let header = Self { name, kind, size: octal(&block[SIZE]).ok_or(Flaw::Size)? };
        header.checked(block)
    }

    fn checked(mut self, block: &[u8; BLOCK]) -> Result<Self, Flaw> {
        // Links and the like are refused by their kind, whatever else they say.
        if !matches!(self.kind, Kind::File | Kind::Folder) {
            return Ok(self);
        }
        if !is_zero(&block[LINK]) {
            return Err(Flaw::LinkTarget);
        }
        if !is_zero(&block[REST]) {
            return Err(Flaw::Hidden);
        }
        if self.kind == Kind::Folder {
            if self.size != 0 {
                return Err(Flaw::FolderWithData);
            }
            self.name.pop_if(|last| *last == b'/');
        }
        Ok(self)
    }

    /// The name for a message.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// The header of a regular file: no owner, no time, mode 0644.
pub(super) fn of_file(path: &EntryPath, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let (prefix, name) = path.split();
    put(&mut block[NAME], name.as_bytes());
    put(&mut block[PREFIX], prefix.as_bytes());
    put(&mut block[MODE], b"0000644");
    for zero in [UID, GID, DEV_MAJOR, DEV_MINOR] {
        put(&mut block[zero], b"0000000");
    }
    put(&mut block[SIZE], format!("{size:011o}").as_bytes());
    put(&mut block[MTIME], b"00000000000");
    block[TYPE] = b'0';
    put(&mut block[MAGIC], b"ustar\x0000");
    let sum = checksum(&block);
    put(&mut block[CHECKSUM], format!("{sum:06o}\0 ").as_bytes());
    block
}

fn put(field: &mut [u8], bytes: &[u8]) {
    field[..bytes.len()].copy_from_slice(bytes);
}

/// A field up to its first zero byte, with nothing behind it.
fn field(field: &[u8]) -> Result<&[u8], Flaw> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    if is_zero(&field[end..]) { Ok(&field[..end]) } else { Err(Flaw::Hidden) }
}

/// Octal digits, ended by a zero byte or a space.
fn octal(field: &[u8]) -> Option<u64> {
    let n_digits = field.iter().position(|byte| !(b'0'..=b'7').contains(byte))?;
    let (digits, rest) = field.split_at(n_digits);
    if digits.is_empty() || rest.iter().any(|byte| ![0, b' '].contains(byte)) {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, digit| sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')))
}

/// The sum of all bytes, those of the checksum taken as spaces.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let is_own = |at: &usize| CHECKSUM.contains(at);
    block.iter().enumerate().map(|(at, byte)| u64::from(if is_own(&at) { b' ' } else { *byte })).sum()
}

fn kind(flag: u8) -> Kind {
    match flag {
        b'0' | 0 => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::SymbolicLink,
        b'3' => Kind::CharacterDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Folder,
        b'6' => Kind::Fifo,
        b'x' | b'g' => Kind::Pax,
        b'L' | b'K' => Kind::GnuLongName,
        b'S' => Kind::Sparse,
        other => Kind::Unknown(other),
    }
}
