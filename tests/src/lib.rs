//! Fixtures that the integration tests share.
//!
//! A fixture lives here once two themes of `it` need it; until then it stays beside its test.

mod folder;
mod graphs;
mod packages;

pub use folder::Folder;
pub use graphs::{abc, echo};
pub use packages::{letters, numbers, single, started};
