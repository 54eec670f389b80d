//! Shared accumulators: each reactor fires as the reference does with the boundaries that came to it, and
//! every boundary comes to it.

use super::harness::{Rig, cases, criteria_of, source_name};
use super::reference::{Sequential, Shape, shapes};
use acequia_core::accumulator::AccumulatorDecl;
use acequia_core::cell::Cell;
use acequia_core::package::Package;
use acequia_core::reactor::{ReactorDecl, Strategy as ReactorStrategy};
use acequia_core::ring::Ring;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Op {
    Push {
        source: usize,
        n: usize,
    },
    /// A shared accumulator's cell has a turn.
    Forward {
        source: usize,
    },
    /// A reactor has a turn.
    Turn {
        reactor: usize,
    },
    Settle,
    Pause {
        reactor: usize,
    },
    Resume {
        reactor: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..4_usize, 1..6_usize).prop_map(|(source, n)| Op::Push { source, n }),
        1 => (0..4_usize, 250..700_usize).prop_map(|(source, n)| Op::Push { source, n }),
        6 => (0..4_usize).prop_map(|source| Op::Forward { source }),
        4 => (0..2_usize).prop_map(|reactor| Op::Turn { reactor }),
        2 => Just(Op::Settle),
        1 => (0..2_usize).prop_map(|reactor| Op::Pause { reactor }),
        2 => (0..2_usize).prop_map(|reactor| Op::Resume { reactor }),
    ];
    proptest::collection::vec(op, 1..60)
}

/// A reactor with its reference, which is told of each boundary as it comes to the reactor.
struct Reader {
    rig: Rig,
    strategy: ReactorStrategy,
    reference: Sequential,
    /// How many items of each source the reference was told of.
    told: Vec<usize>,
}

struct Test {
    /// One cell a shared source.
    shared: Vec<Rig>,
    readers: Vec<Reader>,
    /// What was accepted, by source.
    pushed: Vec<Vec<u64>>,
    next: u64,
}

impl Test {
    fn new(shapes: &[Shape; 2], latest: bool, capacities: &[usize]) -> Self {
        let accumulators: Vec<_> = capacities
            .iter()
            .enumerate()
            .map(|(at, room)| AccumulatorDecl::passthrough::<u64>(source_name(at)).capacity(*room))
            .collect();
        let strategies = [
            ReactorStrategy::Sequential,
            if latest { ReactorStrategy::Latest } else { ReactorStrategy::Sequential },
        ];
        let reactor = |at: usize| {
            let shape = &shapes[at];
            let criteria = criteria_of(&shape.named, shape.needed);
            ReactorDecl::new(format!("r{at}"), accumulators[..shape.n].to_vec(), criteria)
                .strategy(strategies[at])
        };
        let package = Package::new("p").reactor(reactor(0)).reactor(reactor(1));
        let mut cells = package.cells();
        let mut shared: Vec<Rig> = cells
            .split_off(2)
            .into_iter()
            .map(|decl| Rig::of(Cell::shared(decl, Duration::from_secs(1)).unwrap()))
            .collect();
        assert_eq!(shared.len(), shapes[0].n.min(shapes[1].n), "they share the sources that both have");
        let readers: Vec<Reader> = cells
            .into_iter()
            .zip(shapes)
            .zip(strategies)
            .map(|((decl, shape), strategy)| {
                let (reference, told) = (Sequential::new(shape.clone()), vec![0; shape.n]);
                Reader { rig: Rig::over(decl), strategy, reference, told }
            })
            .collect();
        for (source, rig) in shared.iter_mut().enumerate() {
            for (at, reader) in readers.iter().enumerate() {
                let ring = Arc::clone(&reader.rig.rings[source]);
                rig.cell.send_on_to(format!("r{at}").into(), ring);
            }
        }
        Self { shared, readers, pushed: vec![Vec::new(); 4], next: 0 }
    }

    /// Where events of `source` go in, if somebody has it.
    fn entrance(&self, source: usize) -> Option<Arc<Ring<u64>>> {
        let shared = self.shared.get(source).map(|rig| &rig.rings[0]);
        let own = || self.readers.iter().find_map(|reader| reader.rig.rings.get(source));
        shared.or_else(own).map(Arc::clone)
    }

