//! Lists of encoded values in replies.

use acequia_abi::{FrameError, Reader};
use acequia_core::wire::Values;

/// Append the values that come next to `values`.
pub(super) fn read(reader: &mut Reader<'_>, values: &mut Values) -> Result<(), FrameError> {
    for _ in 0..reader.u32()? {
        values.push(reader.bytes()?);
    }
    Ok(())
}
