//! Fixtures that the integration tests share.
//!
//! A fixture lives here once two themes of `it` need it; until then it stays beside its test.

mod bytes;
mod eventually;
mod folder;
mod gate;
mod graphs;
pub mod library;
mod packages;
mod small_disk;

pub use bytes::{accumulator_behind_bytes, graph_behind_bytes};
pub use eventually::eventually;
pub use folder::Folder;
pub use gate::Gate;
pub use graphs::{abc, echo};
pub use packages::{letters, numbers, single, started};
pub use small_disk::{Small, SmallDisk};
