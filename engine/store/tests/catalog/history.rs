//! Operators and runs at work, by dice: commands against a catalog, with their records.

use acequia_core::Timestamp;
use acequia_core::catalog::{Catalog, Command, Load, Operation, PinChange, PinKind, Record, Selector};

/// Numbers from a seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }
}

const KINDS: [PinKind; 5] =
    [PinKind::LiveRun, PinKind::ResumableRun, PinKind::RecordedChild, PinKind::Handoff, PinKind::Reservation];

fn operation(dice: &mut Dice) -> Operation {
    let package = dice.of(&["pricing", "billing", "a"]);
    let version = dice.of(&["v1", "v2", "v3", "v4"]);
    let (name, hash) = (package.into(), version.into());
    let selector = (!dice.next().is_multiple_of(3)).then(|| Selector::from(version));
    match dice.next() % 16 {
        0..4 => Operation::Load(Load::new(package, version).label(format!("1.{version}")).manifest("digest")),
        4 | 5 => Operation::Route { package: name, version: version.into(), expected: None },
        6 | 7 => Operation::Unload { package: name, version: selector },
        8 => Operation::UnloadWhenDrained { package: name, version: selector },
        9 => Operation::CancelDrain { package: name, version: selector },
        10 => Operation::FinishDrain { package: name },
        11 => Operation::Quarantine { package: name, version: hash, reason: "it panics".into() },
        12 => Operation::ClearQuarantine { package: name, version: None },
        13 => Operation::Orphan { package: name, version: hash, left: vec!["a mapping".to_owned()] },
        14 => Operation::Reap { package: name, version: hash },
        _ => Operation::Pin { package: package.into(), changes: vec![pin(dice, package, version)] },
    }
}

fn pin(dice: &mut Dice, package: &str, version: &str) -> PinChange {
    let (package, version) = (package.into(), version.into());
    let (kind, to) = (dice.of(&KINDS), dice.of(&KINDS));
    let holder = format!("run {}", dice.next() % 5).into();
    match dice.next() % 4 {
        0 => PinChange::Release { package, version, kind, holder },
        1 => PinChange::Become { package, version, from: kind, to, holder },
        _ => PinChange::Hold { package, version, kind, holder },
    }
}

/// The next record, folded into the catalog; a refusal is recorded, too.
pub fn step(dice: &mut Dice, catalog: &mut Catalog) -> Record {
    let at = Timestamp::from_millis(dice.next() as i64 % 1_000_000);
    let command = Command::new(dice.of(&["alice", "bob", "the reaper"]), at, operation(dice));
    // A run comes in by the door.
    let start = match &command.operation {
        Operation::Pin { changes, .. } => match &changes[0] {
            PinChange::Hold { package, version, holder, .. } => {
                catalog.snapshot().start_at(package, version, holder).ok()
            }
            _ => None,
        },
        _ => None,
    };
    let record = match catalog.decide(&command) {
        Ok(decision) => decision.record,
        Err(refusal) => catalog.refused(&command, &refusal),
    };
    catalog.apply(&record).unwrap();
    drop(start);
    record
}
