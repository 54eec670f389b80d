//! Declarations as data: what a package has, read once at load, before any of its parts is made.
//!
//! JSON, since it is read once. An unknown field is an error: an engine that does not know it would leave
//! out what the package relies on.

use serde::{Deserialize, Serialize};

/// All that a package declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageDeclaration {
    /// Its name.
    pub name: String,
    /// The types that cross, referred to by their position.
    pub types: Vec<TypeDeclaration>,
    /// Its reactors. The position of an accumulator counts those of all reactors before.
    pub reactors: Vec<ReactorDeclaration>,
    /// Its graphs.
    pub graphs: Vec<GraphDeclaration>,
    /// Reactors that it needs, as stated.
    pub requirements: Vec<RequirementDeclaration>,
    /// Its cron triggers.
    pub crons: Vec<CronDeclaration>,
    /// Its poll triggers.
    pub polls: Vec<PollDeclaration>,
    /// Its workflows.
    pub workflows: Vec<WorkflowDeclaration>,
    /// Its library can run futures on a runtime of its own. Not written if it cannot, so that engines that know nothing of
    /// it take such libraries.
    #[serde(default, skip_serializing_if = "is_false")]
    pub own_runtime: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl PackageDeclaration {
    /// The accumulators of all reactors, in the order of their positions.
    pub fn accumulators(&self) -> impl Iterator<Item = &AccumulatorDeclaration> {
        self.reactors.iter().flat_map(|reactor| &reactor.accumulators)
    }
}

/// A type that crosses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDeclaration {
    /// Rust's name, for messages.
    pub name: String,
    /// Hash of its schema, in hexadecimal; two ends of an edge must agree on it.
    pub hash: String,
    /// Its schema, for messages.
    pub schema: String,
}

/// A reactor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactorDeclaration {
    /// Its name.
    pub name: String,
    /// Its accumulators, in the order of its sources.
    pub accumulators: Vec<AccumulatorDeclaration>,
    /// When it fires.
    pub criteria: CriteriaDeclaration,
    /// How boundaries become firings.
    pub strategy: StrategyDeclaration,
    /// How many firings its log keeps.
    pub log_firings: u64,
    /// How long its log keeps them, in nanoseconds.
    pub log_age: u64,
}

/// When a reactor fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CriteriaDeclaration {
    /// Any of these is dirty.
    Any(Vec<String>),
    /// All of these are dirty.
    All(Vec<String>),
    /// At least `k` of these are dirty.
    KOf {
        /// How many.
        k: u64,
        /// Of which.
        of: Vec<String>,
    },
}

/// How boundaries become firings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyDeclaration {
    /// The newest boundary per source.
    Latest,
    /// One queue per source.
    Sequential,
}

/// An accumulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccumulatorDeclaration {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: KindDeclaration,
    /// Type of what comes in.
    pub event: usize,
    /// Type of what goes out.
    pub boundary: usize,
    /// It hands every event on as it is: the engine does so without asking the library.
    pub identity: bool,
    /// It has a source, besides pushes.
    pub source: bool,
    /// Room in its ring, in events.
    pub capacity: u64,
    /// What its full ring does.
    pub overflow: OverflowDeclaration,
    /// How often an event is tried, and what quarantines it.
    pub budget: BudgetDeclaration,
}

/// What an accumulator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindDeclaration {
    /// One in, at most one out.
    Passthrough,
    /// Fed by a source, possibly with the author's state.
    Stream,
    /// Fed by a function that is asked each interval.
    Polling,
    /// Collected until a flush.
    Batch,
    /// A window of the newest values.
    State,
    /// Panes by event time.
    Window,
    /// Somebody's own.
    Custom,
}

/// Settings that are laid over those of an accumulator. What is absent stays. Durations are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningDeclaration {
    /// Batch: the oldest that it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flush_interval: Option<u64>,
    /// Batch: the largest that it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_buffer_size: Option<u64>,
    /// State: length of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_capacity: Option<i64>,
    /// Window: how events are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeDeclaration>,
    /// Window: how long a pane waits for late events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<u64>,
}

