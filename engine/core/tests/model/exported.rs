//! The state of a part goes on in another part, as a value or as bytes, and nobody sees the difference.

use super::harness::cases;
use super::kinds::{Op, ops};
use super::slots::SlotRig;
use acequia_core::accumulator::{
    Accumulator, AccumulatorDecl, AnySlot, Batch, Exported, Identity, ImportError, Kind, Passthrough, Reply,
    Span, StateWindow, Stateful, Tuning, Window, WindowShape,
};
use acequia_core::codec::SchemaHash;
use acequia_core::fault::Failure;
use acequia_core::wire::RemotePart;
use acequia_core::{Encoded, Payload, Timestamp, WireType};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

type Event = (u64, String);

fn event(number: u64) -> Event {
    (number, format!("event {number}"))
}

/// How a state gets to its next part.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Value,
    Bytes,
}

/// What happens to the part, and how it is replaced after that.
fn lives() -> impl Strategy<Value = Vec<(Op, Option<Way>)>> {
    let way = prop_oneof![4 => Just(None), 1 => Just(Some(Way::Value)), 1 => Just(Some(Way::Bytes))];
    ops().prop_flat_map(move |ops| {
        let n = ops.len();
        (Just(ops), proptest::collection::vec(way.clone(), n))
            .prop_map(|(ops, ways)| ops.into_iter().zip(ways).collect())
    })
}

/// Nothing but bytes, a hash and texts, as another process would read it.
fn elsewhere(state: &Exported) -> Exported {
    let encoded = state.encoded().unwrap();
    let (bytes, ty) = (encoded.as_bytes().to_vec(), encoded.wire_type());
    Exported::of(Encoded::new(bytes, WireType::intern(SchemaHash(ty.hash().0), ty.name(), ty.text())))
}

/// Put a fresh part of `decl` in the place of the one of `rig`.
fn replace<E: Payload, B: Payload>(rig: &mut SlotRig<E, B>, decl: &AccumulatorDecl, way: Way) {
    let mut next = decl.slot(Some(Arc::default()));
    if let Some(state) = rig.slot.export(rig.now).unwrap() {
        let state = if way == Way::Bytes { elsewhere(&state) } else { state };
        next.import(decl.migrated(state).unwrap(), rig.now).unwrap();
    }
    // What is overdue is due now.
    let due = rig.slot.due().map(|due| due.max(rig.now));
    assert_eq!((next.held(), next.due()), (rig.slot.held(), due));
    assert!(next.succeed(&mut *rig.slot));
    rig.slot = next;
}

fn run<E: Payload, B: Payload>(rig: &mut SlotRig<E, B>, op: &Op, next: &mut u64, make: impl Fn(u64) -> E) {
    match op {
        Op::Push(n) => {
            for _ in 0..*n {
                rig.ring.try_push(make(*next)).unwrap();
                *next += 1;
            }
        }
        Op::Turn(limit) => drop(rig.turn(*limit)),
        Op::Advance(millis) => rig.advance(*millis),
        Op::Flush => drop(rig.flush()),
    }
}

