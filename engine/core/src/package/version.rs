//! The version of a package: what tells one state of its contents from another.

use super::Package;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The version of a package. For a library it is the hash of its contents; for a package in the same
/// process it is a label, or derived.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(Arc<str>);

impl Version {
    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version of a package in the same process that states none: a hash over its declarations and
    /// `marker`, which is another for another build of the program. Within one process two packages with
    /// the same declarations have the same derived version, whatever their functions do: label them.
    pub fn derived(package: &Package, marker: &str) -> Self {
        let mut hash = Fnv::new();
        let written = write!(
            hash,
            "{marker}|{}|{:?}|{:?}|{:?}|{:?}|{:?}",
            package.name(),
            package.stated_release(),
            package.requirements(),
            package.crons(),
            package.polls(),
            package.workflows()
        );
        debug_assert!(written.is_ok(), "hashing cannot fail");
        for reactor in package.reactors() {
            let _ = write!(hash, "|{}|{:?}|{:?}", reactor.name, reactor.criteria, reactor.strategy);
            for accumulator in &reactor.accumulators {
                let _ = write!(
                    hash,
                    "|{}|{:?}|{}|{}|{}|{:?}",
                    accumulator.name,
                    accumulator.kind,
                    accumulator.event.name(),
                    accumulator.boundary.name(),
                    accumulator.capacity,
                    accumulator.overflow
                );
            }
        }
        for graph in package.graphs() {
            let _ = write!(hash, "|{}|{:?}|{:?}", graph.name, graph.reactor, graph.placement);
            for input in graph.inputs.iter() {
                let _ = write!(hash, "|{}|{}|{:?}", input.accumulator, input.payload.name(), input.presence);
            }
            for terminal in graph.terminals.iter() {
                let _ = write!(hash, "|{}|{}", terminal.name, terminal.payload.name());
            }
        }
        Self(format!("derived-{:032x}", hash.0).into())
    }
}

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Version {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// FNV-1a over 128 bits: it tells versions apart, it protects nothing.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::accumulator::AccumulatorDecl;
    use crate::package::{Package, Version};
    use crate::reactor::{ReactorDecl, when_any};

    fn package(accumulator: AccumulatorDecl) -> Package {
        Package::new("p").reactor(ReactorDecl::new("R", vec![accumulator], when_any(["a"])))
    }

    #[test]
    fn a_derived_version_follows_declarations_and_build() {
        let one = package(AccumulatorDecl::passthrough::<u64>("a"));
        assert_eq!(one.version_in("build 1"), one.clone().version_in("build 1"));
        assert_ne!(one.version_in("build 1"), one.version_in("build 2"));
        let other_type = package(AccumulatorDecl::passthrough::<u32>("a"));
        assert_ne!(one.version_in("build 1"), other_type.version_in("build 1"));
        assert_eq!(one.version("2.0").version_in("build 1"), Version::from("2.0"));
    }
}
