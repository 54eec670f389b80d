//! What accumulators keep is recorded as bytes, and a cell of a later process goes on with it.

use super::harness::Rig;
use acequia_core::accumulator::{
    AccumulatorDecl, Batch, Identity, Kind, Passthrough, Reply, StateWindow, Stateful, Window, WindowShape,
};
use acequia_core::cell::{Cell, Kept, KeptError};
use acequia_core::fault::Failure;
use acequia_core::reactor::{ReactorDecl, Strategy, when_any};
use acequia_core::{Encoded, Timestamp};
use std::time::Duration;

const NAMES: [&str; 6] = ["passing", "asked", "summed", "batched", "windowed", "paned"];

/// One accumulator of each kind.
fn every_kind() -> Vec<AccumulatorDecl> {
    let millis = Duration::from_millis;
    vec![
        AccumulatorDecl::new("passing", Kind::Passthrough, || {
            Passthrough::new(|n: &u64| Ok(Reply::Ready(Some(n + 1))))
        }),
        AccumulatorDecl::new("asked", Kind::Polling, Identity::<u64>::default),
        AccumulatorDecl::new("summed", Kind::Stream, || {
            Stateful::new(0_u64, |sum: &mut u64, n: &u64| {
                *sum += n;
                Ok(Some(*sum))
            })
        }),
        AccumulatorDecl::new("batched", Kind::Batch, move || {
            Batch::new(Some(millis(100)), 3, |events: &[u64]| Ok(Some(events.to_vec())))
        }),
        AccumulatorDecl::new("windowed", Kind::State, || StateWindow::new(3, vec![], |n: &u64| Ok(Some(*n)))),
        AccumulatorDecl::new("paned", Kind::Window, move || {
            let shape = WindowShape::Tumbling { size: millis(10) };
            let time = |n: &u64| Timestamp::from_millis(i64::try_from(*n).unwrap_or(0));
            Window::new(shape, Duration::ZERO, time, |_, events: &[u64]| Ok(Some(events.len() as u64)))
        }),
    ]
}

fn cell(strategy: Strategy) -> Rig {
    Rig::bare(ReactorDecl::new("r", every_kind(), when_any(NAMES)).strategy(strategy))
}

fn push(rig: &mut Rig, n: u64) {
    rig.rings.iter().for_each(|ring| ring.try_push(n).map(drop).unwrap());
    rig.settle();
}

/// The cached value of each source.
fn cache(rig: &Rig) -> Vec<serde_json::Value> {
    let view = rig.cell.inspect();
    view["sources"].as_array().unwrap().iter().map(|source| source["cache"].clone()).collect()
}

/// Recorded as bytes, and read by somebody who has nothing else.
fn recorded(rig: &Rig) -> Vec<Kept> {
    let kept = rig.cell.kept(rig.now).unwrap();
    let read = kept.iter().map(|kept| {
        let mut bytes = Vec::new();
        kept.encode(&mut bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(matches!(Kept::decode(&bytes[..end]), Err(KeptError::Record { .. })), "cut at {end}");
        }
        Kept::decode(&bytes).unwrap()
    });
    let read: Vec<Kept> = read.collect();
    assert_eq!(read, kept);
    read
}

#[test]
fn every_kind_goes_on_in_another_process_with_what_it_kept() {
    for strategy in [Strategy::Latest, Strategy::Sequential] {
        let mut before = cell(strategy);
        for n in [3, 4, 12, 15, 16] {
            before.now = before.now.after(Duration::from_millis(20));
            push(&mut before, n);
        }
        let mut after = cell(strategy);
        // Its clock began anew.
        after.now = Timestamp::from_millis(7_000);
        after.cell.restore(recorded(&before), after.now).unwrap();

        assert_eq!(cache(&after)[0], 17, "{strategy:?}");
        assert_eq!(cache(&after)[2..4], cache(&before)[2..4], "{strategy:?}");
        assert_eq!(after.cell.n_firings(), 0);
        let held = |rig: &Rig| -> Vec<u64> { rig.cell.slots().iter().map(|slot| slot.held()).collect() };
        assert_eq!(held(&after), held(&before));
        after.turn();
        after.settle();
        assert_eq!(cache(&after), cache(&before), "{strategy:?}");
        // The last output of the polling one and the window are offered again; the others have fired.
        assert_eq!(after.cell.n_firings(), if strategy == Strategy::Latest { 1 } else { 2 });

        for n in [17, 21, 35, 40] {
            for rig in [&mut before, &mut after] {
                rig.now = rig.now.after(Duration::from_millis(30));
                push(rig, n);
            }
            assert_eq!(cache(&after), cache(&before), "{strategy:?}, after {n}");
            assert_eq!(held(&after), held(&before), "{strategy:?}, after {n}");
        }
    }
}

