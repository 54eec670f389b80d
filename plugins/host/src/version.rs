//! Names of contents: hashes that do not depend on how the contents are laid out.

use crate::archive::Contents;
use crate::signature::hex_bytes;
use std::fmt;
use std::str::FromStr;

/// Changes when the way of hashing does.
const CONTEXT: &str = "acequia 2026-11 package version v1";

/// A BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// One state of a package's code, named by the hash of its libraries and declarations.
///
/// Archive layout, sources and `package.toml` do not count; the manifest has a [`Digest`] of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(Digest);

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("E0870: {found:?} is no digest: 64 characters of 0 to 9 and a to f")]
pub struct DigestError {
    /// The text.
    pub found: String,
}

impl Digest {
    /// The hash of some bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve characters, for tables.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Version {
    /// The version of `contents` whose library declares `declared`: the canonical bytes that it gave.
    ///
    /// All libraries count, those for other targets too, so that a version means the same on every host.
    pub fn of(contents: &Contents, declared: &[u8]) -> Self {
        let mut frames = Frames::new(CONTEXT);
        frames.tag(b'l', contents.libraries().count());
        for library in contents.libraries() {
            frames.bytes(library.path.as_str().as_bytes());
            frames.bytes(library.bytes);
        }
        frames.tag(b'd', 1);
        frames.bytes(declared);
        Self(frames.finish())
    }

    /// The hash.
    pub fn digest(&self) -> Digest {
        self.0
    }

    /// The first twelve characters, for tables.
    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl From<Version> for acequia_core::package::Version {
    fn from(version: Version) -> Self {
        version.to_string().into()
    }
}

impl From<Digest> for Version {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

/// Hashes pieces so that no two lists of pieces look alike: each is preceded by its length.
pub(crate) struct Frames {
    hasher: blake3::Hasher,
}

impl Frames {
    pub(crate) fn new(context: &str) -> Self {
        Self { hasher: blake3::Hasher::new_derive_key(context) }
    }

    /// What comes next, and how many of it.
    pub(crate) fn tag(&mut self, tag: u8, count: usize) {
        self.hasher.update(&[tag]);
        self.hasher.update(&(count as u64).to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(*self.hasher.finalize().as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let refused = || DigestError { found: text.chars().take(80).collect() };
        hex_bytes(text).map(Self).ok_or_else(refused)
    }
}

impl FromStr for Version {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(Self)
    }
}
