//! Chaos: random faults everywhere at once, then an account of every single item.
//!
//! Ten seconds by default. The long form, and a run once more:
//!
//! ```text
//! ACEQUIA_CHAOS_SECONDS=600 ACEQUIA_CHAOS_SEED=7 cargo test -p acequia-tests --test it chaos -- --nocapture
//! ```
//!
//! Lanes are packages of one accumulator (in two kinds: pushed, and fed by a source) and four graphs: one
//! in place, one that pends, one that is slow now and then, one with a deadline. Their functions, part
//! factories, sources and sinks panic as the seed decides, while actors crash and reactors are paused,
//! fired, followed and attached to. Every item is a number of its own; at the end each is where the ledger
//! says: delivered, a dead letter, or dropped by a policy that keeps no letter.

mod account;
mod lane;
mod rule;

use account::Account;
use acequia::{Component, Engine, FireInput, LetterId, Placement, Sink};
use acequia_tests::eventually;
use lane::{GRAPHS, LANES, Lane};
use rule::Rule;
use std::sync::Arc;
use std::time::Duration;

/// Fired by hand from here on; below are numbers that were pushed.
const BY_HAND: u64 = 1 << 60;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_unaccounted_for_whatever_breaks() {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let seed = setting("ACEQUIA_CHAOS_SEED").unwrap_or(now);
    let seconds = setting("ACEQUIA_CHAOS_SECONDS").unwrap_or(10);
    println!("chaos: ACEQUIA_CHAOS_SEED={seed} ACEQUIA_CHAOS_SECONDS={seconds}");
    // What panics here does so on purpose; the report of each would hide the one that counts.
    let rule = Arc::new(Rule::new(seed));
    rule.quiet_panics();
    let mut chaos = Chaos::start(Arc::clone(&rule)).await;
    let end = Duration::from_secs(seconds);
    let begin = chaos.engine.clock().now();
    let (mut step, mut reported) = (0_u64, 0);
    while chaos.engine.clock().now().since(begin) < end {
        chaos.step(step).await;
        step += 1;
        let past = chaos.engine.clock().now().since(begin).as_secs() / 60;
        if past > reported {
            reported = past;
            println!("chaos: {past} min, {} items, {} faults", chaos.account.n_items(), rule.n_faults());
        }
    }
    chaos.calm().await;
    chaos.settle().await;
    println!(
        "chaos: {step} steps, {} items, {} faults, {} crashes, {} restarts",
        chaos.account.n_items(),
        rule.n_faults(),
        chaos.crashes,
        chaos.engine.counters().restarts.load(std::sync::atomic::Ordering::Relaxed),
    );
    chaos.check().await;
}

struct Chaos {
    engine: Engine,
    rule: Arc<Rule>,
    lanes: Vec<Lane>,
    account: Account,
    crashes: u64,
    held: Vec<acequia::Receiver<u64>>,
}

impl Chaos {
    async fn start(rule: Arc<Rule>) -> Self {
        let account = Account::default();
        let mut builder = Engine::builder().seed(rule.seed()).dead_letter_capacity(10_000_000);
        if rule.roll(2) == 0 {
            builder = builder.placement(Placement::Shards { n: 2, busy_poll: false });
        }
        for lane in 0..LANES {
            builder = builder.package(lane::package(lane, &rule));
            for graph in GRAPHS {
                let name = lane::name(graph, lane);
                builder = builder.sink(name.as_str(), "out", account.sink(&name, &rule));
            }
        }
        let engine = builder.start().await.unwrap();
        rule.arm();
        let lanes = (0..LANES).map(|lane| Lane::start(lane, &engine, &rule)).collect();
        Self { engine, rule, lanes, account, crashes: 0, held: Vec::new() }
    }

    /// One thing that happens.
    async fn step(&mut self, step: u64) {
        // Faults here keep within the budgets: an engine that gave up is a find, and nothing would move on.
        assert_eq!(self.engine.state(), acequia::EngineState::Running);
        let lane = usize::try_from(self.rule.roll(LANES as u64)).unwrap();
        let reactor = self.engine.reactor(&lane::name("R", lane)).unwrap();
        match self.rule.roll(100) {
            0..6 => self.crash(lane).await,
            6..9 => self.crash_something_big(lane).await,
            9..15 => reactor.pause().await,
            15..30 => reactor.resume().await,
            30..36 => {
                if reactor.fire().await.is_ok() {
                    self.account.fired(lane);
                }
            }
            36..42 => {
                let input = FireInput::new().with(lane::name("n", lane), BY_HAND + step);
                if reactor.fire_with(input).await.is_ok() {
                    self.account.fired(lane);
                }
            }
            42..48 => self.attach(lane).await,
            48..55 => self.replay_some().await,
            55..60 => self.account.bury(&self.engine),
            60..64 => reactor.flush().await,
            64..68 => {
                if let Some(mut firings) = reactor.follow().await {
                    tokio::task::yield_now().await;
                    firings.read(100).await;
                }
            }
            68..78 => self.pardon().await,
            78..90 => self.check_edges().await,
            _ => tokio::time::sleep(Duration::from_millis(3)).await, // tidy: chaos takes its time
        }
    }

