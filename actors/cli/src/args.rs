//! What can be written on the command line.

use acequia::store::journal::RecordKind;
use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;

/// Acequia: reactive dataflow in packages, and what it keeps on disk.
#[derive(Debug, Parser)]
#[command(
    name = "acequia",
    version,
    after_help = "Exit codes: 0 done, 1 the system or cargo failed, 2 not understood, 3 not there, 5 refused, 6 a store is damaged, 7 a replay came to something else."
)]
pub(crate) struct Args {
    /// Answer with one JSON object.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write, build, pack, sign, check and inspect packages.
    #[command(subcommand)]
    Package(PackageCommand),
    /// Check, export and import what an engine keeps on disk, while no engine has it open.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Go through what a journal recorded again, and tell what comes to something else.
    Replay(Replay),
    /// Show what an event, a firing or a turn comes from, and what came of it.
    Why(Why),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replay {
    /// The folder that the engine was given for its journal.
    pub(crate) journal: PathBuf,
    /// No further than this record.
    #[arg(long, value_name = "LSN", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) until: u64,
    /// With the code of this package, a folder or an archive: the one that wrote the journal, or another version of it.
    /// May be repeated; a reactor needs those whose graphs are bound to it, too. Without, those that the engine keeps
    /// beside its journal.
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) package: Vec<PathBuf>,
    /// Tell so many differences of each reactor in full.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) examples: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Why {
    /// The folder that the engine was given for its journal.
    pub(crate) journal: PathBuf,
    /// An id in 32 hexadecimal digits, or the LSN of a record.
    pub(crate) id: String,
    /// Follow so many steps in each direction.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) depth: usize,
    /// Show so many branches at each step; the others are counted.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub(crate) breadth: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Read all of a store and say whether anything is lost. Nothing is written.
    Check(StoreCheck),
    /// Print the records of a journal as NDJSON, one a line. Nothing is written.
    Export(StoreExport),
    /// Make a new store of such lines, record by record the same.
    Import(StoreImport),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreCheck {
    /// The folder that the engine was given for its journal.
    pub(crate) folder: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreExport {
    /// The folder that the engine was given for its journal.
    pub(crate) folder: PathBuf,
    /// Only this stream: its number in hexadecimal, or the name of an accumulator or a reactor. May be repeated.
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Vec<String>,
    /// Only this kind of record, as event, turn or checkpoint. May be repeated.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<RecordKind>,
    /// Begin at this record.
    #[arg(long, value_name = "LSN", default_value_t = 0)]
    pub(crate) from: u64,
    /// End with this record.
    #[arg(long, value_name = "LSN", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) to: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreImport {
    /// The folder to make the store in: one that is not there, or empty.
    pub(crate) folder: PathBuf,
    /// Read the lines from this file instead of the standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Leave so many bytes of the disk free.
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    pub(crate) keep_free: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Write a package that builds as it is.
    New(New),
    /// Build its library with cargo, and put it where `pack` finds it.
    Build(Build),
    /// Write its archive, NAME-VERSION.acequia.
    Pack(Pack),
    /// Make a pair of keys to sign packages with.
    Keygen(Keygen),
    /// Sign a package, in place.
    Sign(Sign),
    /// Say of a set of packages whether they can be loaded together.
    Check(Check),
    /// Show what is in a package.
    Inspect(Inspect),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct New {
    /// Its name: letters, digits, `-` and `_`.
    pub(crate) name: String,
    /// The folder to write it into; one of its name, if not given.
    #[arg(long)]
    pub(crate) path: Option<PathBuf>,
    /// Depend on the sdk in this folder instead of a released one.
    #[arg(long)]
    pub(crate) sdk: Option<PathBuf>,
    /// Bind a graph to a reactor of that package instead of declaring a reactor.
    #[arg(long, value_name = "PACKAGE", requires = "reactor", requires = "reads")]
    pub(crate) subscriber_of: Option<String>,
    /// The reactor to bind to.
    #[arg(long, requires = "subscriber_of")]
    pub(crate) reactor: Option<String>,
    /// The accumulator to read there; its boundaries are taken as `f64`.
    #[arg(long, value_name = "ACCUMULATOR", requires = "subscriber_of")]
    pub(crate) reads: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Build {
    /// The package's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Build without optimizations.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Build for another target than this host's.
    #[arg(long)]
    pub(crate) target: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Pack {
    /// The package's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Where to write the archive; the package's folder, if not given.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Keygen {
    /// The file for the secret key; the public one goes beside it, as FILE.pub.
    pub(crate) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Sign {
    /// The package, as a folder or an archive.
    #[arg(default_value = ".")]
    pub(crate) package: PathBuf,
    /// The file of the secret key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// Whom packages are taken from, as an engine would be told.
#[derive(Debug, ClapArgs)]
pub(crate) struct Signers {
    /// Trust this public key, given as text or as its file.
    #[arg(long, value_name = "KEY")]
    pub(crate) trust: Vec<String>,
    /// Refuse what this public key signed.
    #[arg(long, value_name = "KEY")]
    pub(crate) revoked: Vec<String>,
    /// Refuse packages that are not signed.
    #[arg(long)]
    pub(crate) signed: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// Packages, as folders or archives.
    #[arg(required = true)]
    pub(crate) packages: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) signers: Signers,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// A package, as a folder or an archive.
    pub(crate) package: PathBuf,
    #[command(flatten)]
    pub(crate) signers: Signers,
}
