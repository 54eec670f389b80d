//! Payloads of every shape that serde knows.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Kinds {
    Unit,
    New(u64),
    Pair(u8, String),
    Named { a: i128, b: Option<char> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Generic<T> {
    pub(super) value: T,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plain {
    id: u128,
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64),
    wide: f64,
    text: String,
    kinds: Vec<Kinds>,
    nested: Option<Option<Generic<Kinds>>>,
    by_number: BTreeMap<i64, Vec<Option<String>>>,
    by_pair: BTreeMap<(u8, char), bool>,
    fixed: [u16; 3],
    unit: (),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Floats {
    pub(super) wide: f64,
    pub(super) narrow: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<u8>,
    pub(super) second: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) third: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OneSided {
    pub(super) kept: u8,
    #[serde(skip_serializing, default)]
    pub(super) unsaid: u8,
    pub(super) last: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Tree {
    Leaf(i128),
    Node { left: Box<Tree>, right: Box<Tree>, more: Vec<Tree> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Either {
    Number(i64),
    Text(String),
    Both { number: f64, text: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(super) enum Tagged {
    Quote { price: f64 },
    Halt,
}

/// Everything that asks the input what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Loose {
    either: Vec<Either>,
    tagged: Tagged,
    big: (i128, u128),
    by_number: BTreeMap<i32, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sometimes: Option<String>,
    free: serde_json::Value,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LooseFloat {
    pub(super) value: f64,
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, u8>,
}

fn kinds() -> impl Strategy<Value = Kinds> {
    prop_oneof![
        Just(Kinds::Unit),
        any::<u64>().prop_map(Kinds::New),
        (any::<u8>(), any::<String>()).prop_map(|(a, b)| Kinds::Pair(a, b)),
        (any::<i128>(), any::<Option<char>>()).prop_map(|(a, b)| Kinds::Named { a, b }),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::ANY.prop_filter("NaN equals nothing", |value| !value.is_nan()),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::from_bits(1)),
        Just(0.1),
    ]
}

pub(super) fn plain() -> impl Strategy<Value = Plain> {
    let numbers = (any::<u128>(), any::<(i8, i16, i32, i64, i128)>(), any::<(u8, u16, u32, u64)>(), number());
    let nested = prop::option::of(prop::option::of(kinds().prop_map(|value| Generic { value })));
    let maps = (
        prop::collection::btree_map(any::<i64>(), prop::collection::vec(any::<Option<String>>(), 0..3), 0..3),
        prop::collection::btree_map(any::<(u8, char)>(), any::<bool>(), 0..3),
    );
    let rest = (any::<String>(), prop::collection::vec(kinds(), 0..4), nested, maps, any::<[u16; 3]>());
    (numbers, rest).prop_map(|((id, signed, unsigned, wide), (text, kinds, nested, maps, fixed))| Plain {
        id,
        signed,
        unsigned,
        wide,
        text,
        kinds,
        nested,
        by_number: maps.0,
        by_pair: maps.1,
        fixed,
        unit: (),
    })
}

pub(super) fn tree() -> impl Strategy<Value = Tree> {
    any::<i128>().prop_map(Tree::Leaf).prop_recursive(4, 24, 4, |inner| {
        (inner.clone(), inner.clone(), prop::collection::vec(inner, 0..3))
            .prop_map(|(left, right, more)| Tree::Node { left: Box::new(left), right: Box::new(right), more })
    })
}

pub(super) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        number().prop_filter("JSON has no infinity", |value| value.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

pub(super) fn loose() -> impl Strategy<Value = Loose> {
    let either = prop_oneof![
        any::<i64>().prop_map(Either::Number),
        any::<String>().prop_map(Either::Text),
        (number(), any::<String>()).prop_map(|(number, text)| Either::Both { number, text }),
    ];
    let tagged = prop_oneof![Just(Tagged::Halt), number().prop_map(|price| Tagged::Quote { price })];
    let big = (any::<i64>().prop_map(i128::from), any::<u64>().prop_map(u128::from));
    let rest = prop::collection::btree_map("x[a-z]{1,4}", json(), 0..3);
    (
        prop::collection::vec(either, 0..3),
        tagged,
        big,
        prop::collection::btree_map(any::<i32>(), number(), 0..3),
        any::<Option<String>>(),
        json(),
        rest,
    )
        .prop_map(|(either, tagged, big, by_number, sometimes, free, rest)| Loose {
            either,
            tagged,
            big,
            by_number,
            sometimes,
            free,
            rest,
        })
}
