//! Sending new work to another loaded version: an upgrade towards it, whichever is the newer one.

use super::commit::Deploy;
use super::error::DeployError;
use super::point::DeployPoint;
use super::register::Register;
use super::request::Reply;
use super::write::wall;
use acequia_core::catalog::{Answer, Author, Command, Operation, Refusal, Selector};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use std::sync::Arc;

impl Register {
    pub(super) async fn route(
        self: &Arc<Self>,
        package: PackageName,
        version: Selector,
        expected: Option<Version>,
        by: Author,
        reply: Reply,
    ) {
        self.points.reach(DeployPoint::RouteIntent);
        let command = Command::new(by, wall(), Operation::Route { package, version, expected });
        let routed = self.carry_route(&command).await;
        self.answer(&command, reply, routed).await;
    }

    async fn carry_route(self: &Arc<Self>, command: &Command) -> Result<Answer, DeployError> {
        let package = command.operation.package();
        let decision = self.decide(command)?;
        let Answer::Routed { version, .. } = &decision.answer else {
            unreachable!("a route is answered as one")
        };
        let version = version.clone();
        let declared = self.declarations(package, &version).await;
        let invalid = |reason| Refusal::Invalid { package: package.clone(), reason };
        let declared = declared.map_err(invalid)?;
        self.commit_load(declared, &version, decision, Deploy::Route).await
    }
}
