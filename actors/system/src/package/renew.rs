//! Renewing: after an upgrade, actors that hold code of their own are replaced by those of the new version.

use super::spawn::{spawn_accumulator, spawn_graph};
use super::{PackageMsg, PackageState};
use ractor::{ActorRef, SpawnErr};

impl PackageState {
    /// Reactors have nothing of their own that a version could change; accumulators have their source.
    pub(super) async fn on_renew(&mut self, myself: &ActorRef<PackageMsg>) {
        let (parent, deadline) = (myself.get_cell(), self.args.env.settings.call_deadline);
        for entry in self.args.members.graphs() {
            let name = format!("graph {}", entry.decl.name);
            if let Some(child) = self.children.find(&name) {
                // A new version clears what the old one had earned.
                self.quarantined.remove(&child);
                self.children.pardon(child);
            }
            let renewed =
                self.children.replace(&name, spawn_graph(&self.args, entry), &parent, deadline).await;
            self.renewed(&name, renewed);
        }
        for entry in self.args.members.cells() {
            for source in 0..entry.decl.accumulators.len() {
                let args = self.accumulator_args(&entry, source);
                if args.decl.is_none() {
                    continue;
                }
                let name = format!("accumulator {}", args.name);
                let renewed = self.children.replace(&name, spawn_accumulator(args), &parent, deadline).await;
                self.renewed(&name, renewed);
            }
        }
    }

    fn renewed(&self, child: &str, renewed: Result<(), SpawnErr>) {
        if let Err(error) = renewed {
            let package = self.args.members.name();
            tracing::error!(%package, %child, %error, "the old actor stays until its next restart");
        }
    }
}
