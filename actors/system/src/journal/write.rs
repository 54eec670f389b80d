//! What lies in the journal, and how it is written.

use acequia_core::Timestamp;
use acequia_core::durable::{Outgoing, Published};
use acequia_store::journal::{Batch, EncodeError, Head, RecordId, RecordKind, StreamId, TenantId};
use std::time::{SystemTime, UNIX_EPOCH};

/// An event's payload begins with this byte: what follows besides the event.
const PLAIN: u8 = 0;
/// Eight bytes, the offset of the event at its source.
const WITH_OFFSET: u8 = 1;

/// The head of a record of the default tenant.
pub(crate) fn head(kind: RecordKind, stream: StreamId, id: RecordId) -> Head<'static> {
    Head { kind, tenant: TenantId(0), stream, id, time: wall(), parents: &[] }
}

/// What the clock on the wall says.
#[expect(clippy::disallowed_methods, reason = "records tell people when; nothing is decided by it")]
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Give the payload of an event to `put`, piece by piece.
pub(super) fn payload_of(event: &[u8], offset: Option<u64>, mut put: impl FnMut(&[u8])) {
    match offset {
        None => put(&[PLAIN]),
        Some(offset) => {
            put(&[WITH_OFFSET]);
            put(&offset.to_le_bytes());
        }
    }
    put(event);
}

/// The event in a payload, and its offset at its source.
pub(super) fn event_of(payload: &[u8]) -> Option<(&[u8], Option<u64>)> {
    let (form, rest) = payload.split_first()?;
    match *form {
        PLAIN => Some((rest, None)),
        WITH_OFFSET => {
            let (offset, event) = rest.split_first_chunk::<8>()?;
            Some((event, Some(u64::from_le_bytes(*offset))))
        }
        _ => None,
    }
}

/// Add what a turn sends on to `batch`.
pub(super) fn push_outbox(batch: &mut Batch, outbox: &[Outgoing]) -> Result<(), EncodeError> {
    for outgoing in outbox {
        let stream = super::accumulator_stream(&outgoing.accumulator);
        for value in outgoing.values() {
            let id = RecordId(uuid::Uuid::now_v7().as_u128());
            let head = head(RecordKind::Event, stream, id);
            batch.push_with(&head, |out| payload_of(value, None, |bytes| out.put(bytes)))?;
        }
    }
    Ok(())
}

/// Tell everyone whose values were sent what became of them.
pub(super) fn publish(outbox: Vec<Outgoing>, published: Published) {
    for outgoing in outbox {
        (outgoing.publish)(published);
    }
}

#[cfg(test)]
mod tests {
    use super::{event_of, payload_of};

    #[test]
    fn events_come_back_with_the_offset_of_their_source_and_cut_payloads_are_refused() {
        for offset in [None, Some(7)] {
            let mut payload = Vec::new();
            payload_of(b"event", offset, |bytes| payload.extend_from_slice(bytes));
            assert_eq!(event_of(&payload), Some((&b"event"[..], offset)));
        }
        assert_eq!(event_of(&[]), None);
        assert_eq!(event_of(&[1, 0, 0]), None);
        assert_eq!(event_of(&[9, 1]), None);
    }
}
