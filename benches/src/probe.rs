//! Figures that need a process of their own: memory, and allocations on a counting allocator.
//!
//! The program calls itself, or its counting twin, with a hidden flag; the child prints one number.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::error::BenchError;
use crate::harness::Variant;
use crate::workload::{SATURATED, latency, library, memory, saturated, wide};

/// What a child process measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Probe {
    Allocations,
    Resident,
    /// What a journal takes at the end.
    OnDisk,
    WideResident,
    /// Median latency of one way, for a profiler.
    Latency,
}

/// The program that is running.
pub(crate) fn this_program() -> Result<PathBuf, BenchError> {
    std::env::current_exe().map_err(|source| BenchError::Read { path: "/proc/self/exe".into(), source })
}

/// Asks a child process.
pub(crate) fn ask(program: &Path, probe: Probe, subject: &str, quick: bool) -> Result<f64, BenchError> {
    let failed = || BenchError::Probe { what: format!("{probe:?} of {subject}") };
    let name = probe.to_possible_value().ok_or_else(failed)?;
    let mut command = Command::new(program);
    command.args(["--probe", name.get_name(), "--subject", subject]).args(quick.then_some("--quick"));
    // Only stdout is the answer; the child explains itself on our stderr.
    let output = command.stderr(std::process::Stdio::inherit()).output().map_err(|_| failed())?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() { text.trim().parse().map_err(|_| failed()) } else { Err(failed()) }
}

/// In the child: measures.
pub(crate) fn answer(probe: Probe, subject: &str, quick: bool) -> Result<f64, BenchError> {
    match probe {
        Probe::Allocations => {
            saturated::count_allocations(&variant(subject)?, if quick { 20_000 } else { 100_000 })
        }
        Probe::Resident => memory::resident(subject, quick),
        Probe::OnDisk => memory::on_disk(subject, quick),
        Probe::Latency => latency::median_of(subject),
        Probe::WideResident => wide::resident_per_reactor(subject),
    }
}

/// The counting twin, brought up to date first. `None`, with a note, if it cannot be had.
///
/// `cargo run` builds one program only, hence the build here; it costs a moment if nothing changed.
pub(crate) fn counting_program() -> Option<PathBuf> {
    let program = this_program().ok()?.with_file_name("acequia-benches-counted");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--bin", "acequia-benches-counted", "--manifest-path"]);
        build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        build.args((!cfg!(debug_assertions)).then_some("--release"));
        if !build.status().ok()?.success() {
            return None;
        }
    }
    program.exists().then_some(program)
}

/// `workload/variant/mode`
fn variant(subject: &str) -> Result<Variant, BenchError> {
    let find = || {
        let mut parts = subject.split('/');
        let (id, name, mode) = (parts.next()?, parts.next()?, parts.next()?);
        let variants: Vec<Variant> = if id == "library" {
            library::variants().into()
        } else {
            let workload = SATURATED.into_iter().find(|workload| workload.id == id)?;
            (workload.baselines)().into_iter().chain((workload.ours)()).collect()
        };
        variants.into_iter().find(|variant| variant.name == name && variant.mode.as_str() == mode)
    };
    find().ok_or_else(|| BenchError::Subject { subject: subject.to_owned() })
}