    fn push(&mut self, source: usize, n: usize) {
        let Some(ring) = self.entrance(source) else { return };
        for _ in 0..n {
            let full = ring.len() >= ring.capacity();
            assert_eq!(ring.try_push(self.next).is_err(), full, "refused if and only if full");
            if full {
                break;
            }
            self.pushed[source].push(self.next);
            self.next += 1;
        }
        self.tell();
    }

    /// Tell the references what came to their reactors.
    fn tell(&mut self) {
        for reader in &mut self.readers {
            for (source, ring) in reader.rig.rings.iter().enumerate() {
                let came = ring.entry().accepted as usize;
                for value in &self.pushed[source][reader.told[source]..came] {
                    reader.reference.event(source, *value);
                }
                reader.told[source] = came;
            }
        }
    }

    fn forward(&mut self, source: usize) {
        if let Some(rig) = self.shared.get_mut(source) {
            rig.turn();
        }
        self.tell();
    }

    fn look(&self) {
        for reader in &self.readers {
            let seen = reader.rig.seen();
            if reader.strategy == ReactorStrategy::Sequential {
                assert!(seen.len() <= reader.reference.firings.len(), "nothing fires twice");
                assert_eq!(seen, reader.reference.firings[..seen.len()]);
            }
            for source in 0..reader.rig.rings.len() {
                assert!(seen.iter().map(|row| row[source]).is_sorted(), "no reactor goes back in a source");
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..100_000 {
            let mut moved = false;
            for source in 0..self.shared.len() {
                if self.shared[source].wants_turn() {
                    moved = true;
                    self.forward(source);
                }
            }
            for reader in &mut self.readers {
                if reader.rig.wants_turn() {
                    moved = true;
                    reader.rig.turn();
                }
            }
            if !moved {
                return self.look();
            }
        }
        panic!("the cells never come to rest");
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Push { source, n } => self.push(*source, *n),
            Op::Forward { source } => self.forward(*source),
            Op::Turn { reactor } => drop(self.readers[*reactor].rig.turn()),
            Op::Settle => self.settle(),
            Op::Pause { reactor } => self.readers[*reactor].rig.cell.pause(),
            Op::Resume { reactor } => self.resume(*reactor),
        }
        self.look();
    }

    fn resume(&mut self, reactor: usize) {
        let rig = &mut self.readers[reactor].rig;
        rig.cell.resume();
        rig.turn();
    }

    /// Come to rest; whoever can take everything has taken it.
    fn finish(mut self) {
        (0..2).for_each(|reactor| self.resume(reactor));
        self.settle();
        for reader in &self.readers {
            if reader.strategy == ReactorStrategy::Sequential {
                assert_eq!(reader.rig.seen(), reader.reference.firings, "every firing took place");
            }
            for (source, ring) in reader.rig.rings.iter().enumerate() {
                let (entry, pushed) = (ring.entry(), &self.pushed[source]);
                assert_eq!(entry.dropped(), 0);
                if !self.all_through(source) {
                    continue;
                }
                assert_eq!(entry.accepted as usize, pushed.len(), "every boundary came");
                if reader.strategy == ReactorStrategy::Latest {
                    assert_eq!(newest(&reader.rig, source), pushed.last().copied(), "the newest is there");
                }
            }
        }
    }

    /// Whether nothing of a source waits for a partner that never came.
    fn all_through(&self, source: usize) -> bool {
        let own = self.readers.iter().filter_map(|reader| reader.rig.rings.get(source));
        let shared = self.shared.get(source).map(|rig| &rig.rings[0]);
        let through = |ring: &Arc<Ring<u64>>| ring.is_empty();
        own.chain(shared).all(through) && self.shared.get(source).is_none_or(|rig| rig.cell.open().is_empty())
    }
}

/// What the reactor has in its cache.
fn newest(rig: &Rig, source: usize) -> Option<u64> {
    rig.cell.inspect()["sources"][source]["cache"].as_u64()
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn reactors_that_share_fire_as_the_reference_does(
        one in shapes(), other in shapes(), latest in any::<bool>(),
        capacities in proptest::collection::vec(prop_oneof![3 => 1..6_usize, 1 => 200..600_usize], 4),
        ops in ops(),
    ) {
        let mut test = Test::new(&[one, other], latest, &capacities);
        for op in &ops {
            test.apply(op);
        }
        test.finish();
    }
}
