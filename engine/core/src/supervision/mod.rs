//! Supervision as data and decisions, in OTP's words. The actors carry it out.

pub mod backoff;
pub mod child;
pub mod supervisor;

pub use backoff::Backoff;
pub use child::{ChildSpec, Exit, Intensity, Restart, Strategy};
pub use supervisor::{Reaction, Supervisor};
