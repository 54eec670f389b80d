//! The independent account: where each number was seen, by whoever saw it.

use super::rule::{Rule, mix};
use super::{BY_HAND, lane};
use acequia::core::cell::EdgeKind;
use acequia::core::letter::Place;
use acequia::{Dropped, Engine, Failure, Ledger, LetterId, Settled, Sink};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

type Seen = Arc<Mutex<Vec<u64>>>;

#[derive(Default)]
pub(super) struct Account {
    /// What reached each graph's sink, in order.
    sinks: Mutex<HashMap<String, Seen>>,
    /// Letters that were taken out of the engine, by place.
    buried: HashMap<String, Vec<u64>>,
    /// Replayed at a place: they come out of order.
    replayed: HashMap<String, Vec<u64>>,
    fired: HashMap<usize, u64>,
}

impl Account {
    /// A sink that records, fails now and then, and always on some items.
    pub(super) fn sink(&self, graph: &str, rule: &Arc<Rule>) -> Sink {
        let (seen, rule) = (Seen::default(), Arc::clone(rule));
        self.sinks.lock().unwrap().insert(graph.to_owned(), Arc::clone(&seen));
        Sink::try_callback(move |n: &u64| {
            rule.may_panic(300);
            if mix(n ^ rule.seed() ^ 1).is_multiple_of(1_501) {
                return Err(Failure::error("not this one"));
            }
            seen.lock().unwrap().push(*n);
            Ok(())
        })
    }

    pub(super) fn n_items(&self) -> usize {
        self.sinks.lock().unwrap().values().map(|seen| seen.lock().unwrap().len()).sum()
    }

    pub(super) fn fired(&mut self, lane: usize) {
        *self.fired.entry(lane).or_default() += 1;
    }

    /// Some letters that can be replayed: number, place, item.
    pub(super) fn letters(&self, engine: &Engine, n: usize) -> Vec<(LetterId, String, u64)> {
        let list = engine.dead_letters().list();
        let some = list.into_iter().rev().filter(|letter| !letter.value.is_null()).take(n);
        some.map(|letter| (letter.id, letter.place.clone(), number(&letter.value))).collect()
    }

    pub(super) fn replaying(&mut self, place: &str, item: u64) {
        self.replayed.entry(place.to_owned()).or_default().push(item);
    }

    pub(super) fn not_replayed(&mut self, place: &str, item: u64) {
        let at = self
            .replayed
            .get_mut(place)
            .and_then(|items| items.iter().rposition(|known| *known == item).map(|at| items.swap_remove(at)));
        assert_eq!(at, Some(item));
    }

    /// Take all letters out of the engine, and write them down.
    pub(super) fn bury(&mut self, engine: &Engine) {
        for letter in engine.dead_letters().list() {
            if engine.dead_letters().take(letter.id).is_some() {
                self.buried.entry(letter.place).or_default().push(number(&letter.value));
            }
        }
    }

    fn buried(&self, place: &Place) -> &[u64] {
        self.buried.get(&place.to_string()).map_or(&[], Vec::as_slice)
    }

    fn replayed(&self, place: &Place) -> &[u64] {
        self.replayed.get(&place.to_string()).map_or(&[], Vec::as_slice)
    }

    /// Account for every item of a lane.
    pub(super) fn check(&self, lane: usize, pushed: Option<u64>, ledger: &Ledger) {
        let edge = |kind: String| {
            let name = format!("{}/{kind}", lane::name("R", lane));
            ledger.edge(&name).unwrap_or_else(|| panic!("no edge {name} in\n{ledger}"))
        };
        let accumulator = Place::Accumulator(lane::name("n", lane).as_str().into());
        let events = edge(format!("events/{}", lane::name("n", lane)));
        let again = self.replayed(&accumulator).len() as u64;
        let n = pushed.unwrap_or(events.accepted - again);
        assert_eq!(events.accepted, n + again, "lane {lane}: events");
        let given_up = self.buried(&accumulator);
        assert_eq!(events.dropped(), given_up.len() as u64 + again, "lane {lane}: {events}");
        let firings = edge("firings".to_owned());
        let fired = self.fired.get(&lane).copied().unwrap_or(0);
        assert_eq!(firings.accepted, events.settled() + fired, "lane {lane}: firings");
        for graph in super::GRAPHS {
            self.check_graph(&lane::name(graph, lane), n, given_up, firings.accepted, &edge, ledger);
        }
    }

    fn check_graph(
        &self,
        graph: &str,
        n: u64,
        given_up: &[u64],
        firings: u64,
        edge: &dyn Fn(String) -> acequia::Entry,
        ledger: &Ledger,
    ) {
        let place = Place::Graph(graph.into());
        let sink = Place::Sink { graph: graph.into(), terminal: "out".into(), sink: 0 };
        let seen = self.sinks.lock().unwrap()[graph].lock().unwrap().clone();
        let deliveries = edge(format!("deliveries/{graph}"));
        let again = self.replayed(&place).len() as u64;
        assert_eq!(deliveries.accepted, firings + again, "{graph}: {deliveries}");
        let superseded = deliveries.settled_as(Settled::Superseded);
        let letters = self.buried(&place).len() as u64 + again;
        let silent = deliveries.dropped() - letters;
        assert!(
            silent <= deliveries.dropped_for(Dropped::Overflow),
            "{graph}: {silent} vanished, {deliveries}"
        );
        let outputs = sums(ledger, &sink);
        let completed = deliveries.settled() - superseded;
        let sink_again = self.replayed(&sink).len() as u64;
        assert_eq!(outputs.accepted, completed + sink_again, "{graph}: {outputs}");
        assert_eq!(outputs.settled(), seen.len() as u64, "{graph}: what the sink saw");
        assert_eq!(outputs.dropped(), self.buried(&sink).len() as u64 + sink_again, "{graph}: sink letters");

        // By id: every number is somewhere, except for as many as a policy dropped without a letter.
        let known: HashSet<u64> =
            [&seen[..], given_up, self.buried(&place), self.buried(&sink)].concat().into_iter().collect();
        let missing = (0..n).filter(|id| !known.contains(id)).count() as u64;
        assert!(
            missing <= silent + superseded,
            "{graph}: {missing} missing, {silent} + {superseded} explained"
        );
        self.check_order(graph, &seen);
    }

    /// What was neither replayed nor fired by hand came in order.
    fn check_order(&self, graph: &str, seen: &[u64]) {
        let replayed: HashSet<u64> = self.replayed.values().flatten().copied().collect();
        let in_line: Vec<u64> =
            seen.iter().copied().filter(|id| *id < BY_HAND && !replayed.contains(id)).collect();
        for pair in in_line.windows(2) {
            assert!(pair[0] <= pair[1], "{graph}: {} came before {}", pair[0], pair[1]);
        }
    }
}

fn sums(ledger: &Ledger, sink: &Place) -> acequia::Entry {
    ledger.sum(|kind| matches!(kind, EdgeKind::Outputs(place) if place == sink))
}

/// The number of an event, of an output, or of a firing's only input.
fn number(value: &serde_json::Value) -> u64 {
    value.as_u64().or_else(|| value.get(0)?.as_u64()).unwrap_or(u64::MAX)
}
