//! Bringing packages up: everything is checked before the first side effect; then all or nothing.

use super::Engine;
use crate::cell::SharedCell;
use crate::directory::{AccumulatorEntry, GraphEntry, ReactorEntry};
use crate::package::PackageArgs;
use crate::root::RootMsg;
use crate::sink::{Sink, SinkError};
use acequia_core::cell::{BindError, Cell, CellTurn, map_inputs};
use acequia_core::fault::guarded;
use acequia_core::graph::GraphDecl;
use acequia_core::id::{AccumulatorName, GraphName, PackageName, ReactorName, TerminalName};
use acequia_core::reactor::{ReactorDecl, ReactorDeclError};
use acequia_sdk::Package;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A package, or an engine, that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A reactor's declaration is wrong.
    #[error(transparent)]
    Reactor(#[from] ReactorDeclError),
    /// A graph does not fit its reactor.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A sink does not fit.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A name is taken.
    #[error(
        "E0410: package {package} declares {what} {name}, which package {owner} owns already; rename one of them"
    )]
    NameTaken {
        /// The package that was refused.
        package: PackageName,
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// Who has it.
        owner: PackageName,
    },
    /// A graph is bound to a reactor that is not there.
    #[error(
        "E0411: reactor '{reactor}' not loaded; the publishing package must load before its subscribers (package {package}, graph {graph})"
    )]
    ReactorNotLoaded {
        /// The package that was refused.
        package: PackageName,
        /// Its graph.
        graph: GraphName,
        /// The reactor.
        reactor: ReactorName,
    },
    /// A child did not come up.
    #[error("E0412: package {package} did not come up: {reason}; nothing of it is left running")]
    Child {
        /// The package.
        package: PackageName,
        /// What failed.
        reason: String,
    },
    /// The engine's own root did not come up.
    #[error("E0413: the engine did not come up: {reason}")]
    Root {
        /// What failed.
        reason: String,
    },
    /// The engine is stopping.
    #[error("E0414: the engine is stopping; deploy to a running one")]
    Stopping,
}

/// A sink that could not be attached.
pub type AttachError = SinkError;

type Sinks = Vec<(GraphName, TerminalName, Sink)>;

impl Engine {
    /// Bring one more package up, live, with sinks for its graphs.
    ///
    /// # Errors
    /// [`StartError`], naming what is wrong; then nothing of the package is left.
    pub async fn deploy(&self, package: Package, sinks: Sinks) -> Result<(), StartError> {
        self.deploy_all(vec![package], sinks).await
    }

    pub(super) async fn deploy_all(&self, packages: Vec<Package>, sinks: Sinks) -> Result<(), StartError> {
        let _one = self.inner.deploying.lock().await;
        if self.inner.env.is_stopping() {
            return Err(StartError::Stopping);
        }
        self.check_sinks(&packages, &sinks)?;
        let mut names = Vec::new();
        for package in packages {
            self.check(&package)?;
            let name = package.name().clone();
            self.prepare(package).await?;
            names.push(name);
        }
        // Sinks come before the first event: nothing is armed yet.
        for (graph, terminal, sink) in sinks {
            self.attach_now(graph, terminal, sink).await?;
        }
        for package in names {
            self.ask_root(|reply| RootMsg::Activate { package, reply }).await;
        }
        Ok(())
    }

    /// Everything that can be refused is refused here.
    fn check(&self, package: &Package) -> Result<(), StartError> {
        let directory = &self.inner.directory;
        let taken = |what, name: String, owner: PackageName| {
            Err(StartError::NameTaken { package: package.name().clone(), what, name, owner })
        };
        let mut own_accumulators: HashSet<&AccumulatorName> = HashSet::new();
        let mut own_reactors: HashMap<&ReactorName, &ReactorDecl> = HashMap::new();
        for reactor in package.reactors() {
            reactor.resolve()?;
            let owner = directory.reactors.get(&reactor.name).map(|entry| entry.package.clone());
            if let Some(owner) = owner {
                return taken("reactor", reactor.name.to_string(), owner);
            }
            if own_reactors.insert(&reactor.name, reactor).is_some() {
                return taken("reactor", reactor.name.to_string(), package.name().clone());
            }
            for accumulator in &reactor.accumulators {
                let owner =
                    directory.accumulators.get(&accumulator.name).map(|entry| entry.cell.name().clone());
                let owner =
                    owner.and_then(|reactor| directory.reactors.get(&reactor).map(|e| e.package.clone()));
                if let Some(owner) = owner {
                    return taken("accumulator", accumulator.name.to_string(), owner);
                }
                if !own_accumulators.insert(&accumulator.name) {
                    return taken("accumulator", accumulator.name.to_string(), package.name().clone());
                }
            }
        }
        let mut own_graphs = HashSet::new();
        for graph in package.graphs() {
            let owner = directory.graphs.get(&graph.name).map(|entry| entry.package.clone());
            if let Some(owner) = owner {
                return taken("graph", graph.name.to_string(), owner);
            }
            if !own_graphs.insert(&graph.name) {
                return taken("graph", graph.name.to_string(), package.name().clone());
            }
            self.check_graph(package, graph, &own_reactors)?;
        }
        Ok(())
    }

