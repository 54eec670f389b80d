//! Values as bytes: every payload comes back exactly as it was, and no bytes make a reader panic.

mod payloads;

use acequia_core::codec::{CodecError, Form, Schema, decode, encode};
use acequia_core::payload::Payload;
use payloads::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Encode and decode; the comparison is by the debug text as well, which tells -0.0 and NaN apart.
fn round_trip<T: Payload + std::fmt::Debug>(value: &T) -> T {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    let back = T::decode(&bytes).unwrap();
    assert_eq!(format!("{value:?}"), format!("{back:?}"));
    back
}

proptest! {
    #[test]
    fn plain_payloads_come_back_exactly(value in plain()) {
        prop_assert_eq!(round_trip(&value), value);
    }

    #[test]
    fn floats_keep_every_bit(bits in any::<u64>(), small in any::<u32>()) {
        let value = Floats { wide: f64::from_bits(bits), narrow: f32::from_bits(small) };
        let back = round_trip(&value);
        prop_assert_eq!(back.wide.to_bits(), bits);
        prop_assert_eq!(back.narrow.to_bits(), small);
    }

    #[test]
    fn payloads_that_describe_themselves_come_back_exactly(value in loose()) {
        prop_assert_eq!(round_trip(&value), value);
    }

    #[test]
    fn recursive_payloads_come_back_exactly(value in tree()) {
        prop_assert_eq!(round_trip(&value), value);
    }

    #[test]
    fn floats_keep_every_bit_where_the_type_describes_itself(bits in any::<u64>()) {
        let value = LooseFloat { value: f64::from_bits(bits), rest: BTreeMap::new() };
        prop_assert_eq!(round_trip(&value).value.to_bits(), bits);
    }

    #[test]
    fn the_compact_form_is_that_of_postcard(value in plain()) {
        let mut bytes = Vec::new();
        encode(&value, &mut bytes).unwrap();
        prop_assert_eq!(&bytes[1..], postcard::to_allocvec(&value).unwrap());
    }

    #[test]
    fn garbled_bytes_never_panic(
        value in plain(), tree in tree(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>(),
    ) {
        for mut bytes in [encoded(&value), encoded(&tree)] {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = with }
            let _ = decode::<Plain>(&bytes);
            let _ = decode::<Tree>(&bytes);
            let _ = decode::<Loose>(&bytes);
        }
    }

    #[test]
    fn whatever_the_bytes_they_are_read_as_postcard_reads_them(
        value in plain(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = encoded(&value);
        let at = at.index(bytes.len() - 1) + 1;
        if cut { bytes.truncate(at) } else { bytes[at] = with }
        let theirs = postcard::take_from_bytes::<Plain>(&bytes[1..]);
        match (decode::<Plain>(&bytes), theirs) {
            (Ok(ours), Ok((theirs, []))) => prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}")),
            (Err(CodecError::Trailing { left, .. }), Ok((_, rest))) => prop_assert_eq!(left, rest.len()),
            (Err(CodecError::Decode { .. }), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{ours:?} beside {theirs:?}"),
        }
    }

    #[test]
    fn a_value_is_read_into_the_room_of_another_as_it_is_read_anew(old in plain(), new in plain()) {
        let mut place = old;
        place.decode_over(Plain::form(), &encoded(&new), Plain::declared_type()).unwrap();
        prop_assert_eq!(place, new);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), form in 0u8..4) {
        let mut tagged = vec![form];
        tagged.extend(&bytes);
        let _ = decode::<Plain>(&tagged);
        let _ = decode::<Tree>(&tagged);
        let _ = decode::<Loose>(&tagged);
        let _ = decode::<Vec<()>>(&tagged);
    }

    #[test]
    fn a_number_is_the_same_number_on_both_sides_of_json(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = serde_json::to_vec(&value.to_json().unwrap()).unwrap();
        prop_assert_eq!(f64::from_json(&text).unwrap().to_bits(), bits);
    }

    #[test]
    fn json_values_come_back_exactly(value in json()) {
        prop_assert_eq!(round_trip(&value), value);
    }
}

fn encoded<T: Payload>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_truncated_value_is_refused_wherever_it_ends() {
    let bytes = encoded(&("text".to_owned(), 7u64, Some(1.5f64)));
    for end in 0..bytes.len() {
        assert!(decode::<(String, u64, Option<f64>)>(&bytes[..end]).is_err(), "{end} bytes were enough");
    }
}

#[test]
fn what_follows_a_value_is_refused() {
    let mut bytes = encoded(&7u64);
    bytes.push(0);
    assert!(matches!(decode::<u64>(&bytes), Err(CodecError::Trailing { left: 1, .. })));
}

#[test]
fn fields_left_out_do_not_shift_the_others() {
    let sparse = Sparse { first: None, second: 2, third: None };
    assert_eq!(round_trip(&sparse), sparse);
    let full = Sparse { first: Some(1), second: 2, third: Some(3) };
    assert_eq!(round_trip(&full), full);
}

#[test]
fn a_type_whose_halves_disagree_describes_itself() {
    assert_eq!(Schema::of::<OneSided>().form(), Form::SelfDescribing);
    let value = OneSided { kept: 1, unsaid: 0, last: 3 };
    assert_eq!(round_trip(&value), value);
}

#[test]
fn types_that_check_their_values_are_traced() {
    assert_eq!(NonZeroU32::schema().text(), "u32");
    assert_eq!(round_trip(&NonZeroU32::MAX), NonZeroU32::MAX);
    assert_eq!(std::time::Duration::schema().form(), Form::Compact);
}

#[test]
fn names_of_types_do_not_count_but_names_of_fields_do() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Price {
        close: f64,
    }
    mod other {
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        pub(super) struct Quote {
            pub(super) close: f64,
        }
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        pub(super) struct Price {
            pub(super) open: f64,
        }
    }
    assert_eq!(Price::schema().hash(), other::Quote::schema().hash());
    assert_ne!(Price::schema().hash(), other::Price::schema().hash());
    let quote: other::Quote = decode(&encoded(&Price { close: 0.1 })).unwrap();
    assert_eq!(quote.close, 0.1);
    assert!(other::Price { open: 1.0 }.open > 0.0);
}

#[test]
fn schemas_read_as_text() {
    let texts = [
        (Sparse::schema(), "{first: u8?, second: u8, third: u8?}"),
        (Floats::schema(), "{wide: f64, narrow: f32}"),
        (<(u8, String)>::schema(), "(u8,str,)"),
        (<BTreeMap<u64, Vec<bool>>>::schema(), "[u64: [bool]]"),
        (Kinds::schema(), "<Unit: () | New: u64 | Pair: (u8,str,) | Named: {a: i128, b: char?}>"),
        (<Generic<Generic<u8>>>::schema(), "{value: {value: u8}}"),
        (serde_json::Value::schema(), "self-describing any"),
    ];
    for (schema, text) in texts {
        assert_eq!(schema.text(), text);
    }
    assert!(Tree::schema().text().starts_with("self-describing <Leaf: i128 | Node: {"), "{}", Tree::schema());
    assert!(Loose::schema().text().starts_with("self-describing as "), "{}", Loose::schema());
}

#[test]
fn generic_types_of_one_name_are_told_apart() {
    assert_ne!(<Generic<u8>>::schema().hash(), <Generic<u16>>::schema().hash());
}
