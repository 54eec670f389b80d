//! Writes postcard's wire form, and refuses what that form would corrupt without a word: a field that
//! is left out, and a container that yields more or fewer elements than it said.

use serde::ser::{self, Serialize, Serializer};
use std::fmt;

/// Why a value has no compact form.
#[derive(Debug)]
pub(super) enum Refused {
    FieldLeftOut,
    LengthUnknown,
    LengthDiffers,
    Own(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldLeftOut => f.write_str("a field is left out"),
            Self::LengthUnknown => f.write_str("a length is not known beforehand"),
            Self::LengthDiffers => f.write_str("a length is not what was said"),
            Self::Own(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Own(message.to_string())
    }
}

/// The serialiser.
pub(super) struct Strict<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Strict<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    #[inline]
    fn length(&mut self, length: usize) {
        self.varint(length as u64);
    }

    #[inline]
    fn varint(&mut self, mut rest: u64) {
        if rest < 0x80 {
            return self.out.push(rest as u8);
        }
        // Ten times seven bits hold it; the room is looked for once.
        let (mut bytes, mut n) = ([0; 10], 0);
        while rest >= 0x80 {
            bytes[n] = rest as u8 | 0x80;
            rest >>= 7;
            n += 1;
        }
        bytes[n] = rest as u8;
        self.out.extend_from_slice(&bytes[..=n]);
    }

    fn varint_128(&mut self, mut rest: u128) {
        while rest >= 0x80 {
            self.out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
    }

    #[inline]
    fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }
}

/// A container whose elements are counted.
pub(super) struct Counted<'s, 'a> {
    to: &'s mut Strict<'a>,
    left: usize,
}

impl Counted<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.left = self.left.checked_sub(1).ok_or(Refused::LengthDiffers)?;
        value.serialize(&mut *self.to)
    }

    #[inline]
    fn finish(self) -> Result<(), Refused> {
        if self.left == 0 { Ok(()) } else { Err(Refused::LengthDiffers) }
    }
}

macro_rules! writes {
    ($($method:ident($type:ty) = |$self:ident, $value:ident| $body:expr;)+) => {
        $(#[inline]
        fn $method($self, $value: $type) -> Result<(), Refused> {
            $body;
            Ok(())
        })+
    };
}

impl<'s, 'a> Serializer for &'s mut Strict<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Counted<'s, 'a>;
    type SerializeTuple = Counted<'s, 'a>;
    type SerializeTupleStruct = Counted<'s, 'a>;
    type SerializeTupleVariant = Counted<'s, 'a>;
    type SerializeMap = Counted<'s, 'a>;
    type SerializeStruct = Counted<'s, 'a>;
    type SerializeStructVariant = Counted<'s, 'a>;

    fn is_human_readable(&self) -> bool {
        false
    }

    writes! {
        serialize_bool(bool) = |self, value| self.out.push(u8::from(value));
        serialize_u8(u8) = |self, value| self.out.push(value);
        serialize_u16(u16) = |self, value| self.varint(u64::from(value));
        serialize_u32(u32) = |self, value| self.varint(u64::from(value));
        serialize_u64(u64) = |self, value| self.varint(value);
        serialize_u128(u128) = |self, value| self.varint_128(value);
        serialize_i8(i8) = |self, value| self.out.push(value as u8);
        serialize_i16(i16) = |self, value| self.zigzag(i64::from(value));
        serialize_i32(i32) = |self, value| self.zigzag(i64::from(value));
        serialize_i64(i64) = |self, value| self.zigzag(value);
        serialize_i128(i128) = |self, value| self.varint_128(((value << 1) ^ (value >> 127)) as u128);
        serialize_f32(f32) = |self, value| self.out.extend_from_slice(&value.to_bits().to_le_bytes());
        serialize_f64(f64) = |self, value| self.out.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.length(value.len());
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.out.push(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.out.push(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<(), Refused> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.varint(u64::from(index));
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Counted<'s, 'a>, Refused> {
        let left = length.ok_or(Refused::LengthUnknown)?;
        self.length(left);
        Ok(Counted { to: self, left })
    }

    fn serialize_tuple(self, length: usize) -> Result<Counted<'s, 'a>, Refused> {
        Ok(Counted { to: self, left: length })
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Counted<'s, 'a>, Refused> {
        Ok(Counted { to: self, left: length })
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        length: usize,
    ) -> Result<Counted<'s, 'a>, Refused> {
        self.varint(u64::from(index));
        Ok(Counted { to: self, left: length })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Counted<'s, 'a>, Refused> {
        // Keys and values are counted alike.
        let entries = length.ok_or(Refused::LengthUnknown)?;
        self.length(entries);
        Ok(Counted { to: self, left: entries.checked_mul(2).ok_or(Refused::LengthDiffers)? })
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Counted<'s, 'a>, Refused> {
        Ok(Counted { to: self, left: length })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        length: usize,
    ) -> Result<Counted<'s, 'a>, Refused> {
        self.varint(u64::from(index));
        Ok(Counted { to: self, left: length })
    }
}

macro_rules! counted {
    ($($trait:ident :: $method:ident),+) => {
        $(impl ser::$trait for Counted<'_, '_> {
            type Ok = ();
            type Error = Refused;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<(), Refused> {
                self.finish()
            }
        })+
    };
}

counted!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! counted_fields {
    ($($trait:ident),+) => {
        $(impl ser::$trait for Counted<'_, '_> {
            type Ok = ();
            type Error = Refused;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.element(value)
            }

            fn skip_field(&mut self, _name: &'static str) -> Result<(), Refused> {
                Err(Refused::FieldLeftOut)
            }

            #[inline]
            fn end(self) -> Result<(), Refused> {
                self.finish()
            }
        })+
    };
}

counted_fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Counted<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.element(value)
    }

    fn end(self) -> Result<(), Refused> {
        self.finish()
    }
}
