//! What the examples share: the data beside them, and `flights`, the largest of them, as a library.
//!
//! Start with [`flights`]; [`plain`] is the loop that it is compared with.

pub mod deploys;
pub mod flights;
pub mod market;
pub mod plain;
pub mod pricing;
pub mod slices;
pub mod summary;