/// One part that stays, one that is replaced now and then, and one behind bytes that is as well.
fn compare<A>(
    lives: &[(Op, Option<Way>)],
    make: impl Fn() -> A + Clone + Send + Sync + 'static,
) -> Result<(), TestCaseError>
where
    A: Accumulator<Event = Event>,
    A::Boundary: PartialEq + std::fmt::Debug,
{
    let decl = AccumulatorDecl::new("a", Kind::Custom, make).capacity(100_000);
    let (event_ty, boundary) = (WireType::of::<Event>().unwrap(), WireType::of::<A::Boundary>().unwrap());
    let inner = decl.clone();
    let behind = move |_: &Tuning| RemotePart::new(inner.part(), event_ty, boundary);
    let behind = AccumulatorDecl::encoded("a", Kind::Custom, event_ty, boundary, behind).capacity(100_000);
    let mut stays = SlotRig::<Event, A::Boundary>::of(decl.clone());
    let mut moves = SlotRig::<Event, A::Boundary>::of(decl.clone());
    let mut remote = SlotRig::<Encoded, Encoded>::of(behind.clone());
    let mut next = [0; 3];
    for (op, way) in lives {
        run(&mut stays, op, &mut next[0], event);
        run(&mut moves, op, &mut next[1], event);
        run(&mut remote, op, &mut next[2], |n| Encoded::from_value(&event(n)).unwrap());
        if let Some(way) = way {
            replace(&mut moves, &decl, *way);
            replace(&mut remote, &behind, *way);
        }
        prop_assert_eq!(stays.out(), moves.out());
        let decoded = |value: &Encoded| A::Boundary::decode(value.as_bytes()).unwrap();
        prop_assert_eq!(stays.out(), remote.out().iter().map(decoded).collect::<Vec<_>>());
        for slot in [&moves.slot, &remote.slot] {
            prop_assert_eq!(stays.slot.entry(), slot.entry());
            let due = |slot: &dyn AnySlot| slot.due().map(|due| due.max(stays.now));
            prop_assert_eq!((due(&*stays.slot), stays.slot.held()), (due(&**slot), slot.held()));
        }
    }
    Ok(())
}

/// Some boundaries, and none for others.
fn some<T>(n: u64, value: T) -> Result<Option<T>, Failure> {
    Ok((n % 5 != 3).then_some(value))
}

fn panes(shape: WindowShape, late: u64) -> impl Fn() -> PanesOf + Clone + Send + Sync {
    move || {
        let time: fn(&Event) -> Timestamp = |event| Timestamp::from_millis((event.0 ^ 5) as i64);
        let close: Close = |span, events| some(events.len() as u64, (span.start.as_nanos(), events.to_vec()));
        Window::new(shape, Duration::from_millis(late), time, close)
    }
}

type Close = fn(Span, &[Event]) -> Result<Option<(i64, Vec<Event>)>, Failure>;
type PanesOf = Window<Event, (i64, Vec<Event>), fn(&Event) -> Timestamp, Close>;

fn shapes() -> impl Strategy<Value = WindowShape> {
    let millis = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    prop_oneof![
        millis(1..40).prop_map(|size| WindowShape::Tumbling { size }),
        (millis(1..40), millis(1..40)).prop_map(|(size, slide)| WindowShape::Sliding { size, slide }),
        millis(1..9).prop_map(|gap| WindowShape::Session { gap }),
    ]
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn a_passthrough_goes_on(lives in lives()) {
        compare(&lives, || Passthrough::new(|event: &Event| Ok(Reply::Ready(some(event.0, event.1.clone())?))))?;
        // In place it takes events straight from the ring: turns with room for all of them are the same.
        let whole = |op| if let Op::Turn(_) = op { Op::Turn(100_000) } else { op };
        let lives: Vec<_> = lives.into_iter().map(|(op, way)| (whole(op), way)).collect();
        compare(&lives, Identity::<Event>::default)?;
    }

    #[test]
    fn a_stream_goes_on_with_its_authors_state(lives in lives()) {
        compare(&lives, || Stateful::new((0_u64, String::new()), |sum: &mut (u64, String), event: &Event| {
            *sum = (sum.0 + event.0, event.1.clone());
            some(sum.0, sum.clone())
        }))?;
    }

    #[test]
    fn a_batch_goes_on_with_its_buffer_and_its_time(
        lives in lives(), size in 1..14_usize, millis in proptest::option::of(0..60_u64),
    ) {
        compare(&lives, move || {
            let close = |events: &[Event]| some(events.len() as u64, events.to_vec());
            Batch::new(millis.map(Duration::from_millis), size, close)
        })?;
    }

    #[test]
    fn a_state_goes_on_with_its_window(lives in lives(), capacity in -1..5_i64) {
        compare(&lives, move || StateWindow::new(capacity, vec![7], |event: &Event| some(event.0, event.0)))?;
    }

    #[test]
    fn a_window_goes_on_with_its_open_panes(lives in lives(), shape in shapes(), late in 0..20_u64) {
        compare(&lives, panes(shape, late))?;
    }
}

