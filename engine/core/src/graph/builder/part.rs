//! The executable part of a built graph: one slot a node, filled in order.

use super::args::{Args, NodeRef, Skip};
use crate::fault::Failure;
use crate::graph::outcome::{AnyOutput, Outcomes, Output, TurnEnd};
use crate::graph::{GraphPart, Origins, View};
use crate::payload::Payload;
use std::any::Any;
use std::sync::Arc;

/// The value of a node in this firing: an `Option<T>` behind `Any`.
pub(super) type Slot = Box<dyn Any + Send>;

pub(super) type NodeOp = Box<dyn Fn(&Scope<'_>, &mut Slot) -> Result<bool, Failure> + Send + Sync>;
pub(super) type TerminalOp = fn(&mut Slot, &mut Box<dyn AnyOutput>);

/// What all parts of one graph share.
pub(super) struct Recipe {
    pub(super) source_names: Vec<String>,
    /// What is run lies apart from what is told of it.
    pub(super) ops: Vec<NodeOp>,
    pub(super) names: Vec<String>,
    pub(super) slots: Vec<fn() -> Slot>,
    pub(super) terminals: Vec<(usize, TerminalOp)>,
}

impl Recipe {
    fn fresh_slots(&self) -> Vec<Slot> {
        self.slots.iter().map(|slot| slot()).collect()
    }
}

/// What a node can reach in one firing.
pub struct Scope<'a> {
    view: &'a View<'a>,
    firing: usize,
    slots: &'a [Slot],
    taken: &'a [bool],
    names: &'a [String],
}

impl<'a> Scope<'a> {
    pub(super) fn source<T: Payload>(&self, index: usize) -> Option<&'a T> {
        self.view.input::<T>(index).get(self.firing)
    }

    pub(super) fn slot(&self, index: usize) -> &'a Slot {
        &self.slots[index]
    }

    pub(super) fn is_taken(&self, index: usize) -> bool {
        self.taken[index]
    }

    pub(super) fn absent(&self, index: usize) -> Failure {
        Failure::error(format_args!("source {} has no value yet", self.names[index]))
    }
}

pub(super) fn empty_slot<T: Send + 'static>() -> Slot {
    Box::new(None::<T>)
}

/// Put `value` into its slot; true if there is one.
fn fill<T: Send + 'static>(slot: &mut Slot, value: Option<T>) -> bool {
    let taken = value.is_some();
    if let Some(slot) = slot.downcast_mut::<Option<T>>() {
        *slot = value;
    }
    taken
}

pub(super) fn node_op<A, U, E, F>(inputs: A, function: F) -> NodeOp
where
    A: Args,
    U: Send + 'static,
    E: std::fmt::Display,
    F: for<'a> Fn(A::Values<'a>) -> Result<U, E> + Send + Sync + 'static,
{
    Box::new(move |scope, slot| {
        if inputs.none_taken(scope) {
            return Ok(fill::<U>(slot, None));
        }
        match inputs.take(scope) {
            Ok(values) => match function(values) {
                Ok(value) => Ok(fill(slot, Some(value))),
                Err(error) => {
                    fill::<U>(slot, None);
                    Err(Failure::error(error))
                }
            },
            Err(Skip::NotTaken) => Ok(fill::<U>(slot, None)),
            Err(Skip::Absent(failure)) => {
                fill::<U>(slot, None);
                Err(failure)
            }
        }
    })
}

pub(super) fn branch_op<T, U, F>(node: NodeRef<T>, select: F) -> NodeOp
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(&T) -> Option<U> + Send + Sync + 'static,
{
    Box::new(move |scope, slot| {
        let decided = scope.slot(node.index).downcast_ref::<Option<T>>().and_then(Option::as_ref);
        Ok(fill(slot, decided.and_then(&select)))
    })
}

pub(super) fn terminal_op<T: Payload>(slot: &mut Slot, output: &mut Box<dyn AnyOutput>) {
    let value = slot.downcast_mut::<Option<T>>().and_then(Option::take);
    if let (Some(value), Some(output)) = (value, (**output).as_any_mut().downcast_mut::<Output<T>>()) {
        output.put(value);
    }
}

/// A part of a built graph.
pub(super) struct BuiltPart {
    recipe: Arc<Recipe>,
    slots: Vec<Slot>,
    taken: Vec<bool>,
}

impl BuiltPart {
    pub(super) fn new(recipe: Arc<Recipe>) -> Self {
        let slots = recipe.fresh_slots();
        let taken = vec![false; slots.len()];
        Self { recipe, slots, taken }
    }

    /// Put what the terminals have into the outputs, and note where it comes from.
    fn put(&mut self, firing: usize, outputs: &mut [Box<dyn AnyOutput>], mut origins: Option<&mut Origins>) {
        for (terminal, ((node, op), output)) in self.recipe.terminals.iter().zip(outputs).enumerate() {
            let before = output.len();
            op(&mut self.slots[*node], output);
            if let Some(origins) = origins.as_deref_mut()
                && output.len() > before
            {
                origins.note(terminal, firing);
            }
        }
    }

    /// Run every node once; the first failure, if any.
    fn fire(&mut self, view: &View<'_>, firing: usize) -> Option<Failure> {
        let mut first = None;
        for (index, op) in self.recipe.ops.iter().enumerate() {
            let (done, open) = self.slots.split_at_mut(index);
            let scope =
                Scope { view, firing, slots: done, taken: &self.taken, names: &self.recipe.source_names };
            let taken = op(&scope, &mut open[0]);
            self.taken[index] = *taken.as_ref().unwrap_or(&false);
            if let Err(mut failure) = taken {
                failure.message = format!("{}: {}", self.recipe.names[index], failure.message);
                first.get_or_insert(failure);
            }
        }
        first
    }
}

impl GraphPart for BuiltPart {
    fn tells_origins(&self) -> bool {
        true
    }

    fn touch(&self) -> usize {
        let recipe = &*self.recipe;
        let ops = recipe.ops.first().map_or(0, |op| std::ptr::from_ref(&**op).addr());
        let slots = self.slots.first().map_or(0, |slot| std::ptr::from_ref(&**slot).addr());
        ops ^ slots ^ usize::from(self.taken.first().copied().unwrap_or_default()) ^ recipe.terminals.len()
    }

    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        for firing in from..view.len() {
            out.begin(firing);
            match self.fire(view, firing) {
                // What nobody takes stays where it is until the next firing.
                None if !out.is_wanted() => {}
                None => {
                    let (_, outputs, origins) = out.open();
                    self.put(firing, outputs, origins);
                }
                Some(failure) => {
                    let fresh = self.recipe.fresh_slots();
                    let mut slots = std::mem::replace(&mut self.slots, fresh);
                    let recipe = Arc::clone(&self.recipe);
                    let rest = Box::new(move |out: &mut Outcomes| {
                        for ((node, op), output) in recipe.terminals.iter().zip(out.outputs()) {
                            op(&mut slots[*node], output);
                        }
                    });
                    return TurnEnd::Failed { failure, rest: Some(rest) };
                }
            }
        }
        TurnEnd::Done
    }
}
