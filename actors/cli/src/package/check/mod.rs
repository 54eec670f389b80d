//! `package check`: whether a set of packages can be loaded together, as far as files and declarations tell.
//!
//! `files` judges what is in the archives; `declarations` judges what their libraries declare, where they
//! can be looked into; `plan` plans their load as an engine does. What depends on what an engine has loaded
//! stays open, and is said.

mod declarations;
mod files;
mod plan;

use super::declared::{self, Declared, Loader};
use super::{Answer, signers, table};
use crate::args::Check;
use crate::error::{self, CommandError};
use crate::exit::Exit;
use acequia_host::Verified;
use serde_json::json;

/// What is said about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The package, or the path that should have been one.
    pub package: String,
    /// What was looked at.
    pub subject: String,
    /// How it stands.
    pub verdict: Verdict,
    /// In words, with what to do.
    pub text: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In order.
    Fits,
    /// Depends on what an engine has loaded.
    Open,
    /// Refused.
    Refused,
}

impl Verdict {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Open => "open",
            Self::Refused => "refused",
        }
    }
}

pub(crate) fn run(check: &Check, loader: Option<&dyn Loader>) -> Result<Answer, CommandError> {
    let trust = signers::trust(&check.signers)?;
    let mut lines = Vec::new();
    let (mut set, mut outlines) = (Vec::new(), Vec::new());
    for path in &check.packages {
        let looked_at = Verified::open(path).map_err(Into::into).and_then(|package| {
            // Before its library is mapped.
            trust.judge(&package)?;
            let declared = declared::of(&package, loader)?;
            Ok::<_, CommandError>((package, declared))
        });
        match looked_at {
            Ok(candidate) => {
                outlines.extend(declared::outline(&candidate.0, loader));
                set.push(candidate);
            }
            Err(error) => lines.push(Line {
                package: path.display().to_string(),
                subject: "package".to_owned(),
                verdict: Verdict::Refused,
                text: error::whole(&error),
            }),
        }
    }
    lines.extend(judge(&set));
    if !outlines.is_empty() && outlines.len() == check.packages.len() {
        lines.extend(plan::judge(&outlines));
    }
    Ok(answer(&lines))
}

/// Judge a set of packages, each with what its library declares, where that is known.
pub fn judge(set: &[(Verified, Option<Declared>)]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, (package, declared)) in set.iter().enumerate() {
        let before = &set[..at];
        lines.extend(files::judge(package, before, set));
        match declared {
            Some(declared) => lines.extend(declarations::judge(package, declared, before, set)),
            None => lines.push(line(
                package,
                "declarations",
                Verdict::Open,
                "the library was not looked into; the engine does so at load",
            )),
        }
    }
    lines
}

fn line(package: &Verified, subject: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Line {
    Line { package: package.name().to_string(), subject: subject.into(), verdict, text: text.into() }
}

fn answer(lines: &[Line]) -> Answer {
    let n_refused = lines.iter().filter(|line| line.verdict == Verdict::Refused).count();
    let n_open = lines.iter().filter(|line| line.verdict == Verdict::Open).count();
    let exit = if n_refused == 0 { Exit::Done } else { Exit::Refused };
    let rows = lines.iter().map(|line| {
        vec![line.package.clone(), line.subject.clone(), line.verdict.as_str().to_owned(), line.text.clone()]
    });
    let summary = match (n_refused, n_open) {
        (0, 0) => "the set can be loaded".to_owned(),
        (0, n_open) => format!("nothing is refused; {n_open} left to the engine at load"),
        (n_refused, _) => format!("{n_refused} refused; put them right and check again"),
    };
    let in_json = |line: &Line| json!({ "package": line.package, "subject": line.subject, "verdict": line.verdict.as_str(), "text": line.text });
    Answer {
        text: format!("{}\n{summary}", table(&["package", "subject", "verdict", ""], rows)),
        json: json!({
            "ok": n_refused == 0,
            "refused": n_refused,
            "open": n_open,
            "lines": lines.iter().map(in_json).collect::<Vec<_>>(),
        }),
        exit,
    }
}
