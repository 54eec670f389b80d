//! `package.sig`: a key, the ABI that is signed for, and the signature.

use super::error::SignatureError;
use super::hex::{Hex, read};
use super::key::{PublicKey, SecretKey};
use super::statement::Statement;
use crate::archive::Contents;
use crate::library::header_abi;
use crate::manifest::Manifest;
use acequia_abi::ABI;
use std::fmt;
use std::str::FromStr;

const HEAD: &str = "acequia package signature v1";
const LONGEST: usize = 512;

/// A signature as it stands in its file. It has one spelling: every bit of the file counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// By whom.
    pub key: PublicKey,
    /// For engines of which ABI.
    pub abi: u32,
    signature: [u8; 64],
}

impl Signature {
    /// Sign `contents`, whose manifest is `manifest`, for engines of this release.
    ///
    /// # Errors
    /// If a library in it is built for others.
    pub fn make(
        contents: &Contents,
        manifest: &Manifest,
        secret: &SecretKey,
    ) -> Result<Self, SignatureError> {
        for library in contents.libraries() {
            if let Some(found) = header_abi(library.bytes).filter(|found| *found != ABI) {
                let library = library.path.to_string();
                return Err(SignatureError::OtherAbi { library, found, signed: ABI });
            }
        }
        Ok(Self::for_abi(contents, manifest, ABI, secret))
    }

    /// Sign them for engines of that `abi`, whatever is in them.
    pub fn for_abi(contents: &Contents, manifest: &Manifest, abi: u32, secret: &SecretKey) -> Self {
        let statement = Statement::of(contents, manifest, abi);
        Self { key: secret.public(), abi, signature: secret.sign(statement.as_str().as_bytes()) }
    }

    /// The signature in `contents`, verified; none if there is none.
    ///
    /// # Errors
    /// If it is no signature of these contents for this engine.
    pub fn verified(contents: &Contents, manifest: &Manifest) -> Result<Option<Self>, SignatureError> {
        let Some(file) = contents.signature() else { return Ok(None) };
        let text = std::str::from_utf8(file).map_err(|_| malformed("it is no text"))?;
        let found: Self = text.parse()?;
        let package = || manifest.package.name.clone();
        let statement = Statement::of(contents, manifest, found.abi);
        if !found.key.is_signed(statement.as_str().as_bytes(), &found.signature) {
            return Err(SignatureError::Broken { package: package(), key: found.key });
        }
        if found.abi != ABI {
            return Err(SignatureError::Abi { package: package(), signed: found.abi, engine: ABI });
        }
        Ok(Some(found))
    }
}

fn malformed(reason: &'static str) -> SignatureError {
    SignatureError::Malformed { reason }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nkey {}\nabi {}\nsignature {}", self.key, self.abi, Hex(&self.signature))
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        if text.len() > LONGEST {
            return Err(malformed("it is too long"));
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(malformed("it does not begin as one of this version does"));
        }
        let mut field = |name: &'static str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix(' '))
        };
        let key = field("key").and_then(|key| key.parse().ok()).ok_or(malformed("it names no key"))?;
        let abi = field("abi").and_then(|abi| abi.parse().ok()).ok_or(malformed("it names no ABI"))?;
        let signature = field("signature").and_then(read).ok_or(malformed("the signature is not there"))?;
        let found = Self { key, abi, signature };
        // What is left over or spelled otherwise would be bytes that nobody signed.
        if found.to_string() != text {
            return Err(malformed("it is not spelled as signatures are"));
        }
        Ok(found)
    }
}
