//! Windows against a naive model: every event looks for its panes anew, panes are plain lists.

use super::faults::budgets;
use super::harness::cases;
use super::slots::{Script, SlotRig, calls};
use acequia_core::Timestamp;
use acequia_core::accumulator::{Span, Window, WindowShape};
use acequia_core::fault::FaultBudget;
use acequia_core::ledger::{Dropped, Settled};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// (id, event time); all times in nanoseconds.
type Event = (u64, i64);
/// A closed pane: start, end, ids.
type Closed = (i64, i64, Vec<u64>);

#[derive(Debug, Clone)]
enum Op {
    Push(i64),
    Turn,
    Flush,
}

fn shapes() -> impl Strategy<Value = WindowShape> {
    let nanos = |range: std::ops::Range<u64>| range.prop_map(Duration::from_nanos);
    prop_oneof![
        nanos(1..30).prop_map(|size| WindowShape::Tumbling { size }),
        (nanos(1..30), nanos(1..40)).prop_map(|(size, slide)| WindowShape::Sliding { size, slide }),
        nanos(1..20).prop_map(|gap| WindowShape::Session { gap }),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Times wander forwards, with stragglers.
    let op = prop_oneof![12 => (-40..25_i64).prop_map(Op::Push), 5 => Just(Op::Turn), 1 => Just(Op::Flush)];
    proptest::collection::vec(op, 1..80).prop_map(|mut ops| {
        let mut base = -50;
        for op in &mut ops {
            if let Op::Push(time) = op {
                base += 3;
                *time += base;
            }
        }
        ops
    })
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap()
}

struct Pane {
    start: i64,
    end: i64,
    events: Vec<Event>,
}

struct Model {
    shape: WindowShape,
    lateness: i64,
    newest: Option<i64>,
    panes: Vec<Pane>,
    closed: Vec<Closed>,
    late: Vec<u64>,
}

impl Model {
    fn is_past(&self, end: i64) -> bool {
        self.newest.is_some_and(|newest| end <= newest - self.lateness)
    }

    fn event(&mut self, event: Event) {
        let time = event.1;
        match self.shape {
            WindowShape::Session { gap } => self.session(event, time, nanos(gap)),
            WindowShape::Tumbling { size } => self.fixed(event, time, nanos(size), nanos(size)),
            WindowShape::Sliding { size, slide } => {
                self.fixed(event, time, nanos(size), nanos(slide).min(nanos(size)));
            }
        }
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
        while let Some(at) = self.panes.iter().position(|pane| self.is_past(pane.end)) {
            self.close(at);
        }
    }

    fn fixed(&mut self, event: Event, time: i64, size: i64, slide: i64) {
        let spans: Vec<(i64, i64)> = (time - size..=time)
            .filter(|start| start.rem_euclid(slide) == 0)
            .map(|start| (start, start + size))
            .filter(|(start, end)| *start <= time && time < *end && !self.is_past(*end))
            .collect();
        if spans.is_empty() {
            self.late.push(event.0);
        }
        for (start, end) in spans {
            match self.panes.iter_mut().find(|pane| pane.start == start) {
                Some(pane) => pane.events.push(event),
                None => self.panes.push(Pane { start, end, events: vec![event] }),
            }
        }
        self.panes.sort_by_key(|pane| pane.start);
    }

    fn session(&mut self, event: Event, time: i64, gap: i64) {
        if self.is_past(time + gap) {
            return self.late.push(event.0);
        }
        let (joined, others): (Vec<Pane>, Vec<Pane>) =
            self.panes.drain(..).partition(|pane| pane.start <= time + gap && time <= pane.end);
        let mut pane = Pane { start: time, end: time + gap, events: Vec::new() };
        for old in joined {
            pane.start = pane.start.min(old.start);
            pane.end = pane.end.max(old.end);
            pane.events.extend(old.events);
        }
        pane.events.push(event);
        self.panes = others;
        self.panes.push(pane);
        self.panes.sort_by_key(|pane| pane.start);
    }

    fn close(&mut self, at: usize) {
        let pane = self.panes.remove(at);
        self.closed.push((pane.start, pane.end, pane.events.iter().map(|(id, _)| *id).collect()));
    }

    /// Events in a pane that is still open.
    fn held(&self) -> usize {
        self.panes.iter().flat_map(|pane| &pane.events).map(|(id, _)| *id).collect::<BTreeSet<_>>().len()
    }
}

type Late = Arc<Mutex<Vec<u64>>>;

fn rig(
    shape: WindowShape,
    lateness: i64,
    budget: FaultBudget,
    script: Script,
    late: &Late,
) -> SlotRig<Event, Closed> {
    let lateness = Duration::from_nanos(u64::try_from(lateness).unwrap());
    let late = Arc::clone(late);
    SlotRig::new(budget, move || {
        let (script, late) = (script.clone(), Arc::clone(&late));
        Window::new(
            shape,
            lateness,
            |event: &Event| Timestamp::from_nanos(event.1),
            move |span: Span, events: &[Event]| {
                let ids = events.iter().map(|(id, _)| *id).collect();
                script
                    .next()
                    .play()
                    .map(|some| some.then_some((span.start.as_nanos(), span.end.as_nanos(), ids)))
            },
        )
        .late_output(Box::new(move |event: Event| late.lock().unwrap().push(event.0)))
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn windows_close_the_panes_of_the_model_in_its_order(
        shape in shapes(), lateness in 0..25_i64, ops in ops(),
    ) {
        let late = Late::default();
        let mut rig = rig(shape, lateness, FaultBudget::default(), Script::new(&[]), &late);
        let mut model =
            Model { shape, lateness, newest: None, panes: Vec::new(), closed: Vec::new(), late: Vec::new() };
        let (mut next, mut waiting) = (0, Vec::new());
        for op in ops {
            match op {
                Op::Push(time) => {
                    rig.ring.try_push((next, time)).unwrap();
                    waiting.push((next, time));
                    next += 1;
                    continue;
                }
                Op::Turn => {
                    rig.turn(usize::MAX);
                    waiting.drain(..).for_each(|event| model.event(event));
                }
                Op::Flush => {
                    rig.flush();
                    while !model.panes.is_empty() {
                        model.close(0);
                    }
                }
            }
            prop_assert_eq!(rig.out(), model.closed.clone());
            prop_assert_eq!(&*late.lock().unwrap(), &model.late);
            prop_assert_eq!(rig.slot.entry().dropped_for(Dropped::Late), model.late.len() as u64);
            prop_assert_eq!(rig.slot.in_hand(), model.held() as u64, "open until its last pane closes");
        }
    }

    /// With failing functions: whatever happens, each event settles once, or is late, or has one letter.
    #[test]
    fn each_event_of_a_window_is_counted_once_whatever_its_function_does(
        shape in shapes(), lateness in 0..25_i64, budget in budgets(), calls in calls(), ops in ops(),
    ) {
        let late = Late::default();
        let mut rig = rig(shape, lateness, budget, Script::new(&calls), &late);
        let mut next = 0;
        for op in ops {
            match op {
                Op::Push(time) => {
                    rig.ring.try_push((next, time)).unwrap();
                    next += 1;
                }
                Op::Turn => drop(rig.turn(usize::MAX)),
                Op::Flush => drop(rig.flush()),
            }
        }
        rig.turn(usize::MAX);
        rig.flush();
        rig.give_up();
        rig.turn(usize::MAX);
        let entry = rig.slot.entry();
        prop_assert_eq!((entry.accepted, entry.unsettled), (next, 0));
        let mut ends = late.lock().unwrap().clone();
        for why in [Dropped::DeadLetter, Dropped::Quarantined, Dropped::Unbound] {
            ends.extend(rig.given_up(why).into_iter().map(|((id, _), _)| id));
        }
        let n = ends.len() as u64;
        prop_assert_eq!(entry.settled(), next - n);
        ends.sort_unstable();
        ends.dedup();
        prop_assert_eq!(ends.len() as u64, n, "nothing is given up twice");
        let emitted: BTreeSet<u64> = rig.out().into_iter().flat_map(|(_, _, ids)| ids).collect();
        prop_assert!(entry.settled_as(Settled::HandedOn) <= emitted.len() as u64);
    }
}

/// A pane that owns no event, because each of its events is in a later pane too, ended the round.
#[test]
fn every_pane_behind_the_watermark_closes_in_one_turn() {
    let shape = WindowShape::Sliding { size: Duration::from_nanos(10), slide: Duration::from_nanos(5) };
    let mut rig = rig(shape, 0, FaultBudget::default(), Script::new(&[]), &Late::default());
    rig.ring.try_push((0, 7)).unwrap();
    rig.ring.try_push((1, 100)).unwrap();

    rig.turn(usize::MAX);

    assert_eq!(rig.out(), [(0, 10, vec![0]), (5, 15, vec![0])]);
    assert_eq!(rig.slot.due(), None, "and no turn is asked for where none is needed");
}

/// The same for a flush, which left the boundary without an arrival number besides.
#[test]
fn a_flush_closes_every_pane() {
    let shape = WindowShape::Sliding { size: Duration::from_nanos(10), slide: Duration::from_nanos(5) };
    let mut rig = rig(shape, 0, FaultBudget::default(), Script::new(&[]), &Late::default());
    rig.ring.try_push((0, 7)).unwrap();
    rig.turn(usize::MAX);

    rig.flush();

    assert_eq!(rig.out(), [(0, 10, vec![0]), (5, 15, vec![0])]);
    assert_eq!(rig.slot.in_hand(), 0);
}
