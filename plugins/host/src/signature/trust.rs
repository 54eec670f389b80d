//! Whom an engine takes packages from.

use super::error::TrustError;
use super::key::PublicKey;
use crate::suggest::listed;
use crate::verify::Verified;
use std::collections::BTreeSet;

/// Which keys are trusted, and whether a package has to be signed.
///
/// ```
/// use acequia_host::{PublicKey, Trust};
///
/// # fn of(key: PublicKey, lost: PublicKey) {
/// let trust = Trust::required().key(key).revoked(lost);
/// # let _ = trust;
/// # }
/// ```
///
/// A signature that is there is always verified. Beyond that, the default takes unsigned packages; signed
/// ones it takes by trusted keys, or, as long as no key is trusted, by any that is not revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "an engine has to be given it"]
pub struct Trust {
    is_required: bool,
    trusted: BTreeSet<PublicKey>,
    revoked: BTreeSet<PublicKey>,
}

impl Trust {
    /// Packages may be unsigned.
    pub fn optional() -> Self {
        Self::default()
    }

    /// Packages must be signed, by a trusted key.
    pub fn required() -> Self {
        Self { is_required: true, ..Self::default() }
    }

    /// Trust `key`.
    pub fn key(mut self, key: PublicKey) -> Self {
        self.trusted.insert(key);
        self
    }

    /// Refuse what `key` signed, whether it is trusted or not. What is loaded already stays.
    pub fn revoked(mut self, key: PublicKey) -> Self {
        self.revoked.insert(key);
        self
    }

    /// Whether nothing unsigned is taken.
    pub fn needs_signatures(&self) -> bool {
        self.is_required
    }

    /// Whether the package may be taken in.
    ///
    /// # Errors
    /// [`TrustError`], with what is wrong with its signer.
    pub fn judge(&self, package: &Verified) -> Result<(), TrustError> {
        let name = || package.name().clone();
        let Some(signature) = package.signature() else {
            return if self.is_required { Err(TrustError::Unsigned { package: name() }) } else { Ok(()) };
        };
        let key = signature.key;
        if self.revoked.contains(&key) {
            return Err(TrustError::RevokedKey { package: name(), key });
        }
        let is_open = !self.is_required && self.trusted.is_empty();
        if is_open || self.trusted.contains(&key) {
            return Ok(());
        }
        let trusted = listed(self.trusted.iter().map(ToString::to_string));
        Err(TrustError::UnknownKey { package: name(), key, trusted })
    }
}
