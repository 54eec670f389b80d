//! Settings that the engine lays over those of an accumulator, as data.

use acequia_abi::Fault;
use acequia_abi::declaration::{ShapeDeclaration, TuningDeclaration};
use acequia_core::accumulator::{Tuning, WindowShape};
use std::time::Duration;

/// Read settings. One that this sdk does not know is a fault: leaving it out would be another accumulator.
pub(super) fn read(json: &[u8]) -> Result<Tuning, Fault> {
    let declared: TuningDeclaration = serde_json::from_slice(json).map_err(Fault::error)?;
    let nanos = Duration::from_nanos;
    Ok(Tuning {
        // Who asks a source is the engine, at the interval that it was told.
        interval: None,
        flush_interval: declared.flush_interval.map(nanos),
        max_buffer_size: declared.max_buffer_size.map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
        window_capacity: declared.window_capacity,
        shape: declared.shape.map(|shape| match shape {
            ShapeDeclaration::Tumbling { size } => WindowShape::Tumbling { size: nanos(size) },
            ShapeDeclaration::Sliding { size, slide } => {
                WindowShape::Sliding { size: nanos(size), slide: nanos(slide) }
            }
            ShapeDeclaration::Session { gap } => WindowShape::Session { gap: nanos(gap) },
        }),
        lateness: declared.lateness.map(nanos),
    })
}