/// Panes of another shape close as they are; what comes goes into panes of the new one. Nothing is lost, and
/// nothing is counted twice.
#[test]
fn a_window_whose_shape_changed_closes_what_was_open_as_it_was() {
    let (five, ten) = (Duration::from_millis(5), Duration::from_millis(10));
    let shapes = [
        WindowShape::Tumbling { size: ten },
        WindowShape::Sliding { size: ten, slide: five },
        WindowShape::Session { gap: five },
        WindowShape::Tumbling { size: Duration::from_millis(25) },
        WindowShape::Tumbling { size: ten },
    ];
    let closing = |shape| AccumulatorDecl::new("w", Kind::Window, panes(shape, 1_000)).capacity(1_000);
    let mut rig = SlotRig::<Event, (i64, Vec<Event>)>::of(closing(shapes[0]));
    let mut n = 0;
    for shape in shapes {
        replace(&mut rig, &closing(shape), Way::Bytes);
        for _ in 0..8 {
            rig.ring.try_push(event(n ^ 5)).unwrap();
            n += 1;
        }
        rig.turn(256);
        assert_eq!(rig.slot.held(), n, "each event is held once");
    }
    rig.flush();

    assert_eq!(rig.slot.held(), 0);
    rig.slot.entry().check().unwrap();
    let closed = rig.out();
    for number in 0..n {
        let of: Vec<_> = closed.iter().filter(|(_, events)| events.contains(&event(number ^ 5))).collect();
        let wanted = if (8..16).contains(&number) { 2 } else { 1 };
        // Every fifth count of events closes without a boundary; those of two panes may lose one.
        assert!(of.len() <= wanted, "{number} is in {of:?}");
        assert!(of.iter().all(|(start, _)| *start <= i64::try_from(number).unwrap() * 1_000_000), "{number}");
    }
}

/// Bytes that this release and every later one reads. A form that changes has another hash, and this test
/// gets another line.
#[test]
fn states_that_were_recorded_are_read() {
    type Decl = fn() -> AccumulatorDecl;
    let window: Decl = || {
        let shape = WindowShape::Sliding { size: Duration::from_nanos(10), slide: Duration::from_nanos(5) };
        AccumulatorDecl::new("w", Kind::Window, panes(shape, 0))
    };
    let batch: Decl = || {
        let close = |events: &[Event]| Ok(Some(events.len() as u64));
        AccumulatorDecl::new("b", Kind::Batch, move || Batch::new(Some(Duration::from_secs(1)), 9, close))
    };
    let state: Decl =
        || AccumulatorDecl::new("s", Kind::State, || StateWindow::new(9, vec![], |n: &u64| Ok(Some(*n))));
    let stream: Decl = || {
        let add = |sum: &mut i64, n: &i64| {
            *sum += n;
            Ok(Some(*sum))
        };
        AccumulatorDecl::new("t", Kind::Stream, move || Stateful::new(0_i64, add))
    };
    let cases: [(Decl, &str, &[u8], u64); 4] = [
        (stream, "i64", &[1, 14], 0),
        (state, "[u64]", &[1, 2, 3, 4], 0),
        (batch, "{events: [(u64,str,)], left: u64?}", &[1, 1, 7, 1, b'x', 1, 5], 1),
        (
            window,
            "{newest: i64?, panes: [{start: i64, end: i64, shape: <Tumbling: {size: u64} | Sliding: {size: u64, slide: u64} | Session: {gap: u64}>, events: [(u64,str,)], owned: u64}]}",
            &[1, 1, 14, 1, 10, 30, 1, 10, 5, 1, 7, 1, b'x', 1],
            1,
        ),
    ];
    for (decl, schema, bytes, held) in cases {
        let decl = decl();
        let mut slot = decl.slot(None);
        let own = slot.export(Timestamp::ZERO).unwrap().unwrap().encoded().unwrap();
        assert_eq!(own.wire_type().text(), schema, "{}", decl.kind);
        slot.import(Exported::of(Encoded::new(bytes.to_vec(), own.wire_type())), Timestamp::ZERO).unwrap();
        assert_eq!(slot.held(), held, "{}", decl.kind);
        let again = slot.export(Timestamp::ZERO).unwrap().unwrap().encoded().unwrap();
        assert_eq!(again.as_bytes(), bytes, "{}", decl.kind);
    }
}

