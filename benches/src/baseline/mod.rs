//! What the engine is compared with.

pub(crate) mod flights;
pub(crate) mod fsync;
pub(crate) mod handoff;
pub(crate) mod plain;
pub(crate) mod ractor;
pub(crate) mod timely;
pub(crate) mod tokio;
