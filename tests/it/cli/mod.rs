//! The command line, called as a library; once as a process, for its exit codes.

mod build;
mod check;
mod files;
mod new;
mod scaffold;
mod sign;
pub(crate) mod store;

use acequia_cli::declared::{Accumulator, Declared, Graph, Loader, Reactor, Schema};
use acequia_cli::{Console, Exit};
use acequia_core::accumulator::Kind;
use acequia_host::TARGET;
use acequia_tests::Folder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What a command said.
pub(crate) struct Said {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// It went as expected, and said all of `parts`.
    #[track_caller]
    pub(crate) fn says(&self, exit: Exit, parts: &[&str]) {
        assert_eq!(self.exit, exit, "{}{}", self.out, self.err);
        let all = format!("{}{}", self.out, self.err);
        for part in parts {
            assert!(all.contains(part), "{all:?} lacks {part:?}");
        }
    }
}

pub(crate) fn run(args: &[&str]) -> Said {
    run_with(args, None)
}

fn run_with(args: &[&str], loader: Option<&dyn Loader>) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("acequia").chain(args.iter().copied()).map(OsString::from);
    let exit = acequia_cli::run_with(args, &mut Console::new(&mut out, &mut err), loader);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { exit, out: text(out), err: text(err) }
}

/// Folders of packages, made by hand.
struct Packages {
    folder: Folder,
}

impl Packages {
    fn new() -> Self {
        Self { folder: Folder::new().unwrap() }
    }

    /// A package with a library for this host, whose bytes are its name.
    fn package(&self, name: &str, rest: &str) -> PathBuf {
        let folder = self.folder.join(name);
        write(
            &folder.join("package.toml"),
            &format!("[package]\nname = \"{name}\"\nversion = \"1.2.0\"\n{rest}"),
        );
        write(&folder.join(format!("lib/{TARGET}/lib{name}.so")), name);
        folder
    }

    fn root(&self) -> PathBuf {
        self.folder.join("")
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Knows libraries by their bytes.
#[derive(Default)]
struct Known(BTreeMap<Vec<u8>, Declared>);

impl Known {
    fn with(mut self, declared: Declared) -> Self {
        self.0.insert(declared.package.as_str().as_bytes().to_vec(), declared);
        self
    }
}

impl Loader for Known {
    fn declared(&self, library: &[u8]) -> Result<Declared, Box<dyn std::error::Error + Send + Sync>> {
        self.0.get(library).cloned().ok_or_else(|| "this is no library".into())
    }
}

fn schema(name: &str) -> Schema {
    Schema { name: name.to_owned(), hash: format!("hash of {name}") }
}

/// Declares `PriceReactor` over `raw_prices`.
fn publisher() -> Declared {
    let raw = Accumulator { name: "raw_prices".into(), kind: Kind::Passthrough, boundary: schema("f64") };
    Declared {
        package: "publisher".into(),
        reactors: vec![Reactor { name: "PriceReactor".into(), accumulators: vec![raw] }],
        graphs: Vec::new(),
        own_runtime: true,
        canonical: b"publisher".to_vec(),
    }
}

/// Declares `price_consumer` on `PriceReactor`, reading `accumulator` as `type_name`.
fn subscriber(accumulator: &str, type_name: &str) -> Declared {
    let graph = Graph {
        name: "price_consumer".into(),
        reactor: Some("PriceReactor".into()),
        reads: vec![(accumulator.into(), schema(type_name))],
    };
    Declared {
        package: "subscriber".into(),
        reactors: Vec::new(),
        graphs: vec![graph],
        own_runtime: false,
        canonical: b"subscriber".to_vec(),
    }
}
