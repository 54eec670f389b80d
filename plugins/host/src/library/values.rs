//! Lists of encoded values in replies.

use acequia_abi::{FrameError, Reader};
use acequia_core::wire::Values;

/// Append the values that come next to `values`.
pub(super) fn read(reader: &mut Reader<'_>, values: &mut Values) -> Result<(), FrameError> {
    let n = reader.u32()? as usize;
    let used = values.push_framed(n, reader.rest()).ok_or_else(|| reader.error())?;
    reader.skip(used)
}
