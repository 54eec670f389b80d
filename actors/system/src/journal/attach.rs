//! A cell that comes up with a durable accumulator: it goes through its earlier life, and records from then on.

use super::cell::{CellJournal, MARKS};
use super::intake::StreamIntake;
use super::recovery::{Recovered, Recovery, RecoveryError};
use super::{EngineJournal, reactor_stream};
use crate::env::Env;
use acequia_core::cell::Cell;
use acequia_core::durable::{Guarantee, decode_letter};
use acequia_core::reactor::ReactorDecl;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

/// Have `cell` record, if any of its accumulators is durable, and take it to where its earlier life left it. What
/// cannot be durable was refused by the plan.
pub(crate) async fn attach(
    mut cell: Cell,
    decl: &ReactorDecl,
    env: &Arc<Env>,
) -> Result<(Cell, Option<CellJournal>), RecoveryError> {
    let guarantees = || decl.accumulators.iter().map(|accumulator| accumulator.guarantee);
    let Some(journal) = env.journal().filter(|_| guarantees().any(Guarantee::is_durable)) else {
        return Ok((cell, None));
    };
    let intakes = intakes_of(&cell, decl, journal, env);
    let (name, recovering) = (decl.name.clone(), Recovery::new(journal, decl));
    let work = env.work().clone();
    let recovered =
        env.spawn_blocking(move || recovering.run(&mut cell, &work).map(|recovered| (cell, recovered)));
    let ended = recovered.await.unwrap_or(Err(RecoveryError::Interrupted { reactor: name.clone() }));
    let (mut cell, recovered) = ended?;
    let (life, backlog) = take_up(decl, env, &intakes, recovered);
    let holds = guarantees().any(|guarantee| guarantee == Guarantee::EffectivelyOnce);
    let synced = cell.keep_marks(holds);
    let attached = CellJournal {
        journal: Arc::clone(journal),
        stream: reactor_stream(&name),
        life,
        name,
        synced,
        written: AtomicU64::new(0),
        holds,
        news: Arc::default(),
        intakes,
        place: Arc::new(backlog.place()),
        backlog: Mutex::new(Some(backlog)),
        is_caught_up: AtomicBool::new(false),
        since: AtomicU64::new(0),
        spacing: AtomicU64::new(MARKS),
    };
    attached.begin(decl)?;
    Ok((cell, Some(attached)))
}

/// From now on what comes into the durable ones of its rings is written to disk first.
fn intakes_of(
    cell: &Cell,
    decl: &ReactorDecl,
    journal: &Arc<EngineJournal>,
    env: &Arc<Env>,
) -> Vec<Option<Arc<StreamIntake>>> {
    let reactor = reactor_stream(&decl.name);
    let slots = cell.slots().iter().zip(&decl.accumulators);
    let intake = slots.map(|(slot, decl)| {
        let new = || StreamIntake::new(Arc::clone(journal), decl, reactor, Arc::clone(env));
        let intake = decl.guarantee.is_durable().then(new)?;
        slot.ring().set_journaled(decl.name.clone(), Arc::clone(&intake) as _);
        slot.ring().hold_late();
        Some(intake)
    });
    intake.collect()
}

/// Give everyone what the earlier life left.
fn take_up(
    decl: &ReactorDecl,
    env: &Arc<Env>,
    intakes: &[Option<Arc<StreamIntake>>],
    recovered: Recovered,
) -> (acequia_core::durable::LifeId, super::Backlog) {
    let Recovered { mut backlog, life, ids, windows, letters } = recovered;
    for (record, bytes) in letters.open() {
        match decode_letter(&bytes) {
            Ok(filed) => env.dead_letters.restore((reactor_stream(&decl.name), record), filed),
            Err(error) => {
                tracing::warn!(reactor = %decl.name, %error, "a dead letter of an earlier life is lost");
            }
        }
    }
    for ((intake, ids), window) in intakes.iter().zip(ids).zip(windows) {
        if let Some(intake) = intake {
            intake.trail().extend(ids);
            intake.admission().resume(window);
        }
    }
    backlog.follow(intakes.iter().map(|intake| Some(Arc::clone(intake.as_ref()?.trail()))).collect());
    (life, backlog)
}
