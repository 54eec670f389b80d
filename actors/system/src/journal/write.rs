//! What lies in the journal, and how it is written.

use super::trail::{Trail, Trails};
use acequia_core::Timestamp;
use acequia_core::durable::dedupe::{ProducerId, ProducerSequence};
use acequia_core::durable::{LifeId, Outgoing, Published};
use acequia_store::journal::{Batch, EncodeError, Head, RecordId, RecordKind, StreamId, TenantId};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// An event's payload begins with this byte: what follows besides the event.
const PLAIN: u8 = 0;
/// What stands before an event of which nothing is written besides.
pub(super) const PLAIN_BYTES: usize = 1;
/// Eight bytes, the offset of the event at its source.
const WITH_OFFSET: u8 = 1;
/// Its producer, the epoch and the number.
const WITH_SEQUENCE: u8 = 2;
/// Eight bytes, when it came; its record has the id that its producer gave it.
const WITH_ID: u8 = 3;

/// The head of a record of the default tenant.
pub(crate) fn head(kind: RecordKind, stream: StreamId, id: RecordId) -> Head<'static> {
    head_of(kind, stream, id, &[])
}

/// The same of what follows from others.
pub(super) fn head_of(kind: RecordKind, stream: StreamId, id: RecordId, parents: &[RecordId]) -> Head<'_> {
    Head { kind, tenant: TenantId(0), stream, id, time: wall(), parents }
}

/// What the clock on the wall says.
#[expect(clippy::disallowed_methods, reason = "records tell people when; nothing is decided by it")]
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// What is written of an event besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// Where it stands at its source.
    Offset(u64),
    /// Its producer's number.
    Sequence(ProducerSequence),
    /// Its record's id was given by its producer, at this time by the engine's clock.
    Id(Timestamp),
}

/// Give the payload of an event to `put`, piece by piece.
pub(super) fn payload_of(event: &[u8], beside: Beside, mut put: impl FnMut(&[u8])) {
    match beside {
        Beside::Nothing => put(&[PLAIN]),
        Beside::Offset(offset) => {
            put(&[WITH_OFFSET]);
            put(&offset.to_le_bytes());
        }
        Beside::Sequence(of) => {
            put(&[WITH_SEQUENCE]);
            put(&of.producer.0.to_le_bytes());
            put(&of.epoch.to_le_bytes());
            put(&of.sequence.to_le_bytes());
        }
        Beside::Id(at) => {
            put(&[WITH_ID]);
            put(&at.as_nanos().to_le_bytes());
        }
    }
    put(event);
}

/// The event in a payload, and what is written besides.
pub(crate) fn event_of(payload: &[u8]) -> Option<(&[u8], Beside)> {
    let (form, rest) = payload.split_first()?;
    match *form {
        PLAIN => Some((rest, Beside::Nothing)),
        WITH_OFFSET => {
            let (offset, event) = rest.split_first_chunk::<8>()?;
            Some((event, Beside::Offset(u64::from_le_bytes(*offset))))
        }
        WITH_SEQUENCE => {
            let (producer, rest) = rest.split_first_chunk::<16>()?;
            let (epoch, rest) = rest.split_first_chunk::<8>()?;
            let (sequence, event) = rest.split_first_chunk::<8>()?;
            let producer = ProducerId(u128::from_le_bytes(*producer));
            let (epoch, sequence) = (u64::from_le_bytes(*epoch), u64::from_le_bytes(*sequence));
            Some((event, Beside::Sequence(ProducerSequence { producer, epoch, sequence })))
        }
        WITH_ID => {
            let (at, event) = rest.split_first_chunk::<8>()?;
            Some((event, Beside::Id(Timestamp::from_nanos(i64::from_le_bytes(*at)))))
        }
        _ => None,
    }
}

/// Whose outputs are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker {
    pub(super) life: LifeId,
    /// Its turns are in the journal, and its firings can be found there.
    pub(super) is_recorded: bool,
}

/// Values on their way to disk, with their ids there.
pub(super) struct Sent {
    outgoing: Outgoing,
    ids: Vec<RecordId>,
    trail: Option<Arc<Trail>>,
}

impl Sent {
    /// Name what `maker` sends on.
    pub(super) fn all(outbox: Vec<Outgoing>, maker: Maker, trails: &Trails) -> Vec<Self> {
        let named = |outgoing: Outgoing| {
            let id = |origin| match origin {
                Some((firing, nth)) => RecordId(maker.life.output(&outgoing.place, firing, nth)),
                // From no firing: somebody put it back by hand.
                None => RecordId(uuid::Uuid::now_v7().as_u128()),
            };
            let ids = outgoing.origins().map(id).collect();
            let trail = trails.of(super::accumulator_stream(&outgoing.accumulator));
            Self { outgoing, ids, trail }
        };
        outbox.into_iter().map(named).collect()
    }

    /// Add them to `batch`, each behind the firing that it comes from.
    pub(super) fn push(&self, batch: &mut Batch, maker: Maker) -> Result<(), EncodeError> {
        let stream = super::accumulator_stream(&self.outgoing.accumulator);
        for ((value, firing), id) in self.outgoing.values().zip(&self.outgoing.firings).zip(&self.ids) {
            let firing = firing.filter(|_| maker.is_recorded);
            let parent = firing.map(|firing| RecordId(maker.life.firing(firing)));
            let head = head_of(RecordKind::Event, stream, *id, parent.as_slice());
            batch.push_with(&head, |out| payload_of(value, Beside::Nothing, |bytes| out.put(bytes)))?;
        }
        Ok(())
    }

    /// Tell whoever waits for them what became of them. In the order of the journal.
    pub(super) fn publish(self, published: Published) {
        // Before they can be handled: the turn that does looks for their ids.
        if let (Published::Synced, Some(trail)) = (published, self.trail) {
            trail.extend(self.ids);
        }
        (self.outgoing.publish)(published);
    }
}

/// Tell everyone whose values were sent what became of them.
pub(super) fn publish(sent: Vec<Sent>, published: Published) {
    sent.into_iter().for_each(|sent| sent.publish(published));
}

#[cfg(test)]
mod tests {
    use super::{Beside, event_of, payload_of};
    use acequia_core::Timestamp;
    use acequia_core::durable::dedupe::{ProducerId, ProducerSequence};

    #[test]
    fn events_come_back_with_what_was_written_besides_and_cut_payloads_are_refused() {
        let of = ProducerSequence { producer: ProducerId(u128::MAX - 2), epoch: 3, sequence: 9 };
        let at = Timestamp::from_nanos(-5);
        for beside in [Beside::Nothing, Beside::Offset(7), Beside::Sequence(of), Beside::Id(at)] {
            let mut payload = Vec::new();
            payload_of(b"", beside, |bytes| payload.extend_from_slice(bytes));
            for cut in 0..payload.len() {
                assert_eq!(event_of(&payload[..cut]), None, "{beside:?}");
            }
            payload.extend_from_slice(b"event");
            assert_eq!(event_of(&payload), Some((&b"event"[..], beside)));
        }
        assert_eq!(event_of(&[9, 1]), None);
    }
}
