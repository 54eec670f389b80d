//! What the catalog notes, and nobody else has to do anything about: a drain, its end, a quarantine.

use super::error::DeployError;
use super::register::Register;
use super::request::Reply;
use acequia_core::catalog::{Answer, Command};
use std::sync::Arc;

impl Register {
    pub(super) async fn note(self: &Arc<Self>, command: &Command, reply: Reply) {
        let noted = self.carry_note(command).await;
        self.answer(command, reply, noted).await;
    }

    async fn carry_note(self: &Arc<Self>, command: &Command) -> Result<Answer, DeployError> {
        let decision = self.decide(command)?;
        self.write(decision.record.clone()).await?;
        Ok(decision.answer.clone())
    }
}
