//! How replies are laid out in a buffer: little-endian numbers, and bytes behind their length.

/// Appends to a reply.
pub struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A writer behind what `bytes` holds.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Append one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Append a number.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Append a number.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Append a number that may be missing.
    pub fn option_u64(&mut self, value: Option<u64>) {
        self.u8(u8::from(value.is_some()));
        self.u64(value.unwrap_or_default());
    }

    /// Append bytes behind their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.filled(|room| room.extend_from_slice(bytes));
    }

    /// Append what `fill` appends, behind its length.
    pub fn filled<R>(&mut self, fill: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let at = self.bytes.len();
        self.u32(0);
        let result = fill(self.bytes);
        let len = self.bytes.len().saturating_sub(at + 4);
        self.set_u32(at, u32::try_from(len).unwrap_or(u32::MAX));
        result
    }

    /// Leave room for a number that [`Writer::set_u32`] fills in later; where it is.
    pub fn reserve_u32(&mut self) -> usize {
        self.u32(0);
        self.bytes.len() - 4
    }

    /// Fill in a number.
    pub fn set_u32(&mut self, at: usize, value: u32) {
        if let Some(room) = self.bytes.get_mut(at..at + 4) {
            room.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// The bytes, for what appends to a vector.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.bytes
    }
}

/// A reply that ends too early, or says what cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "E0701: a reply of the library is malformed at byte {at}; rebuild the package with this engine's sdk"
)]
pub struct FrameError {
    /// Where.
    pub at: usize,
}

/// Reads a reply from the front.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let error = FrameError { at: self.at };
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(error)?;
        self.at += N;
        Ok(*found)
    }

    /// The next byte.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn u8(&mut self) -> Result<u8, FrameError> {
        self.array().map(u8::from_le_bytes)
    }

    /// The next number.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next number.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next number that may be missing.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn option_u64(&mut self) -> Result<Option<u64>, FrameError> {
        let is_some = self.u8()? != 0;
        let value = self.u64()?;
        Ok(is_some.then_some(value))
    }

    /// The next bytes.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        let len = self.u32()? as usize;
        let error = FrameError { at: self.at };
        let found = self.bytes.get(self.at..).and_then(|rest| rest.get(..len)).ok_or(error)?;
        self.at += len;
        Ok(found)
    }

    /// The next bytes as text; what is no text is shown as such.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn text(&mut self) -> Result<String, FrameError> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Pass over the next `n` bytes.
    ///
    /// # Errors
    /// If the reply ends.
    pub fn skip(&mut self, n: usize) -> Result<(), FrameError> {
        let error = FrameError { at: self.at };
        self.rest().get(..n).ok_or(error)?;
        self.at += n;
        Ok(())
    }

    /// Whether all has been read.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The error of somebody who read what cannot be.
    pub fn error(&self) -> FrameError {
        FrameError { at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer};

    #[test]
    fn frames_read_back_what_was_written_and_refuse_every_truncation() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(3);
        let count = writer.reserve_u32();
        writer.option_u64(Some(u64::MAX));
        writer.option_u64(None);
        writer.bytes("näh".as_bytes());
        writer.filled(|room| room.extend_from_slice(b"filled"));
        writer.set_u32(count, 77);
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let read = (
                reader.u8()?,
                reader.u32()?,
                reader.option_u64()?,
                reader.option_u64()?,
                reader.text()?,
                reader.bytes()?.to_vec(),
            );
            Ok::<_, super::FrameError>((read, reader.is_empty()))
        };
        let expected = ((3, 77, Some(u64::MAX), None, "näh".to_owned(), b"filled".to_vec()), true);
        assert_eq!(read(&bytes).unwrap(), expected);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
