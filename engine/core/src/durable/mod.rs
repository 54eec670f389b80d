//! What a crash must not take: how far an accumulator's events are guarded, what a turn leaves behind to
//! be replayed from, and what waits for that to be on disk.
//!
//! A cell that records hands out one [`TurnMark`] a turn. Whoever runs it writes the mark, together with
//! what the turn sent to other durable accumulators, as one indivisible batch. After a crash a fresh cell
//! goes through the same marks with the same events, and stands where the last one left it: replay
//! follows the recorded cuts and decides nothing anew, because under `latest` decisions depend on time.

mod check;
pub mod dedupe;
mod filed;
mod guarantee;
pub mod lineage;
mod mark;
mod outgoing;
mod stream;
mod unfit;

pub use check::{Digest, GraphCheck, TerminalCheck, TurnCheck};
pub use filed::{Filed, FiledError, decode_letter, encode_letter};
pub use guarantee::{Guarantee, UnknownGuarantee};
pub use lineage::LifeId;
pub use mark::{MarkError, OpenFirings, PolicyMark, SourceMark, SourcePosition, TurnMark};
pub use outgoing::{Outgoing, Publish, Published};
pub use stream::stream_number;
pub use unfit::{Unfit, unfit};
