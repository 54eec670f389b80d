//! Archives made by hand, header byte by header byte.

use super::{LIBRARY, MANIFEST};

pub(super) const BLOCK: usize = 512;

/// An expanded archive in the making.
#[derive(Default, Clone)]
pub(super) struct Raw {
    bytes: Vec<u8>,
}

/// A header with a right checksum, changed by `change` before it is computed.
pub(super) fn header(name: &[u8], kind: u8, size: u64, change: impl FnOnce(&mut [u8; BLOCK])) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    block[100..107].copy_from_slice(b"0000644");
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    change(&mut block);
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, b)| u64::from(if (148..156).contains(&at) { b' ' } else { *b }))
        .sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

impl Raw {
    /// One that already holds a manifest and a library.
    pub(super) fn package() -> Self {
        Self::default().file("package.toml", MANIFEST.as_bytes()).file(LIBRARY, b"code")
    }

    pub(super) fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(name.as_bytes(), b'0', data)
    }

    pub(super) fn entry(self, name: &[u8], kind: u8, data: &[u8]) -> Self {
        self.with(name, kind, data, |_| {})
    }

    pub(super) fn with(
        self,
        name: &[u8],
        kind: u8,
        data: &[u8],
        change: impl FnOnce(&mut [u8; BLOCK]),
    ) -> Self {
        self.bytes(&header(name, kind, data.len() as u64, change)).data(data)
    }

    pub(super) fn data(self, data: &[u8]) -> Self {
        let padding = data.len().next_multiple_of(BLOCK) - data.len();
        self.bytes(data).bytes(&vec![0; padding])
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The end marker, and all of it.
    pub(super) fn end(self) -> Vec<u8> {
        self.bytes(&[0; 2 * BLOCK]).bytes
    }

    /// All of it, without an end.
    pub(super) fn cut(self) -> Vec<u8> {
        self.bytes
    }
}
