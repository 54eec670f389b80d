//! The schema of a type: its shape and form, with a hash by which two sides compare them.

use super::trace::{self, Traced};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::TypeId;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{OnceLock, PoisonError, RwLock};

/// How values of a type are coded, as a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Without names; both sides know the shape.
    Compact,
    /// With names and kinds.
    SelfDescribing,
}

/// 128 bits of BLAKE3 over a schema's text. Equal hashes: the one side's bytes are the other's values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaHash(pub [u8; 16]);

impl fmt::Display for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shape and form of a type. Names of fields and variants are part of it, names of types are not:
/// two crates that declare the same fields agree. A type whose shape cannot be told (its `Deserialize`
/// checks values, or takes whatever comes) is known by its Rust name alone.
///
/// Its `Display` is the text that is hashed, such as `{sequence: u64, value: f64?, tags: [str]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    form: Form,
    text: String,
    hash: SchemaHash,
}

// The tracing of a type is worth a few microseconds to milliseconds, once; the entries stay, one a type.
type Known = RwLock<HashMap<TypeId, &'static Schema>>;
static KNOWN: OnceLock<Known> = OnceLock::new();

const N_RECENT: usize = 4;

/// Schemas that a thread asked for lately, each in a cell of its own: a look reads one or two of them.
struct Recent {
    known: [Cell<Option<(TypeId, &'static Schema)>>; N_RECENT],
    next: Cell<usize>,
}

thread_local! {
    // A turn codes many values of few types: these are found without a lock or a hash.
    static RECENT: Recent =
        const { Recent { known: [const { Cell::new(None) }; N_RECENT], next: Cell::new(0) } };
}

impl Schema {
    /// The schema of `T`: traced at the first call, found again at later ones.
    #[inline]
    pub fn of<T: Serialize + DeserializeOwned + 'static>() -> &'static Self {
        let id = TypeId::of::<T>();
        RECENT.with(|recent| {
            let mut known = recent.known.iter().filter_map(Cell::get);
            match known.find(|(known, _)| *known == id) {
                Some((_, schema)) => schema,
                None => Self::remembered::<T>(id, recent),
            }
        })
    }

    #[cold]
    fn remembered<T: Serialize + DeserializeOwned + 'static>(id: TypeId, recent: &Recent) -> &'static Self {
        let schema = Self::known::<T>(id);
        let next = recent.next.get();
        recent.known[next % N_RECENT].set(Some((id, schema)));
        recent.next.set(next.wrapping_add(1));
        schema
    }

    fn known<T: Serialize + DeserializeOwned + 'static>(id: TypeId) -> &'static Self {
        let known = KNOWN.get_or_init(Known::default);
        if let Some(schema) = known.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return schema;
        }
        // Traced outside the lock: it runs the type's own code.
        let traced = trace::trace::<T>();
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(id).or_insert_with(|| Box::leak(Box::new(Self::new(traced, std::any::type_name::<T>()))))
    }

    fn new(traced: Traced, type_name: &str) -> Self {
        let (form, text) = match traced {
            Traced::Shape { shape, compact: true } => (Form::Compact, shape.to_string()),
            Traced::Shape { shape, compact: false } => {
                (Form::SelfDescribing, format!("self-describing {shape}"))
            }
            Traced::Opaque => (Form::SelfDescribing, format!("self-describing as {type_name}")),
        };
        let mut hash = SchemaHash([0; 16]);
        hash.0.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Self { form, text, hash }
    }

    /// The schema of encoded bytes whose type is not known: it fits no type.
    pub(crate) fn untyped() -> &'static Self {
        static UNTYPED: OnceLock<Schema> = OnceLock::new();
        UNTYPED.get_or_init(|| Self {
            form: Form::SelfDescribing,
            text: "encoded bytes of any type".to_owned(),
            hash: SchemaHash([0; 16]),
        })
    }

    /// How values are coded, as a rule.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What two sides compare.
    pub fn hash(&self) -> SchemaHash {
        self.hash
    }

    /// The text that is hashed, for messages.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
