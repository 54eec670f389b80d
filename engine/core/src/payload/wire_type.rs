//! A type that is known by its schema alone, as the other side of a library boundary is.

use super::{Payload, PayloadError};
use crate::codec::SchemaHash;
use crate::fault::Failure;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// Turns encoded values into JSON and back: whoever knows the real type can.
pub trait WireJson: Send + Sync {
    /// An encoded value as JSON.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    fn to_json(&self, bytes: &[u8]) -> Result<serde_json::Value, Failure>;

    /// Append the encoded form of a JSON text to `out`.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn read_json(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), Failure>;
}

/// A type by its schema. There is one for each distinct schema that this process has met, and it stays
/// until the process ends: their number is bounded by what was ever compiled or loaded.
pub struct WireType {
    hash: SchemaHash,
    name: String,
    text: String,
    json: RwLock<Option<Arc<dyn WireJson>>>,
}

type Known = Mutex<HashMap<SchemaHash, &'static WireType>>;
static KNOWN: OnceLock<Known> = OnceLock::new();

impl WireType {
    /// The wire type with this hash. Name and text serve messages; the first who names it decides.
    pub fn intern(hash: SchemaHash, name: &str, text: &str) -> &'static Self {
        let mut known = KNOWN.get_or_init(Known::default).lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(hash).or_insert_with(|| {
            Box::leak(Box::new(Self {
                hash,
                name: name.to_owned(),
                text: text.to_owned(),
                json: RwLock::new(None),
            }))
        })
    }

    /// The wire type of `T`, which from now on also says how its values read as JSON.
    pub fn of<T: Payload>() -> Option<&'static Self> {
        let wire = T::declared_type().to_wire()?;
        wire.set_json(Arc::new(KnownJson::<T>(PhantomData)));
        Some(wire)
    }

    /// What two sides compare.
    pub fn hash(&self) -> SchemaHash {
        self.hash
    }

    /// The type's name, for messages only.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema's text, for messages only.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Let `json` turn values into JSON and back from now on.
    pub fn set_json(&self, json: Arc<dyn WireJson>) {
        *self.json.write().unwrap_or_else(PoisonError::into_inner) = Some(json);
    }

    /// An encoded value as JSON.
    ///
    /// # Errors
    /// [`PayloadError::NoJson`] while nobody has said how; [`PayloadError::Wire`] with what is wrong.
    pub fn to_json(&'static self, bytes: &[u8]) -> Result<serde_json::Value, PayloadError> {
        let source = |source| PayloadError::Wire { type_name: self.name(), source };
        self.json()?.to_json(bytes).map_err(source)
    }

    /// Append the encoded form of a JSON text to `out`.
    ///
    /// # Errors
    /// As [`WireType::to_json`].
    pub fn read_json(&'static self, json: &[u8], out: &mut Vec<u8>) -> Result<(), PayloadError> {
        let source = |source| PayloadError::Wire { type_name: self.name(), source };
        self.json()?.read_json(json, out).map_err(source)
    }

    fn json(&'static self) -> Result<Arc<dyn WireJson>, PayloadError> {
        let json = self.json.read().unwrap_or_else(PoisonError::into_inner);
        json.clone().ok_or(PayloadError::NoJson { type_name: self.name() })
    }
}

impl fmt::Debug for WireType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.hash)
    }
}

/// JSON through the real type.
struct KnownJson<T>(PhantomData<fn() -> T>);

impl<T: Payload> WireJson for KnownJson<T> {
    fn to_json(&self, bytes: &[u8]) -> Result<serde_json::Value, Failure> {
        T::decode(bytes).map_err(Failure::error)?.to_json().map_err(Failure::chain)
    }

    fn read_json(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        T::from_json(json).map_err(Failure::chain)?.encode(out).map_err(Failure::error)
    }
}
