//! Records as they lie in a frame, one behind the other.
//!
//! ```text
//! payload bytes u32 · kind u16 · parents u16 · tenant u32 · stream u64 · time i64 · id u128 · parents · payload
//! ```
//!
//! All numbers are little-endian. A record has no number of its own: it is the frame's first, plus its
//! place in the frame.

use acequia_core::Timestamp;

use super::record::{Head, Parents, RecordId, RecordKind, RecordRef, StreamId, TenantId};
use crate::Lsn;

/// Bytes of a record before its parents.
pub(super) const FIXED: usize = 44;
/// Bytes of a parent.
const PARENT: usize = 16;

/// Writes what stands before the payload. The payload's length is told by [`set_payload_bytes`], once it
/// is known.
pub(super) fn write_head(buffer: &mut Vec<u8>, head: &Head<'_>, n_parents: u16) {
    let mut fixed = [0; FIXED];
    fixed[4..6].copy_from_slice(&head.kind.code().to_le_bytes());
    fixed[6..8].copy_from_slice(&n_parents.to_le_bytes());
    fixed[8..12].copy_from_slice(&head.tenant.0.to_le_bytes());
    fixed[12..20].copy_from_slice(&head.stream.0.to_le_bytes());
    fixed[20..28].copy_from_slice(&head.time.as_nanos().to_le_bytes());
    fixed[28..44].copy_from_slice(&head.id.0.to_le_bytes());
    buffer.extend_from_slice(&fixed);
    for parent in head.parents {
        buffer.extend_from_slice(&parent.0.to_le_bytes());
    }
}

/// Tells how long the payload of the record at `at` became.
pub(super) fn set_payload_bytes(buffer: &mut [u8], at: usize, bytes: u32) {
    buffer[at..at + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// Bytes of a record without its payload.
pub(super) fn overhead(n_parents: usize) -> usize {
    FIXED + n_parents * PARENT
}

/// The record that begins a body, and where the next one begins. `None` if the bytes are none of a record.
pub(super) fn read(body: &[u8], lsn: Lsn) -> Option<(RecordRef<'_>, usize)> {
    let (fixed, rest) = body.split_first_chunk::<FIXED>()?;
    let n_payload = u32::from_le_bytes(field(fixed, 0)) as usize;
    let n_parents = usize::from(u16::from_le_bytes(field(fixed, 6)));
    let (parents, rest) = rest.split_at_checked(n_parents * PARENT)?;
    let payload = rest.get(..n_payload)?;
    let record = RecordRef {
        lsn,
        kind: RecordKind::from_code(u16::from_le_bytes(field(fixed, 4))),
        tenant: TenantId(u32::from_le_bytes(field(fixed, 8))),
        stream: StreamId(u64::from_le_bytes(field(fixed, 12))),
        time: Timestamp::from_nanos(i64::from_le_bytes(field(fixed, 20))),
        id: RecordId(u128::from_le_bytes(field(fixed, 28))),
        parents: Parents(parents.as_chunks().0),
        payload,
    };
    Some((record, overhead(n_parents) + n_payload))
}

/// `N` bytes from `at` on.
fn field<const N: usize>(fixed: &[u8; FIXED], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&fixed[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_record_within_them_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            // Lengths of real records are small; those of noise almost never are.
            let mut small = bytes.clone();
            for at in [1, 2, 3, 7] {
                if let Some(byte) = small.get_mut(at) {
                    *byte = 0;
                }
            }
            for bytes in [bytes, small] {
                if let Some((record, n_bytes)) = read(&bytes, Lsn::FIRST) {
                    prop_assert!(n_bytes <= bytes.len());
                    prop_assert_eq!(overhead(record.parents.iter().len()) + record.payload.len(), n_bytes);
                }
            }
        }
    }
}
