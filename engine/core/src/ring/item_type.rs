//! Of which type a ring's items are.

use super::Ring;
use crate::payload::{Payload, PayloadType};

impl<T> Ring<T> {
    /// Say of which type the items are, where `T` is encoded bytes.
    #[must_use]
    pub fn of_type(mut self, ty: PayloadType) -> Self {
        self.ty = Some(ty);
        self
    }

    /// The type of the items.
    pub fn item_type(&self) -> PayloadType
    where
        T: Payload,
    {
        self.ty.unwrap_or_else(T::declared_type)
    }
}
