//! `acequia store`: what an engine left on disk is checked, printed and made anew.

mod check;
mod export;
mod import;
pub(crate) mod made;
mod mutations;
mod versions;
mod whole;

use super::{Said, run, text};
use std::path::Path;

fn store(command: &str, folder: &Path, rest: &[&str]) -> Said {
    let mut args = vec!["store", command, text(folder)];
    args.extend(rest);
    run(&args)
}

fn lines(said: &Said) -> Vec<serde_json::Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
