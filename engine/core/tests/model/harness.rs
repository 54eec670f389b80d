//! Drives a cell by hand: a manual clock, a bell that counts, a waker that rings it.

use acequia_core::accumulator::AccumulatorDecl;
use acequia_core::cell::{Cell, CellTurn, Crumb, GraphRun, TurnContext};
use acequia_core::graph::{GraphDecl, GraphPart, InputDecl, PartFn, Presence, Topology, TurnEnd};
use acequia_core::reactor::{CriteriaDecl, ReactorDecl, Strategy};
use acequia_core::ring::{Doorbell, Ring};
use acequia_core::{Overflow, Timestamp};
use proptest::test_runner::Config;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

/// One firing as a graph saw it: a value per source.
pub type Row = Vec<Option<u64>>;

/// `cases` a property, unless `PROPTEST_CASES` asks for more; no regression files.
pub fn cases(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    Config { cases: asked.unwrap_or(cases), failure_persistence: None, ..Config::default() }
}

/// Panic as user code does, without the noise on stderr.
pub fn quiet_panic(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}

/// A doorbell, and a waker that rings it.
#[derive(Default)]
pub struct Bell {
    rings: AtomicU64,
}

impl Bell {
    pub fn rings(&self) -> u64 {
        self.rings.load(Ordering::SeqCst)
    }

    /// Whether it rang since the last call.
    pub fn take(&self) -> bool {
        self.rings.swap(0, Ordering::SeqCst) > 0
    }
}

impl Doorbell for Bell {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

/// Firings that a graph has run, in order.
pub type Seen = Arc<Mutex<Vec<Row>>>;

/// Names of the first `n` sources.
pub fn source_name(source: usize) -> String {
    format!("s{source}")
}

/// A graph that reads `n` optional sources and notes each firing.
pub fn recorder(name: &str, n: usize, seen: &Seen) -> GraphDecl {
    let inputs =
        (0..n).map(|source| InputDecl::new::<u64>(source_name(source), Presence::Optional)).collect();
    let seen = Arc::clone(seen);
    let make = move || -> Box<dyn GraphPart> {
        let seen = Arc::clone(&seen);
        Box::new(PartFn(
            move |view: &acequia_core::graph::View<'_>, from, out: &mut acequia_core::graph::Outcomes| {
                for firing in from..view.len() {
                    out.begin(firing);
                    let row = (0..n).map(|input| view.input::<u64>(input).get(firing).copied()).collect();
                    seen.lock().unwrap().push(row);
                }
                TurnEnd::Done
            },
        ))
    };
    GraphDecl::new(name, None, inputs, Vec::new(), Topology::default(), Arc::new(make))
}

/// A cell with all that a turn needs.
pub struct Rig {
    pub cell: Cell,
    pub now: Timestamp,
    pub bell: Arc<Bell>,
    pub rings: Vec<Arc<Ring<u64>>>,
    pub seen: Seen,
    more: bool,
    due: Option<Timestamp>,
}

impl Rig {
    /// A cell over sources of `u64` with a recorder in it.
    pub fn new(capacities: &[usize], overflow: Overflow, criteria: CriteriaDecl, strategy: Strategy) -> Self {
        let accumulators = capacities
            .iter()
            .enumerate()
            .map(|(source, capacity)| {
                AccumulatorDecl::passthrough::<u64>(source_name(source))
                    .capacity(*capacity)
                    .overflow(overflow)
            })
            .collect();
        Self::over(ReactorDecl::new("r", accumulators, criteria).strategy(strategy))
    }

    /// A cell for `decl`, all of whose sources take and yield `u64`.
    pub fn over(decl: ReactorDecl) -> Self {
        let n = decl.accumulators.len();
        let mut rig = Self::bare(decl);
        let seen = Arc::clone(&rig.seen);
        rig.bind(recorder("recorder", n, &seen));
        rig
    }

    /// A cell for `decl`, all of whose sources take `u64`, with nobody in it.
    pub fn bare(decl: ReactorDecl) -> Self {
        Self::of(Cell::new(decl, Duration::from_secs(1)).unwrap())
    }

    /// This cell, all of whose sources take `u64`, as it is.
    pub fn of(cell: Cell) -> Self {
        let bell = Arc::new(Bell::default());
        let rings: Vec<_> =
            cell.slots().iter().map(|slot| slot.ring().as_any().downcast::<Ring<u64>>().unwrap()).collect();
        for ring in &rings {
            ring.set_doorbell(Arc::clone(&bell) as Arc<dyn Doorbell>);
        }
        let (now, seen) = (Timestamp::ZERO, Seen::default());
        Self { cell, now, bell, rings, seen, more: false, due: None }
    }

    pub fn bind(&mut self, decl: GraphDecl) {
        self.cell.bind(GraphRun::new(decl), "package".into()).unwrap();
    }

    /// One turn, whether or not anybody asked for it.
    pub fn turn(&mut self) -> CellTurn {
        let turn = self.with(|cell, cx| cell.turn(cx));
        self.more = turn.more;
        self.due = turn.due;
        self.check();
        turn
    }

    /// Run `code` with a turn's context.
    pub fn with<R>(&mut self, code: impl FnOnce(&mut Cell, &TurnContext<'_>) -> R) -> R {
        let now = self.now;
        let doorbell = Arc::clone(&self.bell) as Arc<dyn Doorbell>;
        let waker = Waker::from(Arc::clone(&self.bell));
        let cx = TurnContext {
            now,
            clock: &move || now,
            doorbell: &doorbell,
            waker: &waker,
            crumb: &Crumb::default(),
        };
        code(&mut self.cell, &cx)
    }

    /// What a scheduler does: a turn as long as the bell rang, the cell wants more, or a time has come.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.wants_turn() {
                return;
            }
            self.turn();
        }
        panic!("the cell never comes to rest");
    }

    /// Whether a scheduler would give it a turn now.
    pub fn wants_turn(&self) -> bool {
        let due = self.due.is_some_and(|due| due <= self.now);
        self.bell.take() || self.more || due
    }

    /// Nothing accepted is unaccounted for.
    pub fn check(&self) {
        if let Err((edge, imbalance)) = self.cell.check_ledger() {
            panic!("{edge}: {imbalance}");
        }
    }

    pub fn seen(&self) -> Vec<Row> {
        self.seen.lock().unwrap().clone()
    }
}

/// The criteria `needed` of `named`.
pub fn criteria_of(named: &[usize], needed: usize) -> CriteriaDecl {
    acequia_core::reactor::k_of(needed, named.iter().map(|source| source_name(*source)))
}