#[test]
fn a_state_of_another_type_is_refused_and_garbled_bytes_are_no_panic() {
    let decl = AccumulatorDecl::new(
        "w",
        Kind::Window,
        panes(WindowShape::Session { gap: Duration::from_millis(1) }, 0),
    );
    let refused = decl.slot(None).import(Exported::of("no panes".to_owned()), Timestamp::ZERO).unwrap_err();
    assert!(
        matches!(&refused, ImportError::OtherState { given, .. } if given.contains("String (str)")),
        "{refused}"
    );
    let unreachable = Exported::unreachable("it is on the moon");
    let refused = decl.slot(None).import(unreachable, Timestamp::ZERO).unwrap_err();
    assert!(refused.to_string().starts_with("E0335: it is on the moon"), "{refused}");

    let own = decl.slot(None).export(Timestamp::ZERO).unwrap().unwrap().encoded().unwrap();
    // A pane that owns two events of one, one that ends before it begins, two of the same bounds.
    let pane = |start: u8, end: u8, owned: u8| vec![start, end, 2, 1, 1, 7, 1, b'x', owned];
    let twice = [vec![1, 1, 14, 2], pane(2, 4, 1), pane(2, 4, 1)].concat();
    for bytes in [
        vec![],
        vec![1, 200],
        [vec![1, 1, 14, 1], pane(2, 4, 2)].concat(),
        [vec![1, 1, 14, 1], pane(4, 2, 1)].concat(),
        twice,
    ] {
        let state = Exported::of(Encoded::new(bytes.clone(), own.wire_type()));
        let refused = decl.slot(None).import(state, Timestamp::ZERO).unwrap_err();
        assert!(matches!(refused, ImportError::Unreadable { .. }), "{bytes:?}: {refused}");
    }
    let sound = [vec![1, 1, 14, 1], pane(2, 4, 1)].concat();
    let state = Exported::of(Encoded::new(sound, own.wire_type()));
    decl.slot(None).import(state, Timestamp::ZERO).unwrap();
}

#[test]
fn a_batch_keeps_to_the_limits_of_the_version_that_goes_on_with_it() {
    let batch = |interval, size| {
        let close = |events: &[u64]| Ok(Some(events.to_vec()));
        AccumulatorDecl::new("b", Kind::Batch, move || Batch::new(interval, size, close))
    };
    let secs = Duration::from_secs;
    let mut rig = SlotRig::<u64, Vec<u64>>::of(batch(Some(secs(60)), 10));
    (0..4).for_each(|n| rig.ring.try_push(n).map(drop).unwrap());
    rig.turn(256);
    rig.advance(10_000);
    let state = || rig.slot.export(rig.now).unwrap().unwrap();
    let due = |decl: AccumulatorDecl| {
        let mut slot = decl.slot(None);
        slot.import(state(), rig.now).unwrap();
        slot.due().map(|due| due.since(rig.now))
    };
    assert_eq!(due(batch(Some(secs(60)), 10)), Some(secs(50)), "what was left");
    assert_eq!(due(batch(Some(secs(20)), 10)), Some(secs(20)));
    assert_eq!(due(batch(Some(secs(60)), 3)), Some(secs(0)), "it is too large already");
    let unhurried = batch(None, 10).slot(None).export(rig.now).unwrap().unwrap();
    let mut slot = batch(Some(secs(5)), 10).slot(None);
    slot.import(unhurried, rig.now).unwrap();
    assert_eq!(slot.due(), None, "an empty one is not flushed");
}
