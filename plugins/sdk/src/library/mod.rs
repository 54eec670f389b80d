//! A package as a native library: its declarations as data, its parts behind the C interface.
//!
//! `package!` puts [`Exported`] behind the exported symbol. Nothing here is called in process.

mod accumulator;
mod declare;
mod graph;
mod log;
mod runtime;
mod source;
mod tuning;
mod types;

use crate::services::HostServices;
use crate::{AccumulatorDecl, Failure, FailureKind, GraphDecl, Package};
use acequia_abi::{
    AccumulatorCall, Fault, FaultKind, Library, LibraryAccumulator, LibraryFuture, LibraryGraph,
    LibrarySource, RemotePush, Runtime, StateCall, Turn, ValueForm, Writer,
};
use acequia_core::wire::Values;
use runtime::Home;
use std::marker::PhantomData;
use std::sync::Arc;

/// What `package!` implements.
pub trait AuthorPackage: Send + Sync + 'static {
    /// The declarations.
    fn package() -> Package;

    /// The author's hook, before the library is used.
    ///
    /// # Errors
    /// What the hook said; the package is refused.
    fn init() -> Result<(), Failure> {
        Ok(())
    }
}

/// The library of the package `P`.
pub struct Exported<P> {
    home: Arc<Home>,
    accumulators: Vec<AccumulatorDecl>,
    graphs: Vec<GraphDecl>,
    author: PhantomData<fn() -> P>,
}

impl<P: AuthorPackage> Library for Exported<P> {
    fn declare() -> Result<Vec<u8>, Fault> {
        let declaration = declare::package(&P::package())?;
        serde_json::to_vec(&declaration).map_err(Fault::error)
    }

    fn init(services: Arc<dyn HostServices>) -> Result<Self, Fault> {
        Self::init_on(services, Runtime::Engine)
    }

    fn init_on(services: Arc<dyn HostServices>, runtime: Runtime) -> Result<Self, Fault> {
        log::listen();
        let package = P::package();
        let home = Arc::new(Home::new(services, runtime, package.name())?);
        home.call(P::init).map_err(|failure| fault(&failure))?;
        let accumulators = package.reactors().iter().flat_map(|reactor| reactor.accumulators.iter().cloned());
        Ok(Self {
            accumulators: accumulators.collect(),
            graphs: package.graphs().to_vec(),
            home,
            author: PhantomData,
        })
    }

    fn graph(&self, index: usize) -> Result<Box<dyn LibraryGraph>, Fault> {
        let decl = self.graphs.get(index).ok_or_else(|| absent("graph", index))?;
        Ok(self.served(self.home.call(|| graph::Graph::new(decl))))
    }

    fn accumulator(&self, index: usize, tuning: Option<&[u8]>) -> Result<Box<dyn LibraryAccumulator>, Fault> {
        let decl = self.accumulators.get(index).ok_or_else(|| absent("accumulator", index))?;
        let tuned = match tuning {
            Some(tuning) => &decl.clone().tune(tuning::read(tuning)?).map_err(Fault::error)?,
            None => decl,
        };
        Ok(self.served(self.home.call(|| accumulator::Part::new(tuned))))
    }

    fn source(
        &self,
        index: usize,
        push: RemotePush,
        resume_after: Option<u64>,
    ) -> Result<LibrarySource, Fault> {
        let decl = self.accumulators.get(index).and_then(|decl| decl.source.as_ref());
        let decl = decl.ok_or_else(|| absent("source", index))?;
        let made = self.home.call(|| source::start(decl, push, resume_after))?;
        let home = Arc::clone(&self.home);
        Ok(match made {
            LibrarySource::Run(run) => LibrarySource::Run(home.run(run)),
            LibrarySource::Poll { interval, mut ask } => {
                let ask = Box::new(move || home.run(home.call(&mut ask)));
                LibrarySource::Poll { interval, ask }
            }
        })
    }

    fn value(index: usize, form: ValueForm, bytes: &[u8], reply: &mut Vec<u8>) -> Result<(), Fault> {
        types::of::<P>().value(index, form, bytes, reply)
    }

    fn stop(&self) {
        self.home.stop();
    }
}

impl<P> Exported<P> {
    fn served<T>(&self, part: T) -> Box<Served<T>> {
        Box::new(Served { home: Arc::clone(&self.home), part })
    }
}

/// A part whose calls and futures run at home in its instance.
struct Served<T> {
    home: Arc<Home>,
    part: T,
}

impl<T> Served<T> {
    fn served(
        &mut self,
        call: impl FnOnce(&mut T) -> Result<Option<LibraryFuture>, Fault>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        let rest = self.home.call(|| call(&mut self.part))?;
        Ok(rest.map(|rest| self.home.run(rest)))
    }
}

impl<T: LibraryGraph> LibraryGraph for Served<T> {
    fn turn(&mut self, turn: &Turn<'_>, reply: &mut Vec<u8>) -> Result<Option<LibraryFuture>, Fault> {
        self.served(|part| part.turn(turn, reply))
    }

    fn turn_with_origins(
        &mut self,
        turn: &Turn<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        self.served(|part| part.turn_with_origins(turn, reply))
    }
}

impl<T: LibraryAccumulator> LibraryAccumulator for Served<T> {
    fn call(
        &mut self,
        call: &AccumulatorCall<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<Option<LibraryFuture>, Fault> {
        self.served(|part| part.call(call, reply))
    }

    fn export(&self, now: i64, reply: &mut Vec<u8>) -> Result<(), Fault> {
        self.home.call(|| self.part.export(now, reply))
    }

    fn import(&mut self, call: &StateCall<'_>, reply: &mut Vec<u8>) -> Result<(), Fault> {
        self.home.call(|| self.part.import(call, reply))
    }
}

fn absent(what: &str, index: usize) -> Fault {
    Fault::error(format_args!("the package has no {what} at {index}"))
}

/// Append how many values there are, and the values.
fn write_values(values: &Values, writer: &mut Writer<'_>) {
    writer.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
    // They lie there as a writer would put them, one by one.
    writer.room().extend_from_slice(values.framed());
}

/// A failure as it crosses.
fn fault(failure: &Failure) -> Fault {
    let kind = match failure.kind {
        FailureKind::Panic => FaultKind::Panic,
        FailureKind::TimedOut => FaultKind::TimedOut,
        FailureKind::Undecodable => FaultKind::Undecodable,
        FailureKind::Error => FaultKind::Error,
    };
    Fault { kind, node: failure.node.map(str::to_owned), message: failure.message.clone() }
}
