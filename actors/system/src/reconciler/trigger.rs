//! The step of a trigger. Its name is reserved by the plan, and its schedule was read there; nothing of it
//! runs before workflows do.

use super::failpoint::Halt;
use acequia_core::id::TriggerName;

#[expect(clippy::unnecessary_wraps, reason = "each kind of step prepares alike")]
pub(super) fn prepare(trigger: &TriggerName) -> Result<(), Halt> {
    tracing::debug!(%trigger, "trigger reserved");
    Ok(())
}

pub(super) fn activate(trigger: &TriggerName) {
    tracing::debug!(%trigger, "trigger listed");
}

pub(super) fn drop(trigger: &TriggerName) {
    tracing::debug!(%trigger, "trigger released");
}
