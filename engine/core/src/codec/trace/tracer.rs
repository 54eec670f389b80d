//! The deserialiser that notes what it is asked for, and answers with samples.

use super::{Context, DEPTH, Refusal};
use crate::codec::shape::Shape;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

const TEXTS: [&str; 8] = [
    "a",
    "",
    "0",
    "1970-01-01T00:00:00Z",
    "1970-01-01",
    "00000000-0000-0000-0000-000000000000",
    "http://a.b/",
    "127.0.0.1",
];
const LENGTHS: [usize; 4] = [0, 16, 32, 8];
const NUMBERS: [u8; 3] = [1, 0, 2];

/// Answers for one place.
pub(super) struct Tracer<'t> {
    pub(super) shape: &'t mut Shape,
    pub(super) cx: &'t mut Context,
}

impl Tracer<'_> {
    fn number(self, kind: &'static str) -> Result<u8, Refusal> {
        Ok(NUMBERS[self.cx.sample(self.shape, kind, NUMBERS.len())?])
    }

    fn text(self) -> Result<&'static str, Refusal> {
        Ok(TEXTS[self.cx.sample(self.shape, "str", TEXTS.len())?])
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(vec![0; LENGTHS[self.cx.sample(self.shape, "bytes", LENGTHS.len())?]])
    }

    /// Let the place be `shape` if it is new.
    fn found(&mut self, shape: impl FnOnce() -> Shape) -> Result<(), Refusal> {
        if self.cx.depth >= DEPTH {
            return Err(self.cx.cut(self.shape));
        }
        if *self.shape == Shape::Unknown {
            *self.shape = shape();
            self.cx.progress += 1;
        }
        Ok(())
    }

    fn any<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Any)?;
        visitor.visit_unit()
    }

    fn parts<'de, V: Visitor<'de>>(
        mut self,
        (name, n): (&'static str, usize),
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Tuple(vec![Shape::Unknown; n]))?;
        self.cx.enter(self.shape, name, None)?;
        let Shape::Tuple(parts) = self.shape else { return Err(differs()) };
        let value = visitor.visit_seq(Parts { parts: parts.iter_mut(), cx: &mut *self.cx })?;
        self.cx.leave();
        Ok(value)
    }

    fn fields<'de, V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Struct(fields.iter().map(|name| (*name, Shape::Unknown)).collect()))?;
        self.cx.enter(self.shape, name, fields.first().copied())?;
        let Shape::Struct(parts) = self.shape else { return Err(differs()) };
        let parts = parts.iter_mut().map(|(_, part)| part);
        let value = visitor.visit_seq(Parts { parts, cx: &mut *self.cx })?;
        self.cx.leave();
        Ok(value)
    }
}

fn differs() -> Refusal {
    Refusal("the type asks for another kind each time".to_owned())
}

/// Whether to go into `inner` in this pass.
fn goes_in(inner: &Shape) -> bool {
    !inner.is_complete() || inner.is_buildable()
}

