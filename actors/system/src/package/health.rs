//! Health of a reactor, as its cell and its sources have it.

use crate::cell::SharedCell;
use acequia_core::health::Health;
use std::sync::Arc;

/// Health of a reactor, as its cell and its sources have it.
pub(crate) async fn health(cell: &Arc<SharedCell>) -> Option<Health> {
    if let Some(reason) = cell.quarantined() {
        return Some(Health::Quarantined { reason });
    }
    if !cell.is_armed() {
        return Some(Health::Starting);
    }
    let mut ready = Vec::new();
    for source in 0..cell.rings().len() {
        ready.push(cell.source_health(source).is_ready() && !is_out_upstream(cell, source).await);
    }
    let were_ready = cell.were_ready();
    cell.ask(move |state, _| (state.health(&ready, &were_ready), Default::default())).await
}

/// Whether the source is a share in an accumulator that is out of service.
async fn is_out_upstream(cell: &SharedCell, source: usize) -> bool {
    let Some(upstream) = cell.upstream(source) else { return false };
    let asked = upstream.ask(|state, _| (state.slots()[0].is_quarantined(), Default::default()));
    asked.await.unwrap_or(false)
}
