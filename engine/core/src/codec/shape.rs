//! The shape of a type, as its `Deserialize` asks for it.

use std::fmt;

/// What a type asks for at one place. Grows while it is traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Not looked at yet.
    Unknown,
    /// Beyond the depth to which a recursive type is followed.
    Recursive,
    /// Whatever comes: the type asks the input what it is.
    Any,
    Unit,
    /// A plain kind, by name, and its number among such places.
    Plain(&'static str, usize),
    Option(Box<Shape>),
    Seq(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Tuple(Vec<Shape>),
    Struct(Vec<(&'static str, Shape)>),
    Enum(Vec<(&'static str, Shape)>),
}

impl Shape {
    /// Whether nothing in it is left to look at.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Recursive | Self::Any | Self::Unit | Self::Plain(..) => true,
            Self::Option(inner) | Self::Seq(inner) => inner.is_complete(),
            Self::Map(key, value) => key.is_complete() && value.is_complete(),
            Self::Tuple(parts) => all_seen(parts.iter()),
            Self::Struct(parts) => all_seen(parts.iter().map(|(_, part)| part)),
            Self::Enum(parts) => parts.iter().all(|(_, part)| part.is_complete()),
        }
    }

    /// Whether a value can be built without going beyond the followed depth.
    pub(super) fn is_buildable(&self) -> bool {
        match self {
            Self::Recursive => false,
            Self::Tuple(parts) => parts.iter().all(Self::is_buildable),
            Self::Struct(parts) => parts.iter().all(|(_, part)| part.is_buildable()),
            Self::Enum(variants) => variants.iter().any(|(_, part)| part.is_buildable()),
            _ => true,
        }
    }

    /// Whether the compact form is safe to read: it neither asks what is there, nor goes arbitrarily
    /// deep, nor repeats what takes no bytes (a length of 2^60 would be believed).
    pub(super) fn is_compact(&self) -> bool {
        match self {
            Self::Unknown | Self::Recursive | Self::Any => false,
            Self::Unit | Self::Plain(..) => true,
            Self::Option(inner) => inner.is_compact(),
            Self::Seq(inner) => inner.is_compact() && !inner.is_empty(),
            Self::Map(key, value) => {
                key.is_compact() && value.is_compact() && !(key.is_empty() && value.is_empty())
            }
            Self::Tuple(parts) => parts.iter().all(Self::is_compact),
            Self::Struct(parts) | Self::Enum(parts) => parts.iter().all(|(_, part)| part.is_compact()),
        }
    }

    /// Whether its values take no bytes.
    fn is_empty(&self) -> bool {
        match self {
            Self::Unit => true,
            Self::Tuple(parts) => parts.iter().all(Self::is_empty),
            Self::Struct(parts) => parts.iter().all(|(_, part)| part.is_empty()),
            _ => false,
        }
    }
}

/// Whether every part was seen, or one ends every pass, so that those behind it never will be.
fn all_seen<'s>(parts: impl Iterator<Item = &'s Shape> + Clone) -> bool {
    parts.clone().all(Shape::is_complete)
        || parts.clone().any(|part| part.is_complete() && !part.is_buildable())
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("?"),
            Self::Recursive => f.write_str("^"),
            Self::Any => f.write_str("any"),
            Self::Unit => f.write_str("()"),
            Self::Plain(kind, _) => f.write_str(kind),
            Self::Option(inner) => write!(f, "{inner}?"),
            Self::Seq(inner) => write!(f, "[{inner}]"),
            Self::Map(key, value) => write!(f, "[{key}: {value}]"),
            Self::Tuple(parts) => {
                f.write_str("(")?;
                for part in parts {
                    write!(f, "{part},")?;
                }
                f.write_str(")")
            }
            Self::Struct(fields) => list(f, fields, '{', ", ", '}'),
            Self::Enum(variants) => list(f, variants, '<', " | ", '>'),
        }
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    parts: &[(&'static str, Shape)],
    open: char,
    between: &str,
    close: char,
) -> fmt::Result {
    write!(f, "{open}")?;
    for (index, (name, part)) in parts.iter().enumerate() {
        let before = if index == 0 { "" } else { between };
        // A name may hold anything; one that could be read as something else is quoted.
        let plain = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        if plain { write!(f, "{before}{name}: {part}")? } else { write!(f, "{before}{name:?}: {part}")? }
    }
    write!(f, "{close}")
}
