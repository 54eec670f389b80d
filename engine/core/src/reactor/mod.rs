//! Reactors: when boundaries become firings.
//!
//! [`Policy`] is the state machine: it is told what arrived, and says which rows fire. It holds no
//! values, only where they lie in their columns.

pub mod criteria;
pub mod decl;
mod mark;
pub mod policy;

pub use criteria::{Criteria, SourceSet};
pub use decl::{
    CriteriaDecl, Filter, FilterInputs, ReactorDecl, ReactorDeclError, Strategy, k_of, when_all, when_any,
};
pub use policy::{Decided, Policy};
