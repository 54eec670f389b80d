//! Records that are appended as one: after a crash all of them are there, or none.

use std::io;

use super::body;
use super::frame;
use super::record::Head;
use crate::crc::crc32c;

/// Records on their way into the journal, encoded as they will lie there by the thread that brings them.
///
/// [`Journal::batch`](super::Journal::batch) gives one whose buffer was used before.
#[derive(Debug)]
pub struct Batch {
    /// Room for the frame's header, then the records.
    buffer: Vec<u8>,
    n_records: u32,
    is_urgent: bool,
    is_patient: bool,
    is_firm: bool,
    limits: Limits,
}

/// A payload while it is written: it can only grow.
#[derive(Debug)]
pub struct Payload<'a>(&'a mut Vec<u8>);

impl Payload<'_> {
    /// Writes bytes behind those that are there.
    pub fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

impl Extend<u8> for Payload<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}

impl io::Write for Payload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How large what is appended may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload.
    pub payload: usize,
    /// Bytes of a batch, with what the journal adds.
    pub batch: usize,
    /// Bytes of a batch that is not to be divided.
    pub whole: usize,
}

/// Why a record did not go into a batch. The batch is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The payload is too long.
    #[error(
        "E0510: a payload of {bytes} bytes is larger than the limit of {limit}; split it, or raise `payload_bytes`"
    )]
    PayloadTooLarge {
        /// Its length.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The batch would be too long.
    #[error(
        "E0511: a batch of {bytes} bytes is larger than the limit of {limit}; append what is there first, or raise `batch_bytes`"
    )]
    BatchTooLarge {
        /// The length it would have.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The lineage is too long.
    #[error(
        "E0512: a record with {n_parents} parents is beyond the limit of 65535; record what they have in common as one"
    )]
    TooManyParents {
        /// Their number.
        n_parents: usize,
    },
}

impl Batch {
    pub(super) fn new(mut buffer: Vec<u8>, limits: Limits) -> Self {
        buffer.clear();
        buffer.resize(frame::HEADER, 0);
        Self { buffer, n_records: 0, is_urgent: false, is_patient: false, is_firm: false, limits }
    }

    /// Adds a record.
    pub fn push(&mut self, head: &Head<'_>, payload: &[u8]) -> Result<(), EncodeError> {
        let added = body::overhead(head.parents.len()).saturating_add(payload.len());
        // Before the copy, so that a payload far too large costs nothing.
        self.room_for(payload.len(), self.buffer.len().saturating_add(added))?;
        self.buffer.reserve(added);
        self.push_with(head, |written| written.put(payload))
    }

