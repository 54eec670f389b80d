//! What an engine keeps on disk.
//!
//! The [`journal`] is the truth: one append-only file in segments, on which "acknowledged" means
//! "synced". Everything else can be rebuilt from it. [`disk`] is what both write to: a folder, or for
//! tests a simulated one that loses what a power cut would lose.
//!
//! Nothing here is async and nothing here knows an actor; calls block, threads are our own.

pub mod disk;
pub mod journal;
pub mod lsn;

pub use lsn::Lsn;
