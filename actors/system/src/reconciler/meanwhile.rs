//! What goes on while an unload drains: loads that have nothing to do with it.

use super::Reconciler;
use super::failpoint::Halt;
use super::transaction::Transaction;

impl Reconciler {
    /// Wait for `drained`, and meanwhile carry out the loads that were asked for. One that concerns what `transaction` takes down
    /// waits, and so does whatever was asked after it, other unloads too: requests keep their order.
    pub(super) async fn serving_loads(
        &self,
        transaction: &Transaction,
        drained: impl Future<Output = ()>,
    ) -> Result<(), Halt> {
        let mut drained = std::pin::pin!(drained);
        loop {
            let next = self.args.desk.next_load(|load| {
                !load.packages.iter().any(|(package, _)| transaction.plan.concerns(package))
            });
            tokio::select! {
                biased;
                () = &mut drained => return Ok(()),
                load = next => Box::pin(self.load(load)).await?,
            }
        }
    }
}
