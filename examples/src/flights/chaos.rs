//! Nodes that panic at random, by a seed: the same rows in every run.

use acequia::core::graph::{Outcomes, TurnEnd, View};
use acequia::{GraphDecl, GraphPart};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One in so many first attempts panics, a node.
const FIRST: u64 = 500;

/// One in so many retries panics, a node.
const RETRY: u64 = 5;

/// What every panic of chaos begins with.
const MARK: &str = "chaos struck";

thread_local! {
    // Set while a shaken part runs on this thread.
    static CHAOS: RefCell<Option<Arc<Chaos>>> = const { RefCell::new(None) };
}

/// Panics of one run.
#[derive(Debug)]
pub struct Chaos {
    seed: u64,
    // Attempts that failed, by row.
    failed: Mutex<HashMap<u32, u64>>,
}

impl Chaos {
    /// Chaos that follows from `seed`.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { seed, failed: Mutex::default() })
    }

    /// Let it loose on the nodes of `graph`.
    pub fn shake(self: &Arc<Self>, graph: GraphDecl) -> GraphDecl {
        let chaos = Arc::clone(self);
        graph.wrap(move |part| Box::new(Shaken { part, chaos: Arc::clone(&chaos) }))
    }

    /// Whether `node` fails at this attempt at `row`; if so, the next attempt is another one.
    fn strikes(&self, node: &str, row: u32) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = failed.get(&row).copied().unwrap_or(0);
        let mut roll = self.seed ^ (u64::from(row) << 8) ^ attempt;
        for byte in node.bytes() {
            roll = (roll ^ u64::from(byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
        let one_in = if attempt == 0 { FIRST } else { RETRY };
        let struck = (roll ^ (roll >> 32)).is_multiple_of(one_in);
        if struck {
            *failed.entry(row).or_default() += 1;
        }
        struck
    }
}

/// A node is about to work on `row`: the place where chaos, if there is any, makes it panic.
#[inline]
#[expect(clippy::panic, reason = "to panic is what chaos is for")]
pub fn strike(node: &str, row: u32) {
    CHAOS.with_borrow(|chaos| {
        if let Some(chaos) = chaos
            && chaos.strikes(node, row)
        {
            std::panic::panic_any(format!("{MARK} {node} at row {row}"));
        }
    });
}

/// Keep panics of chaos off the terminal; all others are told as before.
pub fn silence() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let chaos = panic.payload().downcast_ref::<String>().is_some_and(|text| text.starts_with(MARK));
        if !chaos {
            told(panic);
        }
    }));
}

/// A part whose nodes are struck.
struct Shaken {
    part: Box<dyn GraphPart>,
    chaos: Arc<Chaos>,
}

impl GraphPart for Shaken {
    fn turn(&mut self, view: &View<'_>, from: usize, out: &mut Outcomes) -> TurnEnd {
        CHAOS.set(Some(Arc::clone(&self.chaos)));
        let _calm_after = Calm;
        self.part.turn(view, from, out)
    }
}

struct Calm;

impl Drop for Calm {
    fn drop(&mut self) {
        CHAOS.set(None);
    }
}
