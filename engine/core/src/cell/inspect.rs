//! Looking inside a cell, as JSON for people.

use super::Cell;
use super::seat::Seated;
use crate::graph::ABSENT;

impl Cell {
    /// Cache, flags, queues, subscribers and the last firings, as JSON.
    pub fn inspect(&self) -> serde_json::Value {
        let cache = self.policy.cache();
        let sources: Vec<serde_json::Value> = (0..self.columns.len())
            .map(|source| {
                let accumulator = &self.decl.accumulators[source];
                let index = cache[source];
                let value = if index == ABSENT {
                    serde_json::Value::Null
                } else {
                    self.columns[source].json(index as usize)
                };
                serde_json::json!({
                    "name": accumulator.name.as_str(),
                    "kind": format!("{:?}", accumulator.kind).to_lowercase(),
                    "cache": value,
                    "dirty": self.policy.dirty().contains(source),
                    "queue": self.policy.pending(source),
                    "ring": self.slots[source].ring().len(),
                    "in_hand": self.slots[source].in_hand(),
                    "quarantined": self.slots[source].is_quarantined(),
                })
            })
            .collect();
        let subscribers: Vec<serde_json::Value> = self
            .seats
            .iter()
            .map(|seat| {
                serde_json::json!({
                    "graph": seat.name.as_str(),
                    "package": seat.package.as_str(),
                    "seated": seated_text(&seat.seated),
                    "waiting": seat.delivery.waiting(),
                    "in_hand": seat.delivery.in_hand(),
                })
            })
            .collect();
        let firings: Vec<serde_json::Value> = self.log.last(10).iter().map(firing_json).collect();
        serde_json::json!({
            "reactor": self.decl.name.as_str(),
            "strategy": format!("{:?}", self.decl.strategy).to_lowercase(),
            "paused": self.policy.is_paused(),
            "blocked": self.blocked,
            "firings": self.next_firing,
            "sources": sources,
            "subscribers": subscribers,
            "last_firings": firings,
        })
    }
}

fn seated_text(seated: &Seated) -> String {
    match seated {
        Seated::InPlace => "in place".to_owned(),
        Seated::Detached => "detached".to_owned(),
        Seated::Out => "out".to_owned(),
        Seated::Quarantined(reason) => format!("quarantined: {reason}"),
    }
}

fn firing_json(record: &super::log::FiringRecord) -> serde_json::Value {
    let outcomes: serde_json::Map<String, serde_json::Value> = record
        .outcomes
        .iter()
        .map(|outcome| (outcome.graph.to_string(), format!("{:?}", outcome.outcome).into()))
        .collect();
    serde_json::json!({
        "id": record.id.0,
        "cause": format!("{:?}", record.cause),
        "inputs": record.inputs.iter().map(|input| input.map(|id| id.0)).collect::<Vec<_>>(),
        "outcomes": outcomes,
    })
}
