//! Keys: a secret one signs, the public one that belongs to it verifies.

use super::error::KeyError;
use super::hex::{Hex, read};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use std::str::FromStr;

const PUBLIC: &str = "ed25519:";
const SECRET: &str = "ed25519-secret:";

/// Names a signer: `ed25519:` and 64 characters of 0 to 9 and a to f.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Whether `signature` is one of `message` by the secret key that belongs to this one. Signatures that
    /// more than one key or message would share are none.
    pub(super) fn is_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", Hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.starts_with(SECRET) {
            return Err(KeyError::Secret);
        }
        let refused =
            KeyError::NotAKey { wanted: "public key", form: "ed25519: and 64 characters of 0 to 9, a to f" };
        text.strip_prefix(PUBLIC).and_then(read).map(Self).ok_or(refused)
    }
}

/// Signs packages. It is forgotten as it is dropped, and never shown.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new one, from the system's random numbers.
    ///
    /// # Errors
    /// If the system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| KeyError::Random { reason: error.to_string() })?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The key that its signatures are verified with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// As text, for a file that nobody else may read.
    pub fn reveal(&self) -> String {
        format!("{SECRET}{}", Hex(self.0.as_bytes()))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public())
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let refused = KeyError::NotAKey {
            wanted: "secret key",
            form: "ed25519-secret: and 64 characters of 0 to 9, a to f",
        };
        let seed = text.strip_prefix(SECRET).and_then(read).ok_or(refused)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }
}
