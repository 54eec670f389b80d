//! What takes packages in.
//!
//! [`archive`] reads a package's files and refuses what is not one; [`manifest`] reads what a package says
//! of itself; [`version`] names its contents; [`verify`] puts the three together; [`shelf`] keeps the
//! libraries of verified packages where they can be mapped. [`library`] maps a package's native library and
//! makes core declarations of it, whose parts call into it.

pub mod archive;
pub mod library;
pub mod manifest;
pub mod shelf;
pub mod verify;
pub mod version;

pub use acequia_abi::HostServices;
pub use archive::{ArchiveError, Contents};
pub use library::{Instance, Library, LibraryError, Mapped, mapped};
pub use manifest::{Manifest, ManifestError};
pub use shelf::{Shelf, ShelfError};
pub use verify::{TARGET, Verified, VerifyError};
pub use version::{Digest, Version};

mod suggest;
