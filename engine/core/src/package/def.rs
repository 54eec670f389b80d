//! What the macros define: types that stand for a declaration.

use crate::accumulator::AccumulatorDecl;
use crate::graph::GraphDecl;
use crate::payload::Payload;
use crate::reactor::ReactorDecl;
use std::marker::PhantomData;

/// An accumulator that a macro defined.
pub trait AccumulatorDef {
    /// What comes in.
    type Event: Payload;
    /// What goes out.
    type Boundary: Payload;
    /// Its name.
    const NAME: &'static str;

    /// Its declaration.
    fn decl() -> AccumulatorDecl;
}

/// A reactor that a macro defined.
pub trait ReactorDef {
    /// Its name.
    const NAME: &'static str;

    /// Its declaration.
    fn decl() -> ReactorDecl;
}

/// A graph that a macro defined.
pub trait GraphDef {
    /// Its name.
    const NAME: &'static str;

    /// Its declaration.
    fn decl() -> GraphDecl;
}

/// A reactor's accumulator as a compile-time key: graphs in the same crate check names and types
/// against it.
pub struct SourceKey<T> {
    name: &'static str,
    boundary: PhantomData<fn() -> T>,
}

impl<T> SourceKey<T> {
    /// The key of the accumulator `name`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, boundary: PhantomData }
    }

    /// The accumulator's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
