//! Reads postcard's wire form, as [`super::strict`] writes it: nothing but the bytes and a place in them,
//! so that a value of known shape is read by straight code.

use serde::de::value::U32Deserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use std::fmt;

/// Why the bytes are no value.
#[derive(Debug)]
pub(super) enum Unread {
    Ends,
    Number,
    Flag,
    Text,
    Letter,
    Asks,
    Own(Box<str>),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ends => "they end within the value",
            Self::Number => "a number is larger than its type",
            Self::Flag => "a flag is neither 0 nor 1",
            Self::Text => "a text is not UTF-8",
            Self::Letter => "a character is not one",
            Self::Asks => "the type asks what there is, which this form does not say",
            Self::Own(why) => why,
        })
    }
}

impl std::error::Error for Unread {}

impl de::Error for Unread {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Own(message.to_string().into())
    }
}

/// The bytes that are left.
pub(super) struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What no value has taken.
    pub(super) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Unread> {
        let (byte, rest) = self.rest.split_first().ok_or(Unread::Ends)?;
        self.rest = rest;
        Ok(*byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unread> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Unread::Ends)?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    fn take(&mut self, n: usize) -> Result<&'de [u8], Unread> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Unread::Ends)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of at most `bits` bits, seven in each byte, least first.
    #[inline]
    fn varint(&mut self, bits: u32) -> Result<u64, Unread> {
        let first = self.byte()?;
        if first < 0x80 {
            // Bytes are not written as numbers of this kind: eight bits and more hold it.
            return Ok(u64::from(first));
        }
        let (mut number, mut shift) = (u64::from(first & 0x7f), 7);
        loop {
            let byte = self.byte()?;
            let left = bits - shift;
            if left < 7 && byte >> left != 0 {
                return Err(Unread::Number);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    fn varint_128(&mut self) -> Result<u128, Unread> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            let left = u128::BITS - shift;
            if left < 7 && byte >> left != 0 {
                return Err(Unread::Number);
            }
            number |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    #[inline]
    fn zigzag(&mut self, bits: u32) -> Result<i64, Unread> {
        let number = self.varint(bits)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'de [u8], Unread> {
        let length = self.varint(u64::BITS)?;
        self.take(usize::try_from(length).map_err(|_| Unread::Ends)?)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str, Unread> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Unread::Text)
    }

    #[inline]
    fn flag(&mut self) -> Result<bool, Unread> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unread::Flag),
        }
    }

    fn letter(&mut self) -> Result<char, Unread> {
        let text = self.text()?;
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err(Unread::Letter),
        }
    }

    #[inline]
    fn counted(&mut self) -> Result<Elements<'_, 'de>, Unread> {
        let left = self.varint(u64::BITS)?;
        Ok(Elements { left: usize::try_from(left).map_err(|_| Unread::Ends)?, from: self })
    }
}

/// So many values, one behind the other.
struct Elements<'r, 'de> {
    from: &'r mut Reader<'de>,
    left: usize,
}

impl Elements<'_, '_> {
    /// No more than the bytes can hold, whatever the number in front of them says.
    fn hint(&self) -> usize {
        self.left.min(self.from.rest.len())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unread> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.from).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unread> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.from).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(&mut *self.from)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

/// What follows the number of a variant.
struct Variant<'r, 'de>(&'r mut Reader<'de>);

impl<'r, 'de> de::EnumAccess<'de> for Variant<'r, 'de> {
    type Error = Unread;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unread> {
        let index = self.0.varint(u32::BITS)? as u32;
        let index: U32Deserializer<Unread> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unread;

    #[inline]
    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(self.0)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_seq(Elements { from: self.0, left: length })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Elements { from: self.0, left: fields.len() })
    }
}

macro_rules! reads {
    ($($method:ident => $visit:ident(|$self:ident| $read:expr);)+) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>($self, visitor: V) -> Result<V::Value, Unread> {
            visitor.$visit($read)
        })+
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unread;

    fn is_human_readable(&self) -> bool {
        false
    }

    reads! {
        deserialize_bool => visit_bool(|self| self.flag()?);
        deserialize_u8 => visit_u8(|self| self.byte()?);
        deserialize_u16 => visit_u16(|self| self.varint(u16::BITS)? as u16);
        deserialize_u32 => visit_u32(|self| self.varint(u32::BITS)? as u32);
        deserialize_u64 => visit_u64(|self| self.varint(u64::BITS)?);
        deserialize_u128 => visit_u128(|self| self.varint_128()?);
        deserialize_i8 => visit_i8(|self| self.byte()? as i8);
        deserialize_i16 => visit_i16(|self| self.zigzag(u16::BITS)? as i16);
        deserialize_i32 => visit_i32(|self| self.zigzag(u32::BITS)? as i32);
        deserialize_i64 => visit_i64(|self| self.zigzag(u64::BITS)?);
        deserialize_i128 => visit_i128(|self| {
            let number = self.varint_128()?;
            (number >> 1) as i128 ^ -((number & 1) as i128)
        });
        deserialize_f32 => visit_f32(|self| f32::from_bits(u32::from_le_bytes(self.array()?)));
        deserialize_f64 => visit_f64(|self| f64::from_bits(u64::from_le_bytes(self.array()?)));
        deserialize_char => visit_char(|self| self.letter()?);
        deserialize_str => visit_borrowed_str(|self| self.text()?);
        deserialize_string => visit_borrowed_str(|self| self.text()?);
        deserialize_bytes => visit_borrowed_bytes(|self| self.bytes()?);
        deserialize_byte_buf => visit_borrowed_bytes(|self| self.bytes()?);
        deserialize_seq => visit_seq(|self| self.counted()?);
        deserialize_map => visit_map(|self| self.counted()?);
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.flag()? { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_seq(Elements { from: self, left: length })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Elements { from: self, left: length })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Elements { from: self, left: fields.len() })
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_enum(Variant(self))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread::Asks)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread::Asks)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread::Asks)
    }
}
