//! What cells send on, on its way into the journal and from there into the rings.

use super::write::{Maker, Sent, publish};
use super::{EngineJournal, reactor_stream};
use crate::env::Env;
use acequia_core::durable::{LifeId, Outgoing, Published};
use acequia_core::id::ReactorName;
use acequia_store::journal::{AppendError, Batch, CrashPoint, OnSynced};
use std::sync::Arc;

/// Write what a turn sends on, where its own cell keeps no marks.
pub(crate) fn write_outbox(env: &Arc<Env>, name: &ReactorName, outbox: Vec<Outgoing>) {
    match env.journal() {
        Some(journal) => {
            let life = LifeId::begin(reactor_stream(name).0, journal.process);
            // No mark holds them together.
            for outgoing in outbox {
                let mut batch = journal.journal().batch();
                batch.set_whole();
                let batch = (batch, Maker { life, is_recorded: false });
                write_batch(env, journal, name, batch, vec![outgoing], || ());
            }
        }
        // A ring that goes through the disk was made by an engine that has a journal.
        None => outbox.into_iter().for_each(|outgoing| (outgoing.publish)(Published::Lost)),
    }
}

/// Append what was sent with `batch`, as one; false if nothing was written: the engine fails.
pub(super) fn write_batch(
    env: &Arc<Env>,
    journal: &Arc<EngineJournal>,
    name: &ReactorName,
    (mut batch, maker): (Batch, Maker),
    outbox: Vec<Outgoing>,
    then: impl FnOnce() + Send + 'static,
) -> bool {
    let sent = Sent::all(outbox, maker, journal.trails());
    if let Err(error) = sent.iter().try_for_each(|sent| sent.push(&mut batch, maker)) {
        fail(env, name, &error.to_string(), sent);
        return false;
    }
    append(env, journal, name, (batch, sent), then)
}

/// The same for what is in the batch already.
pub(super) fn append(
    env: &Arc<Env>,
    journal: &Arc<EngineJournal>,
    name: &ReactorName,
    (mut batch, sent): (Batch, Vec<Sent>),
    then: impl FnOnce() + Send + 'static,
) -> bool {
    // A full disk takes no new events; those that it took are worked off, as soon as there is room for that.
    batch.set_firm();
    journal.journal().reach(CrashPoint::CommitBegin);
    let (told, reactor, own) = (Arc::clone(env), name.clone(), Arc::downgrade(journal));
    let on_synced: OnSynced = Box::new(move |result: Result<_, AppendError>| match result {
        Ok(_) => {
            let reach = |point| own.upgrade().into_iter().for_each(|journal| journal.journal().reach(point));
            reach(CrashPoint::CommitSynced);
            publish(sent, Published::Synced);
            then();
            reach(CrashPoint::CommitSent);
        }
        Err(AppendError::DiskFull { .. }) => {
            // It waited for room until the engine ended: what it came from is on disk, and is done again.
            publish(sent, Published::Lost);
            tracing::warn!(%reactor, "the disk is full: a turn was not written down, and is done again at the next start");
        }
        Err(error) => fail(&told, &reactor, &error.to_string(), sent),
    });
    // The queue is as long as the disk is slow: whoever runs a turn then waits with it.
    let refused = journal.journal().append(batch, on_synced).err();
    let is_written = refused.is_none();
    if let Some(refused) = refused {
        (refused.on_synced)(Err(refused.error));
    }
    is_written
}

/// What a turn did is not on disk and never will be: nothing more may be done in its name.
pub(super) fn fail(env: &Arc<Env>, name: &ReactorName, why: &str, sent: Vec<Sent>) {
    publish(sent, Published::Lost);
    tracing::error!(reactor = %name, why, "a turn could not be written down");
    env.fail(&format!("a turn of reactor {name} could not be written to the journal: {why}"));
}