    /// Adds a record whose payload `encode` writes where it will lie, without a copy.
    pub fn push_with(
        &mut self,
        head: &Head<'_>,
        encode: impl FnOnce(&mut Payload<'_>),
    ) -> Result<(), EncodeError> {
        let n_parents = u16::try_from(head.parents.len())
            .map_err(|_| EncodeError::TooManyParents { n_parents: head.parents.len() })?;
        let at = self.buffer.len();
        body::write_head(&mut self.buffer, head, n_parents);
        let start = self.buffer.len();
        encode(&mut Payload(&mut self.buffer));
        let bytes = self.buffer.len() - start;
        if let Err(error) = self.room_for(bytes, self.buffer.len()) {
            self.buffer.truncate(at);
            return Err(error);
        }
        // Within the limits, which are within 32 bits.
        body::set_payload_bytes(&mut self.buffer, at, u32::try_from(bytes).unwrap_or(u32::MAX));
        self.n_records += 1;
        Ok(())
    }

    fn room_for(&self, payload: usize, batch: usize) -> Result<(), EncodeError> {
        if payload > self.limits.payload {
            return Err(EncodeError::PayloadTooLarge { bytes: payload, limit: self.limits.payload });
        }
        if batch > self.limits.batch {
            return Err(EncodeError::BatchTooLarge { bytes: batch, limit: self.limits.batch });
        }
        Ok(())
    }

    /// Lets the batch in where the disk is full, as long as the ballast lasts: for checkpoints, unloads and
    /// all else that helps to free space.
    pub fn set_urgent(&mut self) {
        self.is_urgent = true;
    }

    /// Whether [`Batch::set_urgent`] was called.
    pub fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    /// Nobody waits for it, although somebody is told: like one that rides, it is written and synced with the next
    /// one that somebody waits for, or a little later.
    pub fn set_patient(&mut self) {
        self.is_patient = true;
    }

    /// Whether [`Batch::set_patient`] was called.
    pub fn is_patient(&self) -> bool {
        self.is_patient
    }

    /// Lets the batch wait for room on a full disk rather than be refused: for what has happened already, and
    /// must be written before all that follows from it. As long as one waits, nothing else is taken.
    pub fn set_firm(&mut self) {
        (self.is_urgent, self.is_firm) = (true, true);
    }

    /// Whether [`Batch::set_firm`] was called.
    pub fn is_firm(&self) -> bool {
        self.is_firm
    }

    /// Lets the batch be as large as [`Settings::turn_bytes`](super::Settings::turn_bytes): for what cannot be
    /// divided. One that is larger than a segment has a segment made to measure.
    pub fn set_whole(&mut self) {
        self.limits.batch = self.limits.whole;
    }

    /// Lets a payload be as large as the batch: for what the engine itself tells, which has no smaller parts.
    pub fn set_long(&mut self) {
        self.limits.payload = self.limits.batch;
    }

    /// Number of records.
    pub fn n_records(&self) -> u32 {
        self.n_records
    }

    /// Whether it has no record. Appended, it is acknowledged once all before it is synced.
    pub fn is_empty(&self) -> bool {
        self.n_records == 0
    }

    /// Bytes that it takes in the journal.
    pub fn n_bytes(&self) -> usize {
        if self.is_empty() { 0 } else { frame::padded(self.buffer.len()) }
    }

    /// Takes all records out again.
    pub fn clear(&mut self) {
        self.buffer.truncate(frame::HEADER);
        self.n_records = 0;
        (self.is_urgent, self.is_patient, self.is_firm) = (false, false, false);
    }

    /// Checksums the records and brings the frame to its full length. The committer adds the rest.
    pub(super) fn seal(&mut self) {
        let crc = crc32c(&self.buffer[frame::HEADER..]);
        frame::start(&mut self.buffer, self.n_records, crc);
    }

    /// Undoes [`Batch::seal`], for one that is handed back.
    pub(super) fn unseal(&mut self) {
        if !self.is_empty() {
            let n_bytes = frame::unpadded(&self.buffer);
            self.buffer.truncate(n_bytes);
        }
    }

    /// The whole frame.
    pub(super) fn frame(&self) -> &[u8] {
        &self.buffer
    }

    pub(super) fn frame_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

#[cfg(test)]
mod tests {
    use acequia_core::Timestamp;

    use super::*;
    use crate::journal::record::{RecordId, RecordKind, StreamId, TenantId};

    const LIMITS: Limits = Limits { payload: 100, batch: 300, whole: 600 };

    fn head(parents: &[RecordId]) -> Head<'_> {
        let (kind, tenant, stream) = (RecordKind::Event, TenantId(1), StreamId(2));
        Head { kind, tenant, stream, id: RecordId(3), time: Timestamp::ZERO, parents }
    }

    #[test]
    fn what_is_too_large_is_refused_and_leaves_the_batch_as_it_was() {
        let mut batch = Batch::new(Vec::new(), LIMITS);
        batch.push(&head(&[]), &[7; 100]).unwrap();
        let before = batch.buffer.clone();

        let payload = batch.push(&head(&[]), &[7; 101]);
        let written = batch.push_with(&head(&[]), |written| written.extend([7; 101]));
        let whole = batch.push(&head(&[RecordId(1); 4]), &[7; 100]);
        let lineage = batch.push(&head(&vec![RecordId(1); 65_536]), &[]);

        assert_eq!(payload, Err(EncodeError::PayloadTooLarge { bytes: 101, limit: 100 }));
        assert_eq!(written, Err(EncodeError::PayloadTooLarge { bytes: 101, limit: 100 }));
        assert_eq!(whole, Err(EncodeError::BatchTooLarge { bytes: 392, limit: 300 }));
        assert!(matches!(lineage, Err(EncodeError::BatchTooLarge { .. })));
        assert_eq!((batch.n_records(), &batch.buffer), (1, &before));
        batch.set_whole();
        assert!(matches!(batch.push(&head(&[]), &[7; 101]), Err(EncodeError::PayloadTooLarge { .. })));
        batch.set_long();
        batch.push(&head(&[]), &[7; 301]).unwrap();
        assert!(matches!(batch.push(&head(&[]), &[7; 301]), Err(EncodeError::BatchTooLarge { .. })));
    }

    #[test]
    fn a_record_is_read_as_it_was_pushed() {
        let parents = [RecordId(u128::MAX), RecordId(9)];
        let mut batch = Batch::new(Vec::new(), LIMITS);
        batch.push(&head(&parents), b"payload").unwrap();
        batch.seal();

        let (record, _) = body::read(&batch.frame()[frame::HEADER..], crate::Lsn(5)).unwrap();

        assert_eq!(
            (record.lsn, record.kind, record.payload),
            (crate::Lsn(5), RecordKind::Event, &b"payload"[..])
        );
        assert_eq!((record.tenant, record.stream, record.id), (TenantId(1), StreamId(2), RecordId(3)));
        assert_eq!(record.parents.iter().collect::<Vec<_>>(), parents);
    }
}
