//! JSON of a library's types: the library knows them, the engine has their bytes.

use acequia_abi::declaration::{PackageDeclaration, TypeDeclaration};
use acequia_abi::{PackageHandle, ValueForm};
use acequia_core::codec::SchemaHash;
use acequia_core::fault::Failure;
use acequia_core::payload::{WireJson, WireType};
use std::sync::Arc;

/// From now on `handle`'s library reads and writes the JSON of its types. It goes on when the package is
/// unloaded: the code stays mapped, and values of its types may outlive it.
pub(super) fn serve(handle: &PackageHandle, declaration: &PackageDeclaration) {
    for (index, ty) in declaration.types.iter().enumerate() {
        if let Some(wire) = wire_type(ty) {
            // The count of the library's users must not include this.
            wire.set_json(Arc::new(LibraryJson { handle: handle.unkept(), index }));
        }
    }
}

/// The type as core knows it; none if its hash is no hash.
pub(super) fn wire_type(ty: &TypeDeclaration) -> Option<&'static WireType> {
    Some(WireType::intern(hash(&ty.hash)?, &ty.name, &ty.schema))
}

fn hash(text: &str) -> Option<SchemaHash> {
    let digits = text.as_bytes();
    let mut hash = SchemaHash([0; 16]);
    if digits.len() != 2 * hash.0.len() {
        return None;
    }
    for (byte, pair) in hash.0.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

struct LibraryJson {
    handle: PackageHandle,
    index: usize,
}

impl WireJson for LibraryJson {
    fn to_json(&self, bytes: &[u8]) -> Result<serde_json::Value, Failure> {
        let json = self.handle.value(self.index, ValueForm::ToJson, bytes);
        serde_json::from_slice(&json.map_err(super::failure::from_fault)?).map_err(Failure::error)
    }

    fn read_json(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        let bytes = self.handle.value(self.index, ValueForm::FromJson, json);
        out.extend_from_slice(&bytes.map_err(super::failure::from_fault)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_read_back_from_their_text() {
        let known = acequia_core::payload::PayloadType::of::<(u64, String)>().schema_hash();
        assert_eq!(hash(&known.to_string()), Some(known));
        for wrong in ["", "00", "zz", &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }
}
