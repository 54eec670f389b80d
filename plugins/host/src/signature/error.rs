//! Why a signature, a key or a signer is not taken.

use super::key::PublicKey;
use acequia_core::id::PackageName;

/// A signature that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is none.
    #[error("E0820: package.sig is no signature: {reason}; write it with `acequia package sign`")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It was made for another engine.
    #[error(
        "E0821: package {package} is signed for ABI {signed}, and this engine has ABI {engine}; take the package for this engine, or build and sign it anew"
    )]
    Abi {
        /// The package.
        package: PackageName,
        /// For which ABI it is signed.
        signed: u32,
        /// That of this engine.
        engine: u32,
    },
    /// It is of other contents, or by another key.
    #[error(
        "E0822: package.sig of package {package} is not the signature by {key} of these files; take the package from whoever signed it, or sign it anew"
    )]
    Broken {
        /// The package.
        package: PackageName,
        /// The key that it names.
        key: PublicKey,
    },
    /// A library is not what the signature would say.
    #[error(
        "E0823: {library} has ABI {found}, and signatures are made for ABI {signed}; build it with the sdk of this release"
    )]
    OtherAbi {
        /// The library.
        library: String,
        /// The ABI in its header.
        found: u32,
        /// The ABI that would be signed.
        signed: u32,
    },
}

/// A package that is in order, by somebody who is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// It is not signed.
    #[error(
        "E0824: package {package} is not signed, and this engine takes signed packages only; sign it with `acequia package sign`"
    )]
    Unsigned {
        /// The package.
        package: PackageName,
    },
    /// The key is none of those that are trusted.
    #[error(
        "E0825: package {package} is signed by {key}, which this engine does not trust; it trusts {trusted}: add the key, or take the package from one of them"
    )]
    UnknownKey {
        /// The package.
        package: PackageName,
        /// Its key.
        key: PublicKey,
        /// Those that are trusted.
        trusted: String,
    },
    /// The key was taken back.
    #[error(
        "E0826: package {package} is signed by {key}, which was revoked; have it signed with another key"
    )]
    RevokedKey {
        /// The package.
        package: PackageName,
        /// Its key.
        key: PublicKey,
    },
}

/// A text that is no key, or a key that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is something else.
    #[error("E0827: this is no {wanted}; one is written as {form}")]
    NotAKey {
        /// What it should be.
        wanted: &'static str,
        /// How that is written.
        form: &'static str,
    },
    /// A secret key, where everybody may read.
    #[error(
        "E0828: this is a secret key, and a public one is wanted; take the one that `acequia package keygen` wrote beside it"
    )]
    Secret,
    /// The system has no random numbers.
    #[error("E0829: the system gives no random numbers: {reason}; make the key on another machine")]
    Random {
        /// What it says.
        reason: String,
    },
}
