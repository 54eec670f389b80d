//! Names and ids. Each is a type of its own, so that two of them cannot be swapped by accident.

use std::fmt;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(std::sync::Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(std::sync::Arc::from(text))
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> Self {
                name.clone()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

pub(crate) use name;

name!(
    /// Name of an accumulator, unique in its tenant.
    AccumulatorName
);
name!(
    /// Name of a reactor, unique in its tenant.
    ReactorName
);
name!(
    /// Name of a computation graph, unique in its tenant.
    GraphName
);
name!(
    /// Name of a graph's terminal: the node whose output leaves the graph.
    TerminalName
);
name!(
    /// Name of a package, unique in its tenant.
    PackageName
);
name!(
    /// Name of a trigger, cron and poll alike, unique in its tenant.
    TriggerName
);
name!(
    /// Name of a workflow, unique in its tenant.
    WorkflowName
);
name!(
    /// Name of a task, unique in its workflow.
    TaskName
);

/// Position of an item in its edge: the fast path's id is (edge, sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub u64);

/// Number of a firing within its reactor, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiringId(pub u64);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for FiringId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "firing {}", self.0)
    }
}
