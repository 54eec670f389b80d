//! What a node of a built graph takes: a tuple of sources and nodes.

use super::part::{Scope, Slot};
use crate::fault::Failure;
use crate::payload::Payload;
use std::marker::PhantomData;

/// A source of the graph; its nodes take `&T`.
pub struct SourceRef<T> {
    pub(super) index: usize,
    pub(super) payload: PhantomData<fn() -> T>,
}

/// A source that may be absent; its nodes take `Option<&T>`.
pub struct OptionalSource<T>(SourceRef<T>);

/// A node of the graph; those behind it take `&T`.
pub struct NodeRef<T> {
    pub(super) index: usize,
    pub(super) payload: PhantomData<fn() -> T>,
}

/// A node that may be skipped; those behind it take `Option<&T>`.
pub struct OptionalNode<T>(NodeRef<T>);

macro_rules! copy {
    ($($name:ident),+) => {$(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}
    )+};
}

copy!(SourceRef, OptionalSource, NodeRef, OptionalNode);

impl<T> SourceRef<T> {
    /// The same source, taken as `Option<&T>`.
    pub fn optional(self) -> OptionalSource<T> {
        OptionalSource(self)
    }
}

impl<T> NodeRef<T> {
    /// The same node, taken as `Option<&T>`: what comes after it runs where it was skipped, too.
    pub fn optional(self) -> OptionalNode<T> {
        OptionalNode(self)
    }
}

/// One input, for drawing and for checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg {
    /// A source by position.
    Source {
        /// Position among the graph's inputs.
        index: usize,
        /// Whether it must be there.
        required: bool,
    },
    /// A node by position.
    Node {
        /// Position among the graph's nodes.
        index: usize,
    },
}

/// Why a node does not run.
pub enum Skip {
    /// An upstream was not taken.
    NotTaken,
    /// A required source has no value yet.
    Absent(Failure),
}

/// One input of a node.
pub trait Take: Copy + Send + Sync + 'static {
    /// What the closure gets.
    type Value<'a>;

    /// Which input it is.
    fn arg(self) -> Arg;

    /// Its value in this firing.
    fn take<'a>(self, scope: &Scope<'a>) -> Result<Self::Value<'a>, Skip>;
}

impl<T: Payload> Take for SourceRef<T> {
    type Value<'a> = &'a T;

    fn arg(self) -> Arg {
        Arg::Source { index: self.index, required: true }
    }

    fn take<'a>(self, scope: &Scope<'a>) -> Result<&'a T, Skip> {
        scope.source(self.index).ok_or_else(|| Skip::Absent(scope.absent(self.index)))
    }
}

impl<T: Payload> Take for OptionalSource<T> {
    type Value<'a> = Option<&'a T>;

    fn arg(self) -> Arg {
        Arg::Source { index: self.0.index, required: false }
    }

    fn take<'a>(self, scope: &Scope<'a>) -> Result<Option<&'a T>, Skip> {
        Ok(scope.source(self.0.index))
    }
}

impl<T: Send + 'static> Take for NodeRef<T> {
    type Value<'a> = &'a T;

    fn arg(self) -> Arg {
        Arg::Node { index: self.index }
    }

    fn take<'a>(self, scope: &Scope<'a>) -> Result<&'a T, Skip> {
        value(scope.slot(self.index)).ok_or(Skip::NotTaken)
    }
}

impl<T: Send + 'static> Take for OptionalNode<T> {
    type Value<'a> = Option<&'a T>;

    fn arg(self) -> Arg {
        Arg::Node { index: self.0.index }
    }

    fn take<'a>(self, scope: &Scope<'a>) -> Result<Option<&'a T>, Skip> {
        Ok(value(scope.slot(self.0.index)))
    }
}

fn value<T: 'static>(slot: &Slot) -> Option<&T> {
    slot.downcast_ref::<Option<T>>().and_then(Option::as_ref)
}

/// The inputs of a node, as a tuple.
pub trait Args: Copy + Send + Sync + 'static {
    /// What the closure gets.
    type Values<'a>;

    /// Tell `each` input.
    fn each(self, each: &mut dyn FnMut(Arg));

    /// Their values in this firing.
    #[doc(hidden)]
    fn take<'a>(self, scope: &Scope<'a>) -> Result<Self::Values<'a>, Skip>;

    /// Whether there are upstream nodes, and none of them was taken.
    #[doc(hidden)]
    fn none_taken(self, scope: &Scope<'_>) -> bool {
        let (mut upstreams, mut taken) = (false, false);
        self.each(&mut |arg| {
            if let Arg::Node { index } = arg {
                upstreams = true;
                taken |= scope.is_taken(index);
            }
        });
        upstreams && !taken
    }
}

macro_rules! args {
    ($($type:ident $index:tt),+) => {
        impl<$($type: Take),+> Args for ($($type,)+) {
            type Values<'a> = ($($type::Value<'a>,)+);

            fn each(self, each: &mut dyn FnMut(Arg)) {
                $(each(self.$index.arg());)+
            }

            fn take<'a>(self, scope: &Scope<'a>) -> Result<Self::Values<'a>, Skip> {
                Ok(($(self.$index.take(scope)?,)+))
            }
        }
    };
}

args!(A 0);
args!(A 0, B 1);
args!(A 0, B 1, C 2);
args!(A 0, B 1, C 2, D 3);
args!(A 0, B 1, C 2, D 3, E 4);
args!(A 0, B 1, C 2, D 3, E 4, F 5);
args!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
args!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
