//! Settings of an accumulator on their way into a library.

use acequia_abi::declaration::{ShapeDeclaration, TuningDeclaration};
use acequia_core::accumulator::{Tuning, WindowShape};
use std::time::Duration;

/// The settings that the part in the library takes, as data; none if there are none. Intervals of polls stay
/// here, where the library is asked from.
pub(super) fn written(tuning: &Tuning) -> Option<Vec<u8>> {
    let declared = TuningDeclaration {
        flush_interval: tuning.flush_interval.map(nanos),
        max_buffer_size: tuning.max_buffer_size.map(|size| size as u64),
        window_capacity: tuning.window_capacity,
        shape: tuning.shape.map(|shape| match shape {
            WindowShape::Tumbling { size } => ShapeDeclaration::Tumbling { size: nanos(size) },
            WindowShape::Sliding { size, slide } => {
                ShapeDeclaration::Sliding { size: nanos(size), slide: nanos(slide) }
            }
            WindowShape::Session { gap } => ShapeDeclaration::Session { gap: nanos(gap) },
        }),
        lateness: tuning.lateness.map(nanos),
    };
    if declared == TuningDeclaration::default() {
        return None;
    }
    // Numbers under names that are text: nothing here can be refused.
    serde_json::to_vec(&declared).ok()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