#[test]
fn an_accumulator_that_has_seen_nothing_keeps_nothing_and_one_that_is_gone_is_passed_over() {
    let fresh = cell(Strategy::Latest);
    let kept = recorded(&fresh);
    assert!(kept.iter().all(|kept| kept.last.is_none()));
    assert!(kept[0].state.is_none() && kept[1].state.is_none(), "these keep none");

    let mut before = cell(Strategy::Latest);
    push(&mut before, 3);
    let mut smaller = Rig::bare(ReactorDecl::new("r", every_kind()[..1].to_vec(), when_any(["passing"])));
    smaller.cell.restore(recorded(&before), smaller.now).unwrap();
    assert_eq!(cache(&smaller), [4]);
}

#[test]
fn what_does_not_fit_is_refused_with_the_accumulators_name() {
    let mut before = cell(Strategy::Latest);
    push(&mut before, 3);
    let kept = recorded(&before);
    let refused = |decl: AccumulatorDecl, kept: &Kept| {
        let name = decl.name.to_string();
        let mut cell =
            Cell::new(ReactorDecl::new("r", vec![decl], when_any([name])), Duration::from_secs(1)).unwrap();
        let error = cell.restore(vec![kept.clone()], Timestamp::ZERO).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    };
    let text = refused(AccumulatorDecl::passthrough::<String>("passing"), &kept[0]);
    assert!(text.contains("E0352: accumulator passing kept a boundary of u64"), "{text}");

    let words = || Stateful::new(String::new(), |_: &mut String, n: &u64| Ok(Some(*n)));
    let text = refused(AccumulatorDecl::new("summed", Kind::Stream, words), &kept[2]);
    assert!(text.contains("E0351: accumulator summed") && text.contains("E0334: it keeps"), "{text}");

    let wire = kept[2].state.as_ref().unwrap().wire_type();
    let garbled = Kept { state: Some(Encoded::new(vec![1, 255], wire)), ..kept[2].clone() };
    let text = refused(every_kind().remove(2), &garbled);
    assert!(text.contains("E0336: the state is unreadable"), "{text}");

    let garbled = Kept { last: Some(Encoded::new(vec![9], wire)), state: None, ..kept[2].clone() };
    assert!(refused(every_kind().remove(2), &garbled).contains("E0353"));
}

#[test]
fn a_state_of_an_older_version_goes_through_the_migration_after_a_restart_too() {
    let mut before = cell(Strategy::Latest);
    push(&mut before, 3);
    push(&mut before, 4);
    let texts = |migrate: fn(u64) -> Result<String, Failure>| {
        let decl = AccumulatorDecl::new("summed", Kind::Stream, || {
            Stateful::new(String::new(), |text: &mut String, n: &u64| {
                text.push('x');
                Ok(Some(text.len() as u64 * 100 + n))
            })
        });
        Rig::bare(ReactorDecl::new("r", vec![decl.migrate(migrate)], when_any(["summed"])))
    };
    let mut after = texts(|sum| Ok("x".repeat(sum as usize)));
    after.cell.restore(recorded(&before), after.now).unwrap();
    push(&mut after, 5);
    assert_eq!(cache(&after), [805]);

    let failing: [fn(u64) -> Result<String, Failure>; 2] =
        [|_| Err(Failure::error("not today")), |_| super::harness::quiet_panic("not at all")];
    for (migrate, said) in failing.into_iter().zip(["not today", "panicked: not at all"]) {
        let error = texts(migrate).cell.restore(recorded(&before), Timestamp::ZERO).unwrap_err();
        let KeptError::Refused { source, .. } = error else { panic!("{error}") };
        assert!(source.to_string().contains(said), "{source}");
    }
}

/// Bytes that this release and every later one reads.
#[test]
fn a_record_of_the_first_form_is_read() {
    let mut before = cell(Strategy::Latest);
    push(&mut before, 3);
    let mut bytes = Vec::new();
    recorded(&before)[0].encode(&mut bytes).unwrap();
    let hash = Encoded::from_value(&4_u64).unwrap().wire_type().hash().0;
    let wanted =
        [&[1, 0, 7][..], b"passing", &[1], &hash, &[3], b"u64", &[3], b"u64", &[2, 1, 4, 0]].concat();
    assert_eq!(bytes, wanted);
    assert_eq!(Kept::decode(&wanted).unwrap().accumulator.as_str(), "passing");
}
