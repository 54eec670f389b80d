//! Power cuts at every call, against a model that is a list of numbers.
//!
//! Nothing acknowledged is lost, nothing unacknowledged is half there, nothing is out of order.
//! `PROPTEST_CASES` raises the number of cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use acequia_store::Lsn;
use acequia_store::disk::{Cut, SimulatedDisk};
use acequia_store::journal::{AppendError, Journal, OpenError, Settings};
use proptest::prelude::*;

use super::kit::{self, batch, record};

#[derive(Debug, Clone)]
enum Step {
    Append {
        n_records: u64,
    },
    Trim {
        back: u64,
    },
    Reopen,
    Kill,
    /// The power goes at the nth call from here on, whenever that is.
    Cut {
        call: u64,
        cut: Cut,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cut = prop_oneof![Just(Cut::Nothing), Just(Cut::Everything), Just(Cut::Torn), Just(Cut::Torn)];
    let step = prop_oneof![
        10 => (1..9_u64).prop_map(|n_records| Step::Append { n_records }),
        // Beyond what a batch may have, and beyond a segment.
        1 => (9..90_u64).prop_map(|n_records| Step::Append { n_records }),
        1 => (0..40_u64).prop_map(|back| Step::Trim { back }),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        3 => (0..12_u64, cut).prop_map(|(call, cut)| Step::Cut { call, cut }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What must be in the journal: record `n` lies at place `n`.
struct Model {
    disk: SimulatedDisk,
    journal: Option<Journal>,
    acknowledged: u64,
    /// Ends of the batches that were handed over: a journal may end at one of them.
    ends: Vec<u64>,
    /// What was trimmed at most.
    floor: u64,
    cut: Option<Cut>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        let mut model = Self { disk, journal: None, acknowledged: 0, ends: vec![0], floor: 1, cut: None };
        model.open();
        model
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append { n_records } => self.append(*n_records),
            Step::Trim { back } => self.trim(*back),
            Step::Reopen => {
                self.journal.take();
                self.open();
            }
            Step::Kill => {
                if !self.disk.is_off() {
                    self.disk = self.disk.kill();
                    self.cut = None;
                }
                self.open();
            }
            Step::Cut { call, cut } => {
                self.disk.power_off_at(*call);
                self.cut = Some(*cut);
            }
        }
    }

    fn append(&mut self, n_records: u64) {
        let Some(journal) = &self.journal else { return self.open() };
        let next = self.ends.last().unwrap() + 1;
        let end = next + n_records - 1;
        self.ends.push(end);
        match journal.append_and_wait(batch(journal, next..end + 1)) {
            Ok(range) => {
                assert_eq!(range, Lsn(next)..Lsn(end + 1));
                self.acknowledged = end;
            }
            Err(error) => {
                assert!(matches!(error, AppendError::Failed { .. }) && self.disk.is_off(), "{error}");
                self.open();
            }
        }
    }

    fn trim(&mut self, back: u64) {
        let Some(journal) = &self.journal else { return self.open() };
        let below = (self.acknowledged + 1).saturating_sub(back);
        self.floor = self.floor.max(below);
        match journal.trim(Lsn(below)) {
            Ok(trimmed) => assert!(trimmed.first <= Lsn(self.floor)),
            Err(error) => {
                assert!(self.disk.is_off(), "{error}");
                self.open();
            }
        }
    }

    /// Opens what there is, with new power if it is off.
    fn open(&mut self) {
        self.journal.take();
        for _ in 0..100 {
            if self.disk.is_off() {
                self.disk = self.disk.power_cut(self.cut.take().unwrap_or(Cut::Torn));
            }
            match Journal::open(kit::simulated(&self.disk), kit::tiny()) {
                Ok((journal, opened)) => {
                    assert!(opened.first <= Lsn(self.floor), "{opened:?}");
                    self.journal = Some(journal);
                    return self.look();
                }
                Err(OpenError::Io { .. }) if self.disk.is_off() => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the power was cut a hundred times");
    }

    /// Compares what is there with what must be.
    fn look(&mut self) {
        let journal = self.journal.as_ref().unwrap();
        let n = journal.synced().0 - 1;
        assert!(n >= self.acknowledged, "{n} of {} acknowledged records are left", self.acknowledged);
        assert!(self.ends.contains(&n), "the journal ends at {n}, within a batch");
        let mut expected = journal.first().0;
        let read = journal.cursor(journal.first()).visit(usize::MAX, |found| {
            assert_eq!(found.to_record(), record(expected, Lsn(expected)));
            expected += 1;
        });
        match read {
            Ok(_) => assert_eq!(expected, n + 1),
            Err(error) => assert!(self.disk.is_off(), "{error}"),
        }
        self.ends.retain(|end| *end <= n);
        // What was found once is there for good.
        self.acknowledged = n;
    }
}

proptest! {
    #![proptest_config(kit::cases(400))]

    #[test]
    fn power_cuts_take_nothing_acknowledged_and_leave_nothing_half(seed: u64, steps in steps()) {
        let mut model = Model::new(seed);
        for step in &steps {
            model.take(step);
        }
        model.open();
        let journal = model.journal.take().unwrap();
        drop(journal);
        prop_assert!(model.disk.is_off() || acequia_store::journal::verify(&model.disk).unwrap().unwrap().is_whole());
    }
}

#[test]
fn the_power_goes_at_each_call_of_a_life_with_segments_and_trims() {
    let life = |model: &mut Model| {
        for round in 0..12 {
            model.take(&Step::Append { n_records: 5 + round % 3 });
            if round % 5 == 4 {
                model.take(&Step::Trim { back: 10 });
            }
        }
        model.take(&Step::Reopen);
        model.take(&Step::Append { n_records: 3 });
    };
    let mut whole = Model::new(7);
    life(&mut whole);
    let n_calls = whole.disk.n_calls();
    assert!(n_calls > 80, "{n_calls}");
    for call in 0..n_calls {
        for (seed, cut) in
            [(1, Cut::Nothing), (2, Cut::Everything), (3, Cut::Torn), (4, Cut::Torn), (5, Cut::Torn)]
        {
            let disk = SimulatedDisk::new(seed);
            let mut model =
                Model { disk, journal: None, acknowledged: 0, ends: vec![0], floor: 1, cut: None };
            model.take(&Step::Cut { call, cut });
            model.open();
            life(&mut model);
            model.open();
        }
    }
}

#[test]
fn producers_on_many_threads_lose_nothing_acknowledged_when_the_power_goes() {
    for seed in 0..40 {
        let disk = SimulatedDisk::new(seed);
        let settings = Settings { inline: false, ..kit::tiny() };
        let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
        disk.power_off_at(20 + seed * 3);
        // Each producer's records tell whose they are by their stream, and come in order.
        let acknowledged: Vec<Arc<AtomicU64>> = (0..4).map(|_| Arc::default()).collect();
        thread::scope(|scope| {
            for (producer, acknowledged) in acknowledged.iter().enumerate() {
                let journal = &journal;
                scope.spawn(move || {
                    for n in 1.. {
                        let mut batch = journal.batch();
                        let mut head = kit::head(n, &[]);
                        head.stream = acequia_store::journal::StreamId(producer as u64);
                        batch.push(&head, &kit::payload(n)).unwrap();
                        let acknowledged = Arc::clone(acknowledged);
                        let on_synced = Box::new(move |synced: Result<_, AppendError>| {
                            if synced.is_ok() {
                                acknowledged.store(n, Ordering::SeqCst);
                            }
                        });
                        if journal.append(batch, on_synced).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        drop(journal);
        let disk = disk.power_cut(Cut::Torn);
        let (journal, _) = Journal::open(kit::simulated(&disk), kit::tiny()).unwrap();
        let mut found = [0; 4];
        journal
            .cursor(Lsn::FIRST)
            .visit(usize::MAX, |record| {
                let last = &mut found[record.stream.0 as usize];
                *last += 1;
                assert_eq!(record.payload, kit::payload(*last));
            })
            .unwrap();
        for (found, acknowledged) in found.iter().zip(&acknowledged) {
            assert!(*found >= acknowledged.load(Ordering::SeqCst), "seed {seed}");
        }
    }
}
