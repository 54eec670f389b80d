//! De-duplication against a list of everything that was ever accepted: any order, lost writes, epochs, restarts
//! from a checkpoint and what the journal holds behind it.

use super::harness::cases;
use acequia_core::Timestamp;
use acequia_core::durable::dedupe::{
    Arrival, Dedupe, DedupeError, EventId, Gaps, ProducerId, ProducerSequence, Stamp, Window,
};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Op {
    Arrive(Stamp),
    /// One of those on their way arrives, or does not.
    Land(usize),
    Lose(usize),
    Tick(i64),
    /// What lies before the event at this place is trimmed.
    Checkpoint(usize),
    /// The bits say which of those on their way had reached the disk.
    Restart(u8),
}

fn stamps() -> impl Strategy<Value = Stamp> {
    let sequence = (0..2_u128, 0..3_u64, 0..9_u64).prop_map(|(producer, epoch, sequence)| {
        Stamp::Sequence(ProducerSequence { producer: ProducerId(producer), epoch, sequence })
    });
    prop_oneof![sequence, (0..9_u128).prop_map(|id| Stamp::Id(EventId(id)))]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        10 => stamps().prop_map(Op::Arrive),
        6 => (0..4_usize).prop_map(Op::Land),
        2 => (0..4_usize).prop_map(Op::Lose),
        1 => (1..40_i64).prop_map(Op::Tick),
        1 => (0..9_usize).prop_map(Op::Checkpoint),
        1 => any::<u8>().prop_map(Op::Restart),
    ];
    proptest::collection::vec(op, 1..120)
}

/// Everything that was accepted.
#[derive(Default)]
struct Naive {
    journal: Vec<(Stamp, u64, Timestamp)>,
    /// Ids that are known, oldest first.
    ids: Vec<(EventId, u64, Timestamp)>,
    flying: Vec<(Stamp, u32)>,
    epochs: HashMap<ProducerId, u64>,
}

impl Naive {
    fn expire(&mut self, now: Timestamp, policy: Dedupe) {
        let is_over = |ids: &[(EventId, u64, Timestamp)]| {
            ids.len() > policy.ids || ids.first().is_some_and(|(.., at)| now.since(*at) >= policy.age)
        };
        while is_over(&self.ids) {
            self.ids.remove(0);
        }
    }

    fn land(&mut self, stamp: Stamp, at: Timestamp, policy: Dedupe) {
        // Other records lie between.
        let lsn = self.journal.len() as u64 * 3 + 1;
        self.journal.push((stamp, lsn, at));
        if let Stamp::Id(id) = stamp {
            self.ids.push((id, lsn, at));
            self.expire(at, policy);
        }
    }

    fn in_flight(&self, stamp: Stamp) -> Option<u32> {
        self.flying.iter().find(|(flying, _)| flying.key() == stamp.key()).map(|(_, tag)| *tag)
    }

    /// What is to be said of `stamp`; a duplicate with where it lies.
    fn arrive(&mut self, stamp: Stamp, now: Timestamp, policy: Dedupe) -> Result<Arrival<u32>, DedupeError> {
        let known = match stamp {
            Stamp::Sequence(ProducerSequence { producer, epoch, .. }) => {
                let current = self.epochs.get(&producer).copied().unwrap_or(epoch);
                if epoch < current {
                    return Err(DedupeError::Fenced { producer, epoch, current });
                }
                self.epochs.insert(producer, epoch);
                self.journal.iter().find(|(known, ..)| known.key() == stamp.key()).map(|(_, lsn, _)| *lsn)
            }
            Stamp::Id(id) => {
                self.expire(now, policy);
                self.ids.iter().find(|(known, ..)| *known == id).map(|(_, lsn, _)| *lsn)
            }
        };
        if let Some(lsn) = known {
            return Ok(Arrival::Duplicate(Some(lsn)));
        }
        if let Some(tag) = self.in_flight(stamp) {
            return Ok(Arrival::InFlight(tag));
        }
        if let (Stamp::Sequence(of), Gaps::Refuse) = (stamp, policy.gaps) {
            let known = self.journal.iter().map(|(stamp, ..)| stamp);
            let of_it =
                known.chain(self.flying.iter().map(|(stamp, _)| stamp)).filter_map(|stamp| match stamp {
                    Stamp::Sequence(known) if known.producer == of.producer => Some(known.sequence + 1),
                    _ => None,
                });
            if let Some(expected) = of_it.max().filter(|expected| of.sequence > *expected) {
                let ProducerSequence { producer, sequence, .. } = of;
                return Err(DedupeError::Gap { producer, expected, sequence });
            }
        }
        Ok(Arrival::New)
    }
}

