//! What the declarations of a set of packages tell.

use super::{Line, Verdict, line};
use crate::package::declared::{Declared, Graph, Reactor};
use acequia_core::id::AccumulatorName;
use acequia_host::Verified;
use acequia_host::manifest::Runtime;

/// Judge what one package of `set` declares; `before` are those that were judged already.
pub(super) fn judge(
    package: &Verified,
    declared: &Declared,
    before: &[(Verified, Option<Declared>)],
    set: &[(Verified, Option<Declared>)],
) -> Vec<Line> {
    let mut lines = Vec::new();
    if declared.package != *package.name() {
        let text = format!("the library calls itself {}; give both one name", declared.package);
        lines.push(line(package, "name", Verdict::Refused, text));
    }
    lines.push(match package.fits(&declared.accumulators()) {
        Ok(()) => line(
            package,
            "overrides",
            Verdict::Fits,
            format!("version {}", package.version(&declared.canonical)),
        ),
        Err(error) => line(package, "overrides", Verdict::Refused, error.to_string()),
    });
    lines.extend(runtime(package, declared));
    lines.extend(taken(package, declared, before));
    lines.extend(declared.graphs.iter().filter_map(|graph| binding(package, graph, declared, set)));
    lines
}

/// Where its futures run, if that is not where the engine's do.
fn runtime(package: &Verified, declared: &Declared) -> Option<Line> {
    let wants = package.manifest().package.runtime == Runtime::Own;
    let (verdict, text) = if declared.own_runtime {
        (Verdict::Fits, "a thread of its own, with a tokio on it, for as long as it is loaded")
    } else {
        (
            Verdict::Refused,
            "the library has none of its own; build it with the sdk's feature `own-runtime`, or leave out `runtime = \"own\"`",
        )
    };
    wants.then(|| line(package, "runtime", verdict, text.to_owned()))
}

/// Names that packages before it have.
fn taken(package: &Verified, declared: &Declared, before: &[(Verified, Option<Declared>)]) -> Vec<Line> {
    let mut lines = Vec::new();
    let own = names(declared);
    for (other, theirs) in before.iter().filter_map(|(other, theirs)| Some((other, theirs.as_ref()?))) {
        for name in names(theirs).into_iter().filter(|name| own.contains(name)) {
            let text = format!("package {} has it already; rename one of them", other.name());
            lines.push(line(package, name, Verdict::Refused, text));
        }
    }
    lines
}

/// Every name with its kind.
fn names(declared: &Declared) -> Vec<String> {
    let reactors = declared.reactors.iter().map(|reactor| format!("reactor {}", reactor.name));
    let accumulators = declared.accumulators().into_iter().map(|(name, _)| format!("accumulator {name}"));
    let graphs = declared.graphs.iter().map(|graph| format!("graph {}", graph.name));
    reactors.chain(accumulators).chain(graphs).collect()
}

/// A graph against the reactor that it is bound to.
fn binding(
    package: &Verified,
    graph: &Graph,
    own: &Declared,
    set: &[(Verified, Option<Declared>)],
) -> Option<Line> {
    let wanted = graph.reactor.as_ref()?;
    let subject = format!("graph {}", graph.name);
    let all = std::iter::once(own).chain(set.iter().filter_map(|(_, declared)| declared.as_ref()));
    let found = all.flat_map(|declared| &declared.reactors).find(|reactor| reactor.name == *wanted);
    let Some(reactor) = found else {
        let text = format!(
            "no package of the set has reactor {wanted}; the publishing package must load before its subscribers"
        );
        return Some(line(package, subject, Verdict::Open, text));
    };
    Some(match contract(graph, reactor) {
        None => line(package, subject, Verdict::Fits, format!("bound to reactor {wanted}")),
        Some(breach) => {
            let text = format!("of package {} cannot be bound to reactor {wanted}: {breach}", package.name());
            line(package, subject, Verdict::Refused, text)
        }
    })
}

/// What the graph reads must be among what the reactor offers, of the same schema.
fn contract(graph: &Graph, reactor: &Reactor) -> Option<String> {
    let offered =
        |name: &AccumulatorName| reactor.accumulators.iter().find(|accumulator| accumulator.name == *name);
    let missing: Vec<&str> = graph
        .reads
        .iter()
        .filter(|(name, _)| offered(name).is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if !missing.is_empty() {
        let offers: Vec<&str> =
            reactor.accumulators.iter().map(|accumulator| accumulator.name.as_str()).collect();
        return Some(format!("it reads {missing:?}, and the reactor offers {offers:?}"));
    }
    graph.reads.iter().find_map(|(name, wanted)| {
        let found = &offered(name)?.boundary;
        (found.hash != wanted.hash).then(|| {
            format!(
                "it takes {name} for {} (schema {}), and it is {} (schema {})",
                wanted.name, wanted.hash, found.name, found.hash
            )
        })
    })
}
