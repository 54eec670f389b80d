//! Values cross a real library and come back exactly, whatever they hold.

use super::engine_and_probe;
use acequia::core::codec;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

/// The fixture's `Nested` under other names: only the fields tell them apart.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Ours {
    number: f64,
    small: f32,
    signed: i64,
    unsigned: u64,
    text: String,
    letter: char,
    flag: bool,
    unit: (),
    pair: (u8, i16),
    list: Vec<Option<Form>>,
    named: BTreeMap<String, Vec<f64>>,
    inner: Option<Core>,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Core {
    bytes: Vec<u8>,
    shape: Form,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
enum Form {
    Nothing,
    Circle(f64),
    Box { width: f32, name: String },
}

/// Any bits: infinities, subnormals and each NaN.
fn bits() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

fn small_bits() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits)
}

fn form() -> impl Strategy<Value = Form> {
    let boxed = (small_bits(), any::<String>()).prop_map(|(width, name)| Form::Box { width, name });
    prop_oneof![Just(Form::Nothing), bits().prop_map(Form::Circle), boxed]
}

fn ours() -> impl Strategy<Value = Ours> {
    let plain = (bits(), small_bits(), any::<i64>(), any::<u64>(), any::<String>(), any::<char>());
    let held = (
        any::<bool>(),
        any::<(u8, i16)>(),
        vec(proptest::option::of(form()), 0..6),
        btree_map(any::<String>(), vec(bits(), 0..4), 0..4),
        proptest::option::of((vec(any::<u8>(), 0..300), form())),
    );
    (plain, held).prop_map(
        |((number, small, signed, unsigned, text, letter), (flag, pair, list, named, inner))| Ours {
            number,
            small,
            signed,
            unsigned,
            text,
            letter,
            flag,
            unit: (),
            pair,
            list,
            named,
            inner: inner.map(|(bytes, shape)| Core { bytes, shape }),
        },
    )
}

fn bytes(value: &Ours) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(value, &mut bytes).unwrap();
    bytes
}

#[tokio::test(start_paused = true)]
async fn nested_values_survive_a_library_to_the_bit() {
    let (engine, probe) = engine_and_probe::<Ours>("of_nested").await;
    let mut runner = TestRunner::default();
    let values: Vec<Ours> = (0..2_000).map(|_| ours().new_tree(&mut runner).unwrap().current()).collect();

    engine.push_all("structured", values.clone()).await;
    let back = probe.expect(values.len()).await;

    for (value, back) in values.iter().zip(&back) {
        // Bytes, since a NaN is not equal to itself.
        assert_eq!(bytes(value), bytes(back), "{value:?} came back as {back:?}");
    }
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn nested_values_survive_a_library_through_json() {
    let (engine, probe) = engine_and_probe::<Ours>("of_nested").await;
    let mut runner = TestRunner::default();
    let finite = |value: &Ours| {
        // What JSON has no form for becomes null on the way; the other edges bring it back.
        let text = serde_json::to_vec(value).unwrap();
        serde_json::from_slice::<Ours>(&text).ok().map(|value| (text, value))
    };
    let values = (0..500).filter_map(|_| finite(&ours().new_tree(&mut runner).unwrap().current()));
    let values: Vec<(Vec<u8>, Ours)> = values.collect();
    assert!(values.len() > 100, "{} of 500 are finite", values.len());

    for some in values.chunks(256) {
        for (json, _) in some {
            engine.push_json("structured", json).unwrap().unwrap();
        }
        engine.settle().await;
    }
    let back = probe.expect(values.len()).await;

    for ((_, value), back) in values.iter().zip(&back) {
        assert_eq!(bytes(value), bytes(back), "{value:?} came back as {back:?}");
    }
    engine.assert_ledger().await;
}
