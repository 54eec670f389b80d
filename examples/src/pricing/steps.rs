//! One step of the tutorial, as it is told.

use serde::Serialize;

/// What was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What was done; `signal` for a signal that came.
    pub step: String,
    /// Whether it went through.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The signal, which may be null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<serde_json::Value>,
}

impl Step {
    pub(super) fn done(step: impl Into<String>) -> Self {
        Self { step: step.into(), ok: true, error: None, signal: None }
    }

    pub(super) fn failed(step: impl Into<String>, error: String) -> Self {
        Self { ok: false, error: Some(error), ..Self::done(step) }
    }

    pub(super) fn signal(ratio: Option<f64>) -> Self {
        Self { signal: Some(ratio.into()), ..Self::done("signal") }
    }
}
