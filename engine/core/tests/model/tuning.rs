//! Settings laid over those of a declaration.

use super::slots::SlotRig;
use acequia_core::Timestamp;
use acequia_core::accumulator::{
    AccumulatorDecl, Batch, Identity, Kind, StateWindow, Tuning, Window, WindowShape,
};
use acequia_core::ring::Ring;
use acequia_core::source::{SourceDecl, SourceDrive};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

fn batch() -> AccumulatorDecl {
    let close = |events: &[u64]| Ok(Some(events.to_vec()));
    AccumulatorDecl::new("a", Kind::Batch, move || Batch::new(Some(Duration::from_secs(60)), 100, close))
}

fn state() -> AccumulatorDecl {
    AccumulatorDecl::new("a", Kind::State, || StateWindow::new(3, vec![1, 2, 3], |n: &u64| Ok(Some(*n))))
}

fn window() -> AccumulatorDecl {
    AccumulatorDecl::new("a", Kind::Window, || {
        let shape = WindowShape::Tumbling { size: Duration::from_millis(1_000) };
        let time = |event: &u64| Timestamp::from_millis(i64::try_from(*event).unwrap_or(0));
        Window::new(shape, Duration::ZERO, time, |_, events: &[u64]| Ok(Some(events.to_vec())))
    })
}

/// All boundaries of `events`, one turn each.
fn boundaries(decl: AccumulatorDecl, events: &[u64]) -> Vec<Vec<u64>> {
    let mut rig = SlotRig::<u64, Vec<u64>>::of(decl);
    for event in events {
        rig.ring.try_push(*event).unwrap();
        rig.turn(256);
    }
    rig.out()
}

#[test]
fn settings_go_before_those_of_the_code_and_the_others_stay() {
    let size = Tuning { max_buffer_size: Some(2), ..Tuning::default() };
    assert_eq!(boundaries(batch(), &[1, 2, 3]), Vec::<Vec<u64>>::new());
    assert_eq!(boundaries(batch().tune(size).unwrap(), &[1, 2, 3]), [[1, 2]]);

    let interval = Tuning { flush_interval: Some(Duration::from_millis(5)), ..Tuning::default() };
    let both = batch().tune(size).unwrap().tune(interval).unwrap();
    assert_eq!(both.tuning(), size.under(interval));
    let mut rig = SlotRig::<u64, Vec<u64>>::of(both);
    rig.ring.try_push(7).unwrap();
    rig.turn(256);
    assert_eq!(rig.slot.due(), Some(Timestamp::from_millis(5)));

    let one = Tuning { window_capacity: Some(1), ..Tuning::default() };
    assert_eq!(boundaries(state(), &[4]), [vec![1, 2, 3], vec![2, 3, 4]]);
    assert_eq!(boundaries(state().tune(one).unwrap(), &[4]), [vec![3], vec![4]], "at its start as well");

    let times = [1, 5, 12, 3, 40];
    assert_eq!(boundaries(window(), &times), Vec::<Vec<u64>>::new());
    let ten = WindowShape::Tumbling { size: Duration::from_millis(10) };
    let shape = Tuning { shape: Some(ten), ..Tuning::default() };
    assert_eq!(boundaries(window().tune(shape).unwrap(), &times), [vec![1, 5], vec![12]]);
    let late = Tuning { lateness: Some(Duration::from_millis(5)), ..shape };
    assert_eq!(boundaries(window().tune(late).unwrap(), &times), [vec![1, 5, 3], vec![12]]);
}

#[test]
fn a_part_that_is_made_anew_has_the_settings_too() {
    let size = Tuning { max_buffer_size: Some(1), ..Tuning::default() };
    let mut rig = SlotRig::<u64, Vec<u64>>::of(batch().tune(size).unwrap());
    rig.slot.reinstall();
    rig.ring.try_push(7).unwrap();
    rig.turn(256);
    assert_eq!(rig.out(), [[7]]);
}

#[test]
fn a_setting_that_does_not_fit_is_refused_by_name() {
    let check = |decl: AccumulatorDecl, tuning: Tuning, wanted: &str| {
        let text =
            decl.tune(tuning).map(|decl| format!("{decl:?}")).unwrap_or_else(|error| error.to_string());
        assert!(text.contains(wanted), "{text}");
    };
    let plain = || AccumulatorDecl::new("p", Kind::Passthrough, Identity::<u64>::default);
    let of = Tuning::default;
    let (ms, none) = (Duration::from_millis(1), Duration::ZERO);
    check(plain(), of(), "AccumulatorDecl");
    check(
        plain(),
        Tuning { lateness: Some(ms), ..of() },
        "E0338: a setting changes `lateness` of accumulator p, which is a passthrough; nothing of it can be changed",
    );
    check(
        batch(),
        Tuning { interval: Some(ms), ..of() },
        "which is a batch; `flush_interval`, `max_buffer_size` of it can be changed",
    );
    check(
        batch(),
        Tuning { max_buffer_size: Some(0), ..of() },
        "E0339: a setting gives `max_buffer_size` of accumulator a a value that it cannot have: it is at least 1",
    );
    check(batch(), Tuning { flush_interval: Some(none), ..of() }, "longer than nothing");
    check(state(), Tuning { window_capacity: Some(-2), ..of() }, "at least -1");
    let shape = |shape| Tuning { shape: Some(shape), ..of() };
    check(window(), shape(WindowShape::Session { gap: none }), "a pane has a length");
    check(window(), shape(WindowShape::Sliding { size: ms, slide: none }), "a distance to the next");
    check(window(), shape(WindowShape::Sliding { size: ms, slide: 2 * ms }), "would lose what falls between");
}

#[test]
fn a_polling_interval_goes_before_the_sources_own_whichever_comes_first() {
    let source = || SourceDecl::poll::<u64, _, _>(Duration::from_secs(9), || async { Ok(None) });
    let polled = || AccumulatorDecl::new("a", Kind::Polling, Identity::<u64>::default);
    let tuning = Tuning { interval: Some(Duration::from_secs(2)), ..Tuning::default() };
    let interval = |decl: AccumulatorDecl| {
        let ring: Arc<dyn Any + Send + Sync> =
            decl.slot(None).ring().as_any().downcast::<Ring<u64>>().unwrap();
        match decl.source.unwrap().drive(&ring, &Arc::default()) {
            Some(SourceDrive::Poll { interval, .. }) => interval,
            _ => panic!("it is polled"),
        }
    };
    assert_eq!(interval(polled().source(source())), Duration::from_secs(9));
    assert_eq!(interval(polled().source(source()).tune(tuning).unwrap()), Duration::from_secs(2));
    assert_eq!(interval(polled().tune(tuning).unwrap().source(source())), Duration::from_secs(2));
}
