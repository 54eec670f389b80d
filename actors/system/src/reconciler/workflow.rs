//! The step of a workflow. Its name is reserved by the plan, and its subscriptions were resolved there;
//! runs come with the workflows themselves.

use super::failpoint::Halt;
use acequia_core::id::WorkflowName;

#[expect(clippy::unnecessary_wraps, reason = "each kind of step prepares alike")]
pub(super) fn prepare(workflow: &WorkflowName) -> Result<(), Halt> {
    tracing::debug!(%workflow, "workflow reserved");
    Ok(())
}

pub(super) fn activate(workflow: &WorkflowName) {
    tracing::debug!(%workflow, "workflow listed");
}

pub(super) fn drop(workflow: &WorkflowName) {
    tracing::debug!(%workflow, "workflow released");
}
