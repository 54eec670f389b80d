//! Where packages come from: bytes that somebody gives, and what they declare.

use super::point::DeployPoint;
use crate::shelf::LazyShelf;
use acequia_core::catalog::{Label, ManifestDigest};
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Version};
use acequia_host::archive::Limits;
use acequia_host::candidate::Stage;
use acequia_host::{Candidate, Contents, HostServices, Trust, Verified};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A package to be read: an archive, or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An archive or a folder.
    Path(PathBuf),
    /// The bytes of an archive.
    Bytes(Vec<u8>),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<&str> for Source {
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// A package that was read and found in order.
pub struct Taken {
    /// Its name.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// What its manifest calls it.
    pub label: Option<Label>,
    /// The digest of its manifest.
    pub manifest: Option<ManifestDigest>,
    /// The bytes to keep, from which it is read again.
    pub archive: Vec<u8>,
    /// Makes its declarations, each time that it is brought up; keeps its library.
    pub make: Make,
}

/// Makes a package's declarations.
pub type Make = Arc<dyn Fn() -> Package + Send + Sync>;

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taken({} {}, {} bytes)", self.package, self.version, self.archive.len())
    }
}

/// A package that is not taken, with its name as far as that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name.
    pub package: Option<PackageName>,
    /// What is wrong.
    pub reason: String,
}

/// Reads packages. It may block.
pub trait Reader: Send + Sync {
    /// Read and verify a package; `reached` hears how far that is.
    ///
    /// # Errors
    /// [`Unreadable`]; nothing of its own code has run, but what declares.
    fn read(&self, source: Source, reached: &dyn Fn(DeployPoint)) -> Result<Taken, Unreadable>;
}

/// Reads archives with native libraries.
pub(crate) struct ArchiveReader {
    pub(crate) shelf: Arc<LazyShelf>,
    pub(crate) trust: Trust,
    pub(crate) services: Arc<dyn HostServices>,
}

impl Reader for ArchiveReader {
    fn read(&self, source: Source, reached: &dyn Fn(DeployPoint)) -> Result<Taken, Unreadable> {
        let nameless = |error: &dyn std::error::Error| Unreadable { package: None, reason: told(error) };
        let (verified, archive) = verified(source).map_err(|error| nameless(&*error))?;
        reached(DeployPoint::LoadVerify);
        let package = verified.name().clone();
        let refused = |error: &dyn std::error::Error| Unreadable {
            package: Some(package.clone()),
            reason: told(error),
        };
        let shelf = self.shelf.get().map_err(|error| refused(&error))?;
        let candidate = Candidate::watched(verified, &shelf, &self.trust, &mut |stage| {
            reached(match stage {
                Stage::Kept => DeployPoint::LoadCopy,
                Stage::Mapped => DeployPoint::LoadMap,
                Stage::Judged => DeployPoint::LoadManifest,
            });
        });
        let candidate = candidate.map_err(|error| refused(&error))?;
        let manifest = candidate.verified().manifest();
        let (label, digest) = (manifest.package.version.to_string(), manifest.digest().to_string());
        let (version, services) = (candidate.version().into(), Arc::clone(&self.services));
        Ok(Taken {
            package: package.clone(),
            version,
            label: Some(label.into()),
            manifest: Some(digest.into()),
            archive,
            make: Arc::new(move || candidate.package(Arc::clone(&services))),
        })
    }
}

/// The package's files, and the bytes of its archive: those that were given, or else those of a folder.
fn verified(source: Source) -> Result<(Verified, Vec<u8>), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    match source {
        Source::Path(path) if path.is_dir() => {
            let verified = Verified::open(&path)?;
            let archive = verified.contents().pack(limits, &mut |_| ())?;
            Ok((verified, archive))
        }
        Source::Path(path) => {
            // Read once: what is kept is what was verified. A byte too many is refused below.
            let mut archive = Vec::new();
            File::open(&path)?.take(limits.packed.saturating_add(1)).read_to_end(&mut archive)?;
            let verified = Verified::new(Contents::read(&archive, limits)?)?;
            verified.is_called(&path)?;
            Ok((verified, archive))
        }
        Source::Bytes(archive) => Ok((Verified::new(Contents::read(&archive, limits)?)?, archive)),
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
