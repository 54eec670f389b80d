//! The state of an accumulator on its way to another version of it, or to a later process.
//!
//! It is a value while it stays in the process, and bytes with the hash of their schema everywhere else; who
//! takes it in says which type it keeps, and does not see the difference.

use crate::column::{AnyColumn, Column};
use crate::fault::{Failure, guarded};
use crate::payload::{Encoded, Payload, PayloadType};

/// The state of an accumulator, on its way.
///
/// ```
/// use acequia_core::accumulator::Exported;
///
/// let here = Exported::of(7_u64);
/// let bytes = here.encoded().unwrap();
/// assert_eq!(here.take::<u64>().unwrap(), 7);
///
/// // Elsewhere the bytes are all there is.
/// let there = Exported::of(bytes);
/// assert!(!there.is::<String>());
/// assert_eq!(there.take::<u64>().unwrap(), 7);
/// ```
pub struct Exported(Form);

enum Form {
    /// A column of one value: typed, or encoded.
    Value(Box<dyn AnyColumn>),
    /// It lies where nobody can fetch it.
    Unreachable(String),
}

/// A state that a part does not go on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The part keeps another type.
    #[error("E0334: it keeps {kept}, and was given {given}; declare a migration with `migrate`")]
    OtherState {
        /// What it keeps.
        kept: String,
        /// What there was.
        given: String,
    },
    /// Nobody could fetch it.
    #[error("E0335: {why}; unload the old version and load the new one, which begins anew")]
    Unreachable {
        /// Why.
        why: String,
    },
    /// The bytes are no value of the type, or the value is none that the part could have kept.
    #[error("E0336: the state is unreadable: {reason}; go back to an older state, or begin anew")]
    Unreadable {
        /// What is wrong with it.
        reason: Failure,
    },
    /// The migration, or the part itself, failed.
    #[error("E0337: {reason}; mend the migration")]
    Failed {
        /// How.
        reason: Failure,
    },
}

impl ImportError {
    /// The error of a part that keeps nothing.
    pub fn keeps_nothing(given: &Exported) -> Self {
        Self::OtherState { kept: "nothing".to_owned(), given: given.what() }
    }

    /// The error of a part that was given what it cannot have kept.
    pub fn unsound(reason: impl std::fmt::Display) -> Self {
        Self::Unreadable { reason: Failure::error(reason) }
    }
}

impl Exported {
    /// The state `value`; of [`Encoded`] bytes, the state that they encode.
    pub fn of<T: Payload>(value: T) -> Self {
        Self(Form::Value(Box::new(Column::of(value))))
    }

    /// A state that cannot be fetched from where it lies, for the reason `why`.
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self(Form::Unreachable(why.into()))
    }

    /// Whether it cannot be fetched from where it lies.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.0, Form::Unreachable(_))
    }

    /// Whether [`Exported::take`] as a `T` can succeed: it is one, or bytes of the same schema.
    pub fn is<T: Payload>(&self) -> bool {
        match &self.0 {
            Form::Value(column) => column.payload_type().fits(PayloadType::of::<T>()),
            Form::Unreachable(_) => false,
        }
    }

    /// The state as a `T`.
    ///
    /// # Errors
    /// If it is of another type, or its bytes are no value of it.
    pub fn take<T: Payload>(self) -> Result<T, ImportError> {
        let given = self.what();
        let other = || ImportError::OtherState { kept: described(PayloadType::of::<T>()), given };
        let mut column = match self.0 {
            Form::Value(column) => column,
            Form::Unreachable(why) => return Err(ImportError::Unreachable { why }),
        };
        if let Some(typed) = column.as_any_mut().downcast_mut::<Column<T>>() {
            return typed.items_mut().pop().ok_or_else(other);
        }
        let encoded = column.as_any().downcast_ref::<Column<Encoded>>();
        let encoded = encoded.filter(|column| column.payload_type().fits(PayloadType::of::<T>()));
        let bytes = encoded.and_then(|column| column.as_slice().first()).ok_or_else(other)?;
        guarded(|| T::decode(bytes.as_bytes()).map_err(Failure::error))
            .map_err(|reason| ImportError::Unreadable { reason })
    }

    /// The state as bytes, with their type.
    ///
    /// # Errors
    /// If it cannot be fetched, or its own serialisation refuses it.
    pub fn encoded(&self) -> Result<Encoded, Failure> {
        let column = match &self.0 {
            Form::Value(column) => column,
            Form::Unreachable(why) => return Err(Failure::error(why)),
        };
        if let Some(encoded) = column.as_any().downcast_ref::<Column<Encoded>>()
            && let Some(encoded) = encoded.as_slice().first()
        {
            return Ok(encoded.clone());
        }
        let ty = column.payload_type().to_wire();
        let ty = ty.ok_or_else(|| Failure::error("the state is of no type that has bytes"))?;
        let mut bytes = Vec::new();
        guarded(|| column.encode(0, &mut bytes).map_err(Failure::error))?;
        Ok(Encoded::new(bytes, ty))
    }

    /// What it is, for messages.
    fn what(&self) -> String {
        match &self.0 {
            Form::Value(column) => described(column.payload_type()),
            Form::Unreachable(why) => why.clone(),
        }
    }
}

/// Name and shape of a type.
fn described(ty: PayloadType) -> String {
    format!("{} ({})", ty.name(), ty.schema_text())
}

impl std::fmt::Debug for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Exported").field(&self.what()).finish()
    }
}