    /// Sinks must find their terminal, their type, and the accumulator that they feed.
    fn check_sinks(&self, packages: &[Package], sinks: &Sinks) -> Result<(), StartError> {
        let directory = &self.inner.directory;
        for (graph, terminal, sink) in sinks {
            let own = packages.iter().flat_map(Package::graphs).find(|decl| decl.name == *graph).cloned();
            let decl = own.or_else(|| directory.graphs.get(graph).map(|entry| entry.decl.clone()));
            let Some(decl) = decl else {
                return Err(SinkError::UnknownGraph { graph: graph.clone() }.into());
            };
            terminal_of(&decl, terminal, sink)?;
            let Some(target) = sink.target() else { continue };
            let declared =
                packages.iter().flat_map(Package::reactors).any(|reactor| reactor.source(target).is_some());
            if !declared && !directory.accumulators.contains_key(target) {
                let (graph, terminal, accumulator) = (graph.clone(), terminal.clone(), target.clone());
                return Err(SinkError::UnknownAccumulator { graph, terminal, accumulator }.into());
            }
        }
        Ok(())
    }

    fn check_graph(
        &self,
        package: &Package,
        graph: &GraphDecl,
        own: &HashMap<&ReactorName, &ReactorDecl>,
    ) -> Result<(), StartError> {
        let Some(reactor) = &graph.reactor else { return Ok(()) };
        if let Some(decl) = own.get(reactor) {
            map_inputs(decl, graph)?;
            return Ok(());
        }
        let loaded = self.inner.directory.reactors.get(reactor).map(|entry| entry.decl.clone());
        match loaded {
            Some(decl) => Ok(map_inputs(&decl, graph).map(|_| ())?),
            None => Err(StartError::ReactorNotLoaded {
                package: package.name().clone(),
                graph: graph.name.clone(),
                reactor: reactor.clone(),
            }),
        }
    }

    /// The cells of a package. The authors' code makes the parts: a panic in it refuses the package
    /// before a name is taken.
    fn cells(&self, package: &Package) -> Result<Vec<Cell>, StartError> {
        let slow = self.inner.env.settings.slow_firing;
        let made =
            guarded(|| Ok(package.reactors().iter().map(|decl| Cell::new(decl.clone(), slow)).collect()));
        let cells: Result<Vec<Cell>, ReactorDeclError> = made.map_err(|failure| StartError::Child {
            package: package.name().clone(),
            reason: format!("a part could not be made: {failure}"),
        })?;
        Ok(cells?)
    }

    /// Make cells, take names, start actors; nothing is armed.
    async fn prepare(&self, package: Package) -> Result<(), StartError> {
        let name = package.name().clone();
        let mut offsets = HashMap::new();
        for (decl, cell) in package.reactors().iter().zip(self.cells(&package)?) {
            let number = self.inner.next_shard.fetch_add(1, Ordering::Relaxed) % self.inner.shards.len();
            let cell =
                SharedCell::new(cell, Arc::clone(&self.inner.env), Arc::clone(&self.inner.shards[number]));
            for (source, accumulator) in decl.accumulators.iter().enumerate() {
                offsets.insert(accumulator.name.clone(), Arc::default());
                let entry = AccumulatorEntry { cell: Arc::clone(&cell), source, event: accumulator.event };
                self.inner.directory.accumulators.insert(accumulator.name.clone(), entry);
            }
            let entry = ReactorEntry { package: name.clone(), decl: decl.clone(), cell, actor: None };
            self.inner.directory.reactors.insert(decl.name.clone(), entry);
        }
        for decl in package.graphs() {
            let entry = GraphEntry { package: name.clone(), decl: decl.clone(), actor: None };
            self.inner.directory.graphs.insert(decl.name.clone(), entry);
        }
        let args = Box::new(PackageArgs {
            package: Arc::new(package),
            directory: Arc::clone(&self.inner.directory),
            offsets: Arc::new(offsets),
            env: Arc::clone(&self.inner.env),
        });
        let started = self.ask_root(|reply| RootMsg::Start { args, reply }).await;
        let reason = match started {
            Some(Ok(())) => return Ok(()),
            Some(Err(reason)) => reason,
            None => "the root did not answer".to_owned(),
        };
        self.inner.directory.remove(&name);
        Err(StartError::Child { package: name, reason })
    }