/// How a window groups events. Durations are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ShapeDeclaration {
    /// Panes side by side.
    Tumbling {
        /// Length of a pane.
        size: u64,
    },
    /// Panes of `size`, one every `slide`.
    Sliding {
        /// Length of a pane.
        size: u64,
        /// Distance between the starts of two panes.
        slide: u64,
    },
    /// A pane ends where no event came for `gap`.
    Session {
        /// Silence that ends a pane.
        gap: u64,
    },
}

/// What a full ring does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverflowDeclaration {
    /// Senders wait.
    Block,
    /// The new item is dropped.
    DropNewest,
    /// The oldest item is dropped.
    DropOldest,
    /// The newest replaces what waits.
    Coalesce,
    /// The new item goes to the dead letters.
    DeadLetter,
}

/// How often an item is tried, and what quarantines a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetDeclaration {
    /// Tries of one item.
    pub attempts: u32,
    /// Dead letters within the window.
    pub dead_letters: u32,
    /// Panics and errors within the window.
    pub faults: u32,
    /// The window, in nanoseconds.
    pub window: u64,
}

/// A computation graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphDeclaration {
    /// Its name.
    pub name: String,
    /// The reactor that it is bound to; none for a trigger-less graph.
    pub reactor: Option<String>,
    /// What it reads.
    pub inputs: Vec<InputDeclaration>,
    /// What it yields.
    pub terminals: Vec<TerminalDeclaration>,
    /// Its nodes, in an order in which they can run.
    pub nodes: Vec<String>,
    /// Its edges.
    pub edges: Vec<EdgeDeclaration>,
    /// Where it runs.
    pub placement: PlacementDeclaration,
    /// Deadline of one firing, in nanoseconds.
    pub deadline: Option<u64>,
    /// What its full delivery ring does; none follows the reactor's strategy.
    pub overflow: Option<OverflowDeclaration>,
    /// Room in its delivery ring, in firings.
    pub delivery_capacity: u64,
    /// How often a firing is tried, and what quarantines it.
    pub budget: BudgetDeclaration,
}

/// One source that a graph reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputDeclaration {
    /// The accumulator.
    pub accumulator: String,
    /// Type of its boundaries.
    #[serde(rename = "type")]
    pub payload: usize,
    /// Whether a value must be there.
    pub required: bool,
}

/// One node whose output leaves the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalDeclaration {
    /// The node.
    pub name: String,
    /// Type of its output.
    #[serde(rename = "type")]
    pub payload: usize,
}

/// One edge of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeDeclaration {
    /// A source or a node.
    pub from: String,
    /// A node.
    pub to: String,
    /// The variant that is routed along it.
    pub variant: Option<String>,
}

/// Where a graph runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacementDeclaration {
    /// In the cell, unless it proves slow or pends.
    InPlace,
    /// With a delivery ring of its own.
    Detached,
    /// The same, on blocking threads.
    Blocking,
}

/// A reactor that a package needs and does not declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementDeclaration {
    /// The reactor.
    pub reactor: String,
    /// The package that must own it; any, if none.
    pub package: Option<String>,
    /// The range of releases in which its owner must be; any, if none.
    pub releases: Option<String>,
}

/// A trigger that fires at times of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronDeclaration {
    /// Its name.
    pub name: String,
    /// When.
    pub expression: String,
}

/// A trigger that is asked each interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollDeclaration {
    /// Its name.
    pub name: String,
    /// Nanoseconds between two asks.
    pub interval: u64,
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowDeclaration {
    /// Its name.
    pub name: String,
    /// Its tasks.
    pub tasks: Vec<TaskDeclaration>,
    /// What starts it.
    pub subscriptions: Vec<SubscriptionDeclaration>,
}

/// A task of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDeclaration {
    /// Its name.
    pub name: String,
    /// The trigger-less graph that it invokes.
    pub invokes: Option<String>,
}

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionDeclaration {
    /// A cron or poll trigger.
    Trigger(String),
    /// Each firing of a reactor.
    Reactor(String),
}
