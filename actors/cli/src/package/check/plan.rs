//! What planning the load of a set tells: the rules of the engine itself, over an engine that has nothing.

use super::{Line, Verdict};
use acequia_core::cell::BindError;
use acequia_core::package::{Package, Version};
use acequia_core::reconcile::{Actual, Desired, Problem, plan_load};

/// Plan the load of all of `outlines` as one. What the other judges say already is left to them, and what an
/// engine may have loaded stays open.
pub(super) fn judge(outlines: &[Package]) -> Vec<Line> {
    let packages = outlines.iter().map(|package| (package, Version::from(package.name().as_str())));
    let desired = Desired { packages: packages.collect(), sinks: Vec::new() };
    match plan_load(&Actual::default(), &desired) {
        Ok(plan) => vec![line(Verdict::Fits, format!("{} step(s) in precedence order", plan.steps.len()))],
        Err(refusal) => {
            let new = refusal.problems.iter().filter(|problem| !is_said_elsewhere(problem));
            new.map(|problem| line(Verdict::Refused, problem.to_string())).collect()
        }
    }
}

fn is_said_elsewhere(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::NameTaken { .. }
            | Problem::Twice { .. }
            | Problem::ReactorNotLoaded { .. }
            | Problem::RequirementAbsent { .. }
            | Problem::OtherPublisher { .. }
            | Problem::Bind(BindError::MissingAccumulators { .. } | BindError::TypeMismatch { .. })
    )
}

fn line(verdict: Verdict, text: String) -> Line {
    Line { package: "the set".to_owned(), subject: "plan".to_owned(), verdict, text }
}
