//! What takes packages in.
//!
//! [`archive`] reads a package's files and refuses what is not one; [`manifest`] reads what a package says
//! of itself; [`version`] names its contents; [`signature`] says who answers for them; [`verify`] puts these
//! together; [`shelf`] keeps the libraries of verified packages where they can be mapped. [`library`] maps
//! one, and makes core declarations of it whose parts call into it. [`candidate`] goes the whole way.

pub mod archive;
pub mod candidate;
pub mod library;
pub mod manifest;
pub mod shelf;
pub mod signature;
pub mod verify;
pub mod version;

pub use acequia_abi::HostServices;
pub use archive::{ArchiveError, Contents};
pub use candidate::{Candidate, CandidateError};
pub use library::{Instance, Library, LibraryError, Mapped, mapped};
pub use manifest::{Manifest, ManifestError};
pub use shelf::{Kept, Shelf, ShelfError};
pub use signature::{KeyError, PublicKey, SecretKey, Signature, SignatureError, Trust, TrustError};
pub use verify::{TARGET, Verified, VerifyError};
pub use version::{Digest, Version};

mod suggest;
