//! Reading a journal that nobody has open, without changing anything.

use super::open::{OpenError, Opened, read_mark};
use super::record::RecordRef;
use super::scan;
use crate::disk::Disk;

/// Shows each record of a journal, in order, to `visit`. The answer is what opening it would have found; `None` if
/// there is no journal. Unlike opening, it cuts nothing off: on a [`ReadOnlyDisk`](crate::disk::ReadOnlyDisk) it
/// needs no right to write.
///
/// # Errors
/// [`OpenError`], as for opening. Of a damaged journal what was shown is what lies before the damage.
pub fn read(disk: &dyn Disk, mut visit: impl FnMut(&RecordRef<'_>)) -> Result<Option<Opened>, OpenError> {
    let _lock = disk.lock()?;
    let Some((file, mark_was_half)) = read_mark(disk)? else { return Ok(None) };
    let mark = file.mark();
    let found = scan::scan(disk, mark, Some(&mut visit)).map_err(OpenError::refused)?;
    Ok(Some(Opened {
        first: mark.first,
        next: found.end.next,
        n_records: found.n_records,
        torn: found.torn,
        was_closed: mark.is_closed,
        mark_was_half,
    }))
}
