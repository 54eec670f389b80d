//! Which firing of a turn each output comes from, for those who write outputs down with what they come from.

use super::outcome::{AnyOutput, Outcomes, TurnEnd};
use super::{GraphPart, View};

/// Positions of the firings that a turn's outputs come from: of each terminal, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    terminals: Vec<Vec<u32>>,
}

impl Origins {
    /// Of so many terminals, without outputs.
    pub fn new(n_terminals: usize) -> Self {
        Self { terminals: vec![Vec::new(); n_terminals] }
    }

    /// One more output of `terminal`, from the firing at `firing`.
    #[inline]
    pub fn note(&mut self, terminal: usize, firing: usize) {
        if let Some(firings) = self.terminals.get_mut(terminal) {
            firings.push(u32::try_from(firing).unwrap_or(u32::MAX));
        }
    }

    /// The firings of what is at `terminal`.
    pub fn of(&self, terminal: usize) -> &[u32] {
        self.terminals.get(terminal).map_or(&[], Vec::as_slice)
    }

    /// What is noted in `from`, which is empty then, comes behind what is noted here.
    pub(crate) fn append(&mut self, from: &mut Self) {
        for (firings, from) in self.terminals.iter_mut().zip(&mut from.terminals) {
            firings.append(from);
        }
    }

    /// What is at `terminal` is gone.
    pub fn clear_terminal(&mut self, terminal: usize) {
        if let Some(firings) = self.terminals.get_mut(terminal) {
            firings.clear();
        }
    }

    /// Nothing is left anywhere.
    pub fn clear(&mut self) {
        self.terminals.iter_mut().for_each(Vec::clear);
    }

    /// What `outputs` hold beyond `before` and what is known comes from `firing`.
    pub(crate) fn fit(
        &mut self,
        firing: usize,
        before: impl Iterator<Item = usize>,
        outputs: &[Box<dyn AnyOutput>],
    ) {
        let firing = u32::try_from(firing).unwrap_or(u32::MAX);
        for ((firings, output), before) in self.terminals.iter_mut().zip(outputs).zip(before) {
            firings.resize(output.len().saturating_sub(before), firing);
        }
    }
}

/// A turn of `part`. Where somebody asks for origins and the part does not tell them, it is run firing by
/// firing, and what has come is looked at after each.
#[inline]
pub(crate) fn turn(part: &mut dyn GraphPart, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
    if out.origins().is_some() && !part.tells_origins() {
        return turn_by_firing(part, view, from, out);
    }
    part.turn(view, from, out)
}

#[cold]
fn turn_by_firing(part: &mut dyn GraphPart, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
    let before: Vec<usize> = out.outputs().iter().map(|output| output.len()).collect();
    for firing in from..view.len() {
        out.begin(firing);
        let end = part.turn(&view.prefix(firing + 1), firing, out);
        let (_, outputs, origins) = out.open();
        if let Some(origins) = origins {
            origins.fit(firing, before.iter().copied(), outputs);
        }
        if !matches!(end, TurnEnd::Done) {
            return end;
        }
    }
    TurnEnd::Done
}
