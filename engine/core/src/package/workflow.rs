//! Declarations of workflows: tasks, and what starts them.

use crate::id::{GraphName, ReactorName, TaskName, TriggerName, WorkflowName};

/// A workflow, declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowDecl {
    /// Its name, unique in its tenant.
    pub name: WorkflowName,
    /// Its tasks, in declared order.
    pub tasks: Vec<TaskDecl>,
    /// What starts it, besides by hand.
    pub subscriptions: Vec<SubscriptionDecl>,
}

/// One task of a workflow, declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDecl {
    /// Its name, unique in its workflow.
    pub name: TaskName,
    /// The trigger-less graph that it invokes, if it does.
    pub invokes: Option<GraphName>,
}

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubscriptionDecl {
    /// A cron or poll trigger.
    Trigger(TriggerName),
    /// Each firing of a reactor.
    Reactor(ReactorName),
}

impl WorkflowDecl {
    /// A workflow without tasks that nothing starts.
    pub fn new(name: impl Into<WorkflowName>) -> Self {
        Self { name: name.into(), tasks: Vec::new(), subscriptions: Vec::new() }
    }

    /// Add a task.
    #[must_use]
    pub fn task(mut self, name: impl Into<TaskName>) -> Self {
        self.tasks.push(TaskDecl { name: name.into(), invokes: None });
        self
    }

    /// Add a task that invokes a trigger-less graph.
    #[must_use]
    pub fn invoking(mut self, name: impl Into<TaskName>, graph: impl Into<GraphName>) -> Self {
        self.tasks.push(TaskDecl { name: name.into(), invokes: Some(graph.into()) });
        self
    }

    /// Start it when `trigger` fires.
    #[must_use]
    pub fn on_trigger(mut self, trigger: impl Into<TriggerName>) -> Self {
        self.subscriptions.push(SubscriptionDecl::Trigger(trigger.into()));
        self
    }

    /// Start it when `reactor` fires.
    #[must_use]
    pub fn on_reactor(mut self, reactor: impl Into<ReactorName>) -> Self {
        self.subscriptions.push(SubscriptionDecl::Reactor(reactor.into()));
        self
    }
}
