//! Computation graphs: nodes that turn a firing's inputs into terminal outputs.
//!
//! A graph's executable part is one virtual call a turn over borrowed, typed columns. The macros and
//! [`builder`] both make such parts; so can you, by implementing [`GraphPart`].

pub mod builder;
pub mod decl;
pub mod encoded_output;
pub mod origins;
pub mod outcome;
pub mod topology;
pub mod turn;
pub mod view;

pub use builder::{GraphBuildError, GraphBuilder, NodeRef};
pub use decl::{GraphDecl, GraphPlacement, InputDecl, PartFn, Presence, TerminalDecl};
pub use encoded_output::EncodedOutput;
pub use origins::Origins;
pub use outcome::{AnyOutput, Commit, Outcomes, Output, PendingFiring, TerminalSet, TurnEnd};
pub use topology::{Edge, Topology, TopologyError};
pub use turn::{Fired, turn_async, turn_sync};
pub use view::{ABSENT, Input, View};

/// The executable part of a graph.
pub trait GraphPart: Send {
    /// Run the firings of `view` from number `from` on, in order, until all are done or one fails or
    /// pends. Names the firing in hand through [`Outcomes::split`]'s cursor before it runs its nodes.
    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd;

    /// Whether a turn notes in [`Outcomes::origins`], where there are any, which firing each output comes
    /// from. A part that does not is run firing by firing where that is asked.
    fn tells_origins(&self) -> bool {
        false
    }

    /// Read a little of what a turn needs, so that it comes from memory beside that of other parts, not
    /// one after another. What is returned means nothing.
    #[doc(hidden)]
    fn touch(&self) -> usize {
        0
    }
}
