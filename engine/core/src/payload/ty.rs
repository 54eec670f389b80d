//! The identity of a payload type, compared when two ends of an edge are joined.

use super::{Payload, WireType};
use crate::codec::{Schema, SchemaHash};
use std::any::TypeId;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Which type the values of an edge have: one of this process, or one that it knows as bytes.
#[derive(Clone, Copy)]
pub struct PayloadType(Kind);

#[derive(Clone, Copy)]
enum Kind {
    InProcess { id: TypeId, name: &'static str, schema: fn() -> &'static Schema },
    Wire(&'static WireType),
    // Encoded values, before anybody has said of which type.
    Untyped,
}

impl PayloadType {
    /// The identity of `T`.
    pub fn of<T: Payload>() -> Self {
        T::declared_type()
    }

    /// The identity of values that are encoded as `wire`.
    pub fn encoded(wire: &'static WireType) -> Self {
        Self(Kind::Wire(wire))
    }

    pub(super) fn in_process<T: Payload>() -> Self {
        Self(Kind::InProcess {
            id: TypeId::of::<T>(),
            name: std::any::type_name::<T>(),
            schema: <T as Payload>::schema,
        })
    }

    pub(super) const fn untyped() -> Self {
        Self(Kind::Untyped)
    }

    /// Whether an edge may join a `self` to an `other`: they are the same type of this process, or at
    /// least one side is bytes and both have the same schema.
    pub fn fits(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Kind::InProcess { id: one, .. }, Kind::InProcess { id: other, .. }) => one == other,
            (Kind::Untyped, _) | (_, Kind::Untyped) => false,
            _ => self.schema_hash() == other.schema_hash(),
        }
    }

    /// The wire type, if the values are bytes.
    pub fn wire(self) -> Option<&'static WireType> {
        match self.0 {
            Kind::Wire(wire) => Some(wire),
            Kind::InProcess { .. } | Kind::Untyped => None,
        }
    }

    /// The wire type that values of it have as bytes; `None` while their type is not known.
    pub fn to_wire(self) -> Option<&'static WireType> {
        match self.0 {
            Kind::Wire(wire) => Some(wire),
            Kind::InProcess { name, schema, .. } => {
                let schema = schema();
                Some(WireType::intern(schema.hash(), name, schema.text()))
            }
            Kind::Untyped => None,
        }
    }

    /// The hash of its schema; a type of this process is traced at the first call.
    pub fn schema_hash(self) -> SchemaHash {
        match self.0 {
            Kind::InProcess { schema, .. } => schema().hash(),
            Kind::Wire(wire) => wire.hash(),
            Kind::Untyped => Schema::untyped().hash(),
        }
    }

    /// The text of its schema, for messages.
    pub fn schema_text(self) -> &'static str {
        match self.0 {
            Kind::InProcess { schema, .. } => schema().text(),
            Kind::Wire(wire) => wire.text(),
            Kind::Untyped => Schema::untyped().text(),
        }
    }

    /// Rust's name of the type, for messages only.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::InProcess { name, .. } => name,
            Kind::Wire(wire) => wire.name(),
            Kind::Untyped => "encoded bytes",
        }
    }

    /// What tells one identity from another.
    fn key(self) -> (Option<TypeId>, Option<SchemaHash>) {
        match self.0 {
            Kind::InProcess { id, .. } => (Some(id), None),
            Kind::Wire(wire) => (None, Some(wire.hash())),
            Kind::Untyped => (None, None),
        }
    }
}

/// Identity, not fitness: see [`PayloadType::fits`].
impl PartialEq for PayloadType {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for PayloadType {}

impl Hash for PayloadType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