    /// Attach a sink to a terminal of a running graph.
    ///
    /// # Errors
    /// [`AttachError`], naming what does not fit.
    pub async fn attach(
        &self,
        graph: impl Into<GraphName>,
        terminal: impl Into<TerminalName>,
        sink: Sink,
    ) -> Result<(), AttachError> {
        let _one = self.inner.deploying.lock().await;
        self.attach_now(graph.into(), terminal.into(), sink).await
    }

    async fn attach_now(
        &self,
        graph: GraphName,
        terminal: TerminalName,
        sink: Sink,
    ) -> Result<(), AttachError> {
        let Some(decl) = self.inner.directory.graphs.get(&graph).map(|entry| entry.decl.clone()) else {
            return Err(SinkError::UnknownGraph { graph });
        };
        let index = terminal_of(&decl, &terminal, &sink)?;
        let offered = decl.terminals[index].payload;
        let ring = match sink.target().cloned() {
            None => None,
            Some(target) => Some(self.feed(&decl, &terminal, &target)?),
        };
        let Some(resolved) = sink.resolve(&decl.terminals[index], ring) else {
            let wanted = "another type".to_owned();
            return Err(SinkError::TypeMismatch { graph, terminal, offered: offered.name(), wanted });
        };
        let Some(cell) = self.inner.directory.cell_of(&graph) else {
            return Err(SinkError::UnknownGraph { graph });
        };
        let shared = Arc::clone(&cell);
        let attached = cell
            .ask(move |state, _| {
                let elsewhere = state.attach(&graph, index, resolved);
                if let (Err(sink), Some(worker)) = (elsewhere, shared.workers().get(&graph)) {
                    worker.post(move |run, _| run.attach(index, sink));
                }
                ((), CellTurn::default())
            })
            .await;
        attached.ok_or(SinkError::Stopping)
    }

    /// The ring of the accumulator that a terminal feeds, unless that closes a circle.
    fn feed(
        &self,
        graph: &GraphDecl,
        terminal: &TerminalName,
        target: &AccumulatorName,
    ) -> Result<Arc<dyn acequia_core::accumulator::AnyRing>, SinkError> {
        let directory = &self.inner.directory;
        let Some(entry) = directory.accumulators.get(target).map(|entry| entry.clone()) else {
            return Err(SinkError::UnknownAccumulator {
                graph: graph.name.clone(),
                terminal: terminal.clone(),
                accumulator: target.clone(),
            });
        };
        if let Some(from) = &graph.reactor {
            let to = entry.cell.name().clone();
            if let Some(path) = self.path(&to, from) {
                return Err(SinkError::Cycle {
                    graph: graph.name.clone(),
                    terminal: terminal.clone(),
                    accumulator: target.clone(),
                    path: format!("{from} -> {path}"),
                });
            }
            directory.feeds.insert((from.clone(), to), ());
        }
        Ok(entry.cell.ring(entry.source).clone())
    }

    /// How events get from one reactor to another through sinks, if they do.
    pub(super) fn path(&self, from: &ReactorName, to: &ReactorName) -> Option<String> {
        let mut ways = vec![vec![from.clone()]];
        let mut seen = HashSet::from([from.clone()]);
        while let Some(way) = ways.pop() {
            let last = way[way.len() - 1].clone();
            if last == *to {
                return Some(way.iter().map(ReactorName::as_str).collect::<Vec<_>>().join(" -> "));
            }
            for feed in self.inner.directory.feeds.iter().filter(|feed| feed.key().0 == last) {
                let next = feed.key().1.clone();
                if seen.insert(next.clone()) {
                    ways.push(way.iter().cloned().chain([next]).collect());
                }
            }
        }
        None
    }
}

/// Position of a terminal that takes this sink.
fn terminal_of(decl: &GraphDecl, terminal: &TerminalName, sink: &Sink) -> Result<usize, SinkError> {
    let graph = decl.name.clone();
    let Some(index) = decl.terminals.iter().position(|known| known.name == *terminal) else {
        let known = decl.terminals.iter().map(|known| known.name.clone()).collect();
        return Err(SinkError::UnknownTerminal { graph, terminal: terminal.clone(), known });
    };
    let offered = decl.terminals[index].payload;
    match sink.payload_type().filter(|wanted| !wanted.fits(offered)) {
        None => Ok(index),
        Some(wanted) => {
            let (offered, wanted, terminal) = (offered.name(), wanted.name().to_owned(), terminal.clone());
            Err(SinkError::TypeMismatch { graph, terminal, offered, wanted })
        }
    }
}