    async fn crash(&mut self, lane: usize) {
        // The package allows twenty restarts a minute, some of which fail and are tried again; and the root
        // allows few packages to give up, over a long run.
        if !self.rule.may_crash(lane, self.engine.clock().now(), 5, Duration::from_secs(61)) {
            return;
        }
        let name = |what: &str| lane::name(what, lane);
        let (n, reactor) = (name("n"), name("R"));
        let graph = name(GRAPHS[usize::try_from(self.rule.roll(GRAPHS.len() as u64)).unwrap()]);
        let component = match self.rule.roll(6) {
            0 => Component::Reactor(&reactor),
            1 => Component::Accumulator(&n),
            2 => Component::Source(&n),
            _ => Component::Graph(&graph),
        };
        self.crashes += u64::from(self.engine.crash(component).await);
    }

    /// The root's budget is for five minutes.
    async fn crash_something_big(&mut self, lane: usize) {
        let now = self.engine.clock().now();
        let spaced = self.rule.may_crash(LANES, now, 1, Duration::from_secs(4));
        if !spaced || !self.rule.may_crash(LANES + 1, now, 8, Duration::from_secs(310)) {
            return;
        }
        let package = lane::name("p", lane);
        // The fourth crash of a shard within its period ends the engine, as it should.
        let period = Duration::from_secs(31);
        let shard = self.rule.roll(3) == 0 && self.rule.may_crash(LANES + 2, now, 3, period);
        let component = if shard { Component::Shard(0) } else { Component::Package(&package) };
        self.crashes += u64::from(self.engine.crash(component).await);
    }

    /// A channel that is read now and then, and loses the oldest.
    async fn attach(&mut self, lane: usize) {
        if self.held.len() < 8 {
            let graph = lane::name(GRAPHS[usize::try_from(self.rule.roll(4)).unwrap()], lane);
            let (sink, receiver) = Sink::channel::<u64>(32, acequia::Overflow::DropOldest);
            self.engine.attach(graph.as_str(), "out", sink).await.unwrap();
            self.held.push(receiver);
        }
        for receiver in &mut self.held {
            while receiver.try_recv().is_some() {}
        }
    }

    async fn replay_some(&mut self) {
        let letters: Vec<(LetterId, String, u64)> = self.account.letters(&self.engine, 3);
        for (id, place, item) in letters {
            self.account.replaying(&place, item);
            if self.engine.replay(id).await.is_err() {
                self.account.not_replayed(&place, item);
            }
        }
    }

    /// An operator puts back whatever is out.
    async fn pardon(&mut self) {
        let out = |status: &str| status.contains("quarantined");
        for (name, children) in self.engine.tree().await {
            let name =
                name.split(" [").next().unwrap_or_default().to_owned() + if out(&name) { "!" } else { "" };
            let Some(package) = name.strip_prefix("package ") else { continue };
            if let Some(package) = package.strip_suffix('!') {
                self.engine.pardon(package, &format!("package {package}")).await;
            }
            for child in children.iter().filter(|child| out(&child.status)) {
                self.engine.pardon(package.trim_end_matches('!'), &child.name).await;
            }
        }
    }

    async fn check_edges(&self) {
        if let Err((edge, imbalance)) = self.engine.ledger().await.check() {
            panic!("{edge}: {imbalance}");
        }
    }

    /// Nothing breaks from here on, and everything is put back.
    async fn calm(&mut self) {
        self.rule.disarm();
        for lane in &mut self.lanes {
            lane.stop();
        }
        let deadline = self.engine.clock().now().after(Duration::from_secs(90));
        let running = async |chaos: &mut Self| {
            chaos.pardon().await;
            for lane in 0..LANES {
                chaos.engine.reactor(&lane::name("R", lane)).unwrap().resume().await;
            }
            let tree = chaos.engine.tree().await;
            let mut children = tree.iter().flat_map(|(_, children)| children);
            tree.iter().all(|(name, _)| name.ends_with("running"))
                && children.all(|child| child.status == "running")
        };
        while !running(self).await {
            assert!(self.engine.clock().now() < deadline, "{:#?}", self.engine.tree().await);
            tokio::time::sleep(Duration::from_millis(20)).await; // tidy: restarts back off in real time
        }
        for lane in &mut self.lanes {
            let patience = Duration::from_secs(60);
            let stopped = tokio::time::timeout(patience, lane.stopped()).await.is_ok();
            assert!(stopped, "a push found no room within {patience:?}\n{}", self.engine.ledger().await);
        }
    }

    async fn settle(&mut self) {
        let settled = self.engine.settled(Duration::from_secs(30)).await;
        let open = self.engine.unsettled().await;
        assert!(settled && open.is_empty(), "{open:#?}\n{:#?}", self.engine.tree().await);
        eventually("the ledger is quiet", async || self.engine.ledger().await.check().is_ok()).await;
    }

    async fn check(mut self) {
        self.account.bury(&self.engine);
        let pushed: Vec<_> = self.lanes.iter().map(Lane::pushed).collect();
        let report = self.engine.shutdown(Duration::from_secs(10)).await;
        report.ledger.check().unwrap();
        assert!(report.unsettled.is_empty());
        for (lane, pushed) in pushed.into_iter().enumerate() {
            self.account.check(lane, pushed, &report.ledger);
        }
    }
}
