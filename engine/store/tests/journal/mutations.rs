//! A store that was written whole and then damaged: each damage is found, or harms nothing.
//!
//! `ACEQUIA_MUTATIONS=10000` runs the long form.

use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{Flaw, Journal, OpenError, Report, verify};

use super::kit::{self, Dice, batch, record};

const PAGE: usize = 4096;
const SECTOR: usize = 512;

fn n_mutations() -> u64 {
    std::env::var("ACEQUIA_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

/// A journal of many segments, trimmed once, with batches of one to eight records.
struct Written {
    disk: SimulatedDisk,
    first: u64,
    last: u64,
    /// Where the last batch begins.
    last_batch: u64,
}

fn written(seed: u64) -> Written {
    let disk = SimulatedDisk::new(seed);
    let (journal, _) = Journal::open(kit::simulated(&disk), kit::tiny()).unwrap();
    let mut dice = Dice(seed);
    let (mut next, mut last_batch) = (1, 1);
    while next < 220 {
        let n = 1 + dice.below(8) as u64;
        journal.append_and_wait(batch(&journal, next..next + n)).unwrap();
        (last_batch, next) = (next, next + n);
        if (80..88).contains(&next) {
            journal.trim(Lsn(next - 20)).unwrap();
        }
    }
    let first = journal.first().0;
    Written { disk, first, last: next - 1, last_batch }
}

/// What was done to which file.
type Mutation = (String, String);

fn mutate(disk: &SimulatedDisk, dice: &mut Dice) -> Option<Mutation> {
    let names: Vec<String> = disk.names().into_iter().filter(|name| name != "lock").collect();
    let name = &names[dice.below(names.len())];
    let length = disk.contents(name)?.len();
    if length == 0 {
        return None;
    }
    let block = [SECTOR, PAGE][dice.below(2)].min(length);
    let place = |dice: &mut Dice| dice.below(length / block) * block;
    let (at, from, byte) = (place(dice), place(dice), dice.below(length));
    let what = match dice.below(8) {
        0 | 1 => {
            let bit = dice.below(8);
            disk.damage(name, |bytes| bytes[byte] ^= 1 << bit);
            format!("bit {bit} of byte {byte} flipped")
        }
        2 => {
            disk.damage(name, |bytes| bytes.truncate(byte));
            format!("truncated to {byte}")
        }
        3 => {
            disk.damage(name, |bytes| bytes[at..at + block].fill(0));
            format!("{block} bytes at {at} zeroed")
        }
        4 => {
            disk.damage(name, |bytes| bytes.copy_within(from..from + block, at));
            format!("{block} bytes copied from {from} to {at}")
        }
        5 => {
            disk.damage(name, |bytes| {
                let (one, other) = (bytes[at..at + block].to_vec(), bytes[from..from + block].to_vec());
                bytes[at..at + block].copy_from_slice(&other);
                bytes[from..from + block].copy_from_slice(&one);
            });
            format!("{block} bytes at {from} and {at} exchanged")
        }
        6 => {
            let other = &names[dice.below(names.len())];
            let foreign = disk.contents(other)?;
            let end = (at + block).min(foreign.len());
            disk.damage(name, |bytes| bytes[at.min(end)..end].copy_from_slice(&foreign[at.min(end)..end]));
            format!("bytes {at} to {end} taken from {other}")
        }
        _ => {
            let noise: Vec<u8> = (0..block).map(|_| dice.below(256) as u8).collect();
            disk.damage(name, |bytes| bytes[at..at + block].copy_from_slice(&noise));
            format!("{block} bytes of noise at {at}")
        }
    };
    Some((name.clone(), what))
}

/// How far a damaged journal reaches: `None` if it was refused.
fn reach(disk: &SimulatedDisk, first: u64, mutations: &[Mutation]) -> Option<u64> {
    let (journal, opened) = match Journal::open(kit::simulated(disk), kit::tiny()) {
        Ok(opened) => opened,
        Err(OpenError::Damaged(damage)) => {
            // A loss is named where it is: in a file that was touched, or that should have followed one.
            let name = |number: u64| format!("segment-{number:016}");
            let is_touched = |number| mutations.iter().any(|(file, _)| *file == name(number));
            let is_near = (damage.segment.saturating_sub(1)..=damage.segment + 1).any(is_touched);
            assert!(is_near, "{damage} after {mutations:?}");
            return None;
        }
        Err(OpenError::MarkLost) => {
            assert!(mutations.iter().any(|(file, _)| file == "mark"), "{mutations:?}");
            return None;
        }
        Err(error) => panic!("{error} after {mutations:?}"),
    };
    let mut expected = first;
    journal
        .cursor(journal.first())
        .visit(usize::MAX, |found| {
            assert_eq!(found.to_record(), record(expected, Lsn(expected)), "after {mutations:?}");
            expected += 1;
        })
        .unwrap();
    assert_eq!((opened.first, opened.next), (Lsn(first), Lsn(expected)), "after {mutations:?}");
    // It goes on as if nothing had been.
    for n in expected..expected + 20 {
        journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
    }
    drop(journal);
    let (_, again) = Journal::open(kit::simulated(disk), kit::tiny()).unwrap();
    assert_eq!(again.next, Lsn(expected + 20), "after {mutations:?}");
    Some(expected - 1)
}

#[test]
fn damage_to_a_closed_journal_is_found_or_harms_nothing() {
    let whole = written(1);
    let (mut n_found, mut n_harmless) = (0, 0);
    for seed in 0..n_mutations() {
        let mut dice = Dice(seed);
        let disk = whole.disk.copy();
        let n = [1, 1, 1, 2, 5][dice.below(5)];
        let mutations: Vec<Mutation> = (0..n).filter_map(|_| mutate(&disk, &mut dice)).collect();
        let report = verify(&disk);
        let reached = reach(&disk, whole.first, &mutations);
        match reached {
            Some(last) => assert_eq!(last, whole.last, "silent loss after {mutations:?}"),
            None => assert!(!report.is_ok_and(|report| report.is_none_or(|r| r.is_whole()))),
        }
        *(if reached.is_some() { &mut n_harmless } else { &mut n_found }) += 1;
    }
    println!("{n_found} found, {n_harmless} harmless, none silent");
    assert!(n_found > 0 && n_harmless > 0);
}

#[test]
fn after_a_crash_damage_looks_like_a_torn_tail_only_behind_the_mark_and_only_to_the_end() {
    let mut n_torn = 0;
    for seed in 0..n_mutations() {
        let whole = written(2 + seed % 7);
        // `written` closes; these batches have no mark behind them.
        let (journal, _) = Journal::open(kit::simulated(&whole.disk), kit::tiny()).unwrap();
        let mut ends = vec![whole.last];
        for n in [5, 3, 4] {
            let next = ends[ends.len() - 1] + 1;
            journal.append_and_wait(batch(&journal, next..next + n)).unwrap();
            ends.push(next + n - 1);
        }
        let disk = whole.disk.kill();
        drop(journal);
        let mut dice = Dice(seed);
        let mutations: Vec<Mutation> = mutate(&disk, &mut dice).into_iter().collect();
        let Some(last) = reach(&disk, whole.first, &mutations) else { continue };
        // A bit cannot take more than a group; a block takes groups only if it takes the last one as well.
        let is_bit = mutations.first().is_some_and(|(_, what)| what.starts_with("bit"));
        let allowed = if is_bit { &ends[2..] } else { &ends[..] };
        assert!(allowed.contains(&last), "{last} of {ends:?} left after {mutations:?}");
        n_torn += u32::from(last < ends[3]);
    }
    println!("{n_torn} looked like a torn tail");
}

#[test]
fn each_missing_file_is_named() {
    let whole = written(1);
    for name in whole.disk.names().into_iter().filter(|name| name.starts_with("segment-")) {
        let disk = whole.disk.copy();
        disk.lose(&name);
        match Journal::open(kit::simulated(&disk), kit::tiny()) {
            Ok((journal, _)) => assert_eq!(journal.synced(), Lsn(whole.last + 1), "{name}"),
            Err(OpenError::Damaged(damage)) => {
                assert_eq!((format!("segment-{:016}", damage.segment), damage.flaw), (name, Flaw::Missing));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_report_says_per_segment_what_is_there_and_where_it_ends() {
    let whole = written(1);
    let report = |disk: &SimulatedDisk| -> Report { verify(disk).unwrap().unwrap() };
    let before = report(&whole.disk);
    assert!(before.is_whole() && before.was_closed && !before.mark_is_half);
    assert_eq!(before.n_records(), whole.last + 1 - whole.first);
    assert!(before.segments.len() > 4);

    let hit = &before.segments[2];
    whole.disk.damage(&hit.file, |bytes| bytes[hit.bytes as usize - 30] ^= 1);
    let after = report(&whole.disk);

    let damage = after.segments[2].damage.unwrap();
    assert_eq!((damage.segment, damage.flaw), (hit.number, Flaw::Body));
    assert!(damage.offset < hit.bytes && damage.offset == after.segments[2].bytes);
    assert_eq!(after.damage, Some(damage));
    // What lies behind is still told.
    assert_eq!(after.segments[3..], before.segments[3..]);
    assert!(whole.last_batch > whole.first);
}