fn check(ops: &[Op], policy: Dedupe) -> Result<(), TestCaseError> {
    let mut naive = Naive::default();
    let mut window = Window::<u32>::new(policy);
    // Bytes, where to read on, and the epochs that it knew.
    let mut checkpoint = (window.encode().unwrap(), 0, HashMap::new());
    let (mut now, mut tag) = (Timestamp::ZERO, 0);
    for op in ops {
        match op {
            Op::Arrive(stamp) => {
                let expected = naive.arrive(*stamp, now, policy);
                let said = window.arrive(*stamp, now, tag);
                prop_assert_eq!(&said, &expected, "{:?}", stamp);
                if said == Ok(Arrival::New) {
                    naive.flying.push((*stamp, tag));
                    tag += 1;
                }
            }
            Op::Land(at) | Op::Lose(at) if *at >= naive.flying.len() => {}
            Op::Land(at) => {
                let (stamp, tag) = naive.flying.remove(*at);
                naive.land(stamp, now, policy);
                let lsn = naive.journal.last().unwrap().1;
                prop_assert_eq!(window.land(stamp, lsn, now), Some(tag));
            }
            Op::Lose(at) => {
                let (stamp, tag) = naive.flying.remove(*at);
                prop_assert_eq!(window.lose(stamp), Some(tag));
            }
            Op::Tick(millis) => now = now.after(Duration::from_millis(millis.unsigned_abs())),
            Op::Checkpoint(back) => {
                let floor = naive.journal.len().saturating_sub(*back).max(checkpoint.1);
                checkpoint = (window.encode().unwrap(), floor, naive.epochs.clone());
            }
            Op::Restart(reached) => {
                for (at, (stamp, _)) in std::mem::take(&mut naive.flying).into_iter().enumerate() {
                    if reached >> (at % 8) & 1 == 1 {
                        naive.land(stamp, now, policy);
                    }
                }
                window = Window::new(policy);
                window.learn(&checkpoint.0).unwrap();
                for (stamp, lsn, at) in &naive.journal[checkpoint.1..] {
                    prop_assert_eq!(window.land(*stamp, *lsn, *at), None);
                }
                // An epoch that was only heard of is forgotten.
                naive.epochs = checkpoint.2.clone();
                for (stamp, ..) in &naive.journal {
                    if let Stamp::Sequence(of) = stamp {
                        let epoch = naive.epochs.entry(of.producer).or_default();
                        *epoch = of.epoch.max(*epoch);
                    }
                }
            }
        }
        prop_assert!(window.n_ids() <= policy.ids);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(512))]
    #[test]
    fn no_event_is_new_twice_and_none_that_is_new_is_called_a_duplicate(ops in ops(), allow in any::<bool>()) {
        let gaps = if allow { Gaps::Allow } else { Gaps::Refuse };
        check(&ops, Dedupe { age: Duration::from_millis(60), ids: 4, producers: 2, gaps })?;
    }
}

#[test]
fn beyond_the_limit_a_producer_is_refused_and_those_that_are_known_go_on() {
    let mut window = Window::<()>::new(Dedupe { producers: 1, ..Dedupe::default() });
    let of = |producer, sequence| {
        Stamp::Sequence(ProducerSequence { producer: ProducerId(producer), epoch: 0, sequence })
    };
    assert_eq!(window.arrive(of(1, 5), Timestamp::ZERO, ()), Ok(Arrival::New));
    let refused = window.arrive(of(2, 0), Timestamp::ZERO, ()).unwrap_err();
    assert!(refused.to_string().contains("E0183"), "{refused}");
    assert_eq!(window.arrive(of(1, 6), Timestamp::ZERO, ()), Ok(Arrival::New));
}

#[test]
fn a_million_numbers_of_a_producer_in_order_take_no_more_room_than_ten() {
    let mut window = Window::<()>::new(Dedupe::default());
    let of = |sequence| {
        Stamp::Sequence(ProducerSequence { producer: ProducerId::named("feed"), epoch: 7, sequence })
    };
    for n in 0..1_000_000 {
        window.land(of(n), 2 * n, Timestamp::ZERO);
    }
    assert!(window.encode().unwrap().len() < 2_000, "{}", window.encode().unwrap().len());
    assert_eq!(window.arrive(of(3), Timestamp::ZERO, ()), Ok(Arrival::Duplicate(None)), "for ever");
    let last = window.arrive(of(999_999), Timestamp::ZERO, ());
    assert_eq!(last, Ok(Arrival::Duplicate(Some(1_999_998))));
}
