//! Of which type a ring's items are, and publication of items of another form.

use super::push::Detour;
use super::{Push, PushError, Ring};
use crate::codec::CodecError;
use crate::id::ItemId;
use crate::payload::{Encoded, Payload, PayloadType};

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

    /// A publication that ends as [`PushError::Closed`] at its first poll.
    pub fn refuse_push(&self, item: T) -> Push<'_, T> {
        Push { ring: self, item: Some(item), detour: Some(Box::new(Detour::Refused)) }
    }

    /// Publish `item` in `ring` instead, encoded, waiting for room as long as it takes.
    pub fn push_encoded<'a>(&'a self, item: T, ring: &'a Ring<Encoded>) -> Push<'a, T>
    where
        T: Payload,
    {
        let detour = match ring.encode(&item) {
            Ok(encoded) if ring.journaled().is_some() => {
                Detour::EncodedJournaled(Box::new(ring.push_at(encoded, None)))
            }
            Ok(encoded) => Detour::Encoded { ring, item: Some(encoded) },
            Err(source) => Detour::Unencodable(Some(source)),
        };
        Push { ring: self, item: Some(item), detour: Some(Box::new(detour)) }
    }
}

impl Ring<Encoded> {
    /// The encoded form of `item`, as this ring takes it.
    ///
    /// # Errors
    /// If the type's own serialisation refuses it.
    pub fn encode<T: Payload>(&self, item: &T) -> Result<Encoded, CodecError> {
        let wire = self.item_type().wire().ok_or(CodecError::Untyped)?;
        Encoded::of(item, wire)
    }

    /// Publish `item` now, encoded, or hand it back; `publish` is [`Ring::try_push`] or its quiet sibling.
    ///
    /// # Errors
    /// As `publish`; [`PushError::Unencodable`] if the type's own serialisation refuses the item.
    pub fn publish_encoded<T: Payload>(
        &self,
        item: T,
        publish: impl FnOnce(&Self, Encoded) -> Result<ItemId, PushError<Encoded>>,
    ) -> Result<ItemId, PushError<T>> {
        let encoded = match self.encode(&item) {
            Ok(encoded) => encoded,
            Err(source) => return Err(PushError::Unencodable { item, source }),
        };
        publish(self, encoded).map_err(|error| error.with(item))
    }
}