macro_rules! plain {
    ($($method:ident $visit:ident $kind:literal $with:ident $type:ty;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let sample = self.$with($kind)?;
            visitor.$visit(<$type>::from(sample))
        })+
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Refusal;

    fn is_human_readable(&self) -> bool {
        false
    }

    plain! {
        deserialize_u8 visit_u8 "u8" number u8;
        deserialize_u16 visit_u16 "u16" number u16;
        deserialize_u32 visit_u32 "u32" number u32;
        deserialize_u64 visit_u64 "u64" number u64;
        deserialize_u128 visit_u128 "u128" number u128;
        deserialize_i16 visit_i16 "i16" number i16;
        deserialize_i32 visit_i32 "i32" number i32;
        deserialize_i64 visit_i64 "i64" number i64;
        deserialize_i128 visit_i128 "i128" number i128;
        deserialize_f32 visit_f32 "f32" number f32;
        deserialize_f64 visit_f64 "f64" number f64;
        deserialize_char visit_char "char" number char;
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.number("i8")?;
        visitor.visit_i8(i8::try_from(sample).unwrap_or_default())
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.number("bool")?;
        visitor.visit_bool(sample == 1)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.text()?;
        visitor.visit_str(sample)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let sample = self.bytes()?;
        visitor.visit_byte_buf(sample)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Refusal> {
        Err(Refusal("the type names its fields in a way of its own".to_owned()))
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Option(Box::new(Shape::Unknown)))?;
        let Shape::Option(inner) = self.shape else { return Err(differs()) };
        if !goes_in(inner) {
            return visitor.visit_none();
        }
        self.cx.depth += 1;
        let value = visitor.visit_some(Tracer { shape: inner, cx: &mut *self.cx })?;
        self.cx.depth -= 1;
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.cx.enter(self.shape, name, None)?;
        let value = visitor.visit_newtype_struct(Tracer { shape: self.shape, cx: &mut *self.cx })?;
        self.cx.leave();
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Seq(Box::new(Shape::Unknown)))?;
        let Shape::Seq(inner) = self.shape else { return Err(differs()) };
        let inner = goes_in(inner).then_some(&mut **inner);
        visitor.visit_seq(Parts { parts: inner.into_iter(), cx: self.cx })
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Map(Box::new(Shape::Unknown), Box::new(Shape::Unknown)))?;
        let Shape::Map(key, value) = self.shape else { return Err(differs()) };
        let entry = (goes_in(key) && goes_in(value)).then_some([&mut **key, &mut **value]);
        visitor.visit_map(Parts { parts: entry.into_iter().flatten(), cx: self.cx })
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, n: usize, visitor: V) -> Result<V::Value, Refusal> {
        if n > DEPTH * DEPTH {
            return Err(Refusal("the tuple is too long to be followed".to_owned()));
        }
        self.found(|| Shape::Tuple(vec![Shape::Unknown; n]))?;
        let Shape::Tuple(parts) = self.shape else { return Err(differs()) };
        visitor.visit_seq(Parts { parts: parts.iter_mut(), cx: &mut *self.cx })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        n: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.parts((name, n), visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.fields(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.found(|| Shape::Enum(variants.iter().map(|name| (*name, Shape::Unknown)).collect()))?;
        self.cx.enter(self.shape, name, variants.first().copied())?;
        let Shape::Enum(parts) = self.shape else { return Err(differs()) };
        let next = parts.iter().position(|(_, part)| !part.is_complete());
        let next = next.or_else(|| parts.iter().position(|(_, part)| part.is_buildable()));
        let Some(index) = next else { return Err(Refusal("no variant can be built".to_owned())) };
        let chosen = Chosen { index, part: Tracer { shape: &mut parts[index].1, cx: &mut *self.cx } };
        let value = visitor.visit_enum(chosen)?;
        self.cx.leave();
        Ok(value)
    }
}

/// The elements of a container, one shape each.
struct Parts<'t, I> {
    parts: I,
    cx: &'t mut Context,
}

impl<'de, 'p, I: Iterator<Item = &'p mut Shape>> de::SeqAccess<'de> for Parts<'_, I> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        let Some(shape) = self.parts.next() else { return Ok(None) };
        self.cx.depth += 1;
        let value = seed.deserialize(Tracer { shape, cx: &mut *self.cx })?;
        self.cx.depth -= 1;
        Ok(Some(value))
    }
}

impl<'de, 'p, I: Iterator<Item = &'p mut Shape>> de::MapAccess<'de> for Parts<'_, I> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        de::SeqAccess::next_element_seed(self, seed)?.ok_or_else(differs)
    }
}

/// A variant that was chosen.
struct Chosen<'t> {
    index: usize,
    part: Tracer<'t>,
}

impl<'de, 't> de::EnumAccess<'de> for Chosen<'t> {
    type Error = Refusal;
    type Variant = Tracer<'t>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Tracer<'t>), Refusal> {
        let index = u32::try_from(self.index).unwrap_or_default();
        Ok((seed.deserialize(IntoDeserializer::<Refusal>::into_deserializer(index))?, self.part))
    }
}

impl<'de> de::VariantAccess<'de> for Tracer<'_> {
    type Error = Refusal;

    fn unit_variant(mut self) -> Result<(), Refusal> {
        self.found(|| Shape::Unit)?;
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        self.cx.depth += 1;
        let Tracer { shape, cx } = self;
        let value = seed.deserialize(Tracer { shape, cx: &mut *cx })?;
        cx.depth -= 1;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, n: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(n, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.fields("", fields, visitor)
    }
}
