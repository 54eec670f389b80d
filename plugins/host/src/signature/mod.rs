//! Signatures of packages: who answers for every byte of one.
//!
//! ```text
//!   contents ─▶ Statement (name, version, ABI, hash of each file) ─▶ ed25519 ─▶ package.sig
//!   Trust: which keys an engine takes packages from, and whether it takes unsigned ones
//! ```
//!
//! A signature that is there is verified whenever a package is read, so nothing of a package that was
//! altered is ever mapped. Whether its key is one to be trusted is for the engine's [`Trust`] to say, also
//! before anything is mapped.

mod error;
mod hex;
mod key;
mod sig;
mod statement;
mod trust;

pub use error::{KeyError, SignatureError, TrustError};
pub use key::{PublicKey, SecretKey};
pub use sig::Signature;
pub use statement::Statement;
pub use trust::Trust;

pub(crate) use hex::read as hex_bytes;
