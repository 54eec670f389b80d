//! `[accumulators.NAME]`: what a manifest changes about an accumulator that the library declares.

use super::error::FlawKind;
use super::name::{self, Allowed};
use super::section::{Flaws, Section};
use crate::suggest::listed;
use acequia_core::Overflow;
use acequia_core::accumulator::{Kind, Tuning, WindowShape};
use acequia_core::durable::Guarantee;
use acequia_core::id::AccumulatorName;
use std::collections::BTreeMap;
use std::time::Duration;

/// Keys that every kind has.
const EVERY: [&str; 6] = ["kind", "capacity", "ring_capacity", "overflow", "attempts", "delivery"];
/// Keys of one kind.
const OWN: [(&str, Kind); 9] = [
    ("interval", Kind::Polling),
    ("flush_interval", Kind::Batch),
    ("max_buffer_size", Kind::Batch),
    ("window_capacity", Kind::State),
    ("tumbling", Kind::Window),
    ("sliding", Kind::Window),
    ("slide", Kind::Window),
    ("session", Kind::Window),
    ("lateness", Kind::Window),
];
const KINDS: [(&str, Kind); 6] = [
    ("passthrough", Kind::Passthrough),
    ("stream", Kind::Stream),
    ("polling", Kind::Polling),
    ("batch", Kind::Batch),
    ("state", Kind::State),
    ("window", Kind::Window),
];
const OVERFLOWS: [(&str, Overflow); 5] = [
    ("block", Overflow::Block),
    ("drop_newest", Overflow::DropNewest),
    ("drop_oldest", Overflow::DropOldest),
    ("coalesce", Overflow::Coalesce),
    ("dead_letter", Overflow::DeadLetter),
];
const DELIVERIES: [(&str, Guarantee); 3] = [
    (Guarantee::Fast.as_str(), Guarantee::Fast),
    (Guarantee::Durable.as_str(), Guarantee::Durable),
    (Guarantee::EffectivelyOnce.as_str(), Guarantee::EffectivelyOnce),
];
const TICK: Duration = Duration::from_millis(1);

/// What is changed. What is absent stays as the library declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Override {
    /// What it does.
    pub kind: Option<Kind>,
    /// Room in its ring, written `capacity`.
    pub capacity: Option<usize>,
    /// Room in its ring, written `ring_capacity`.
    pub ring_capacity: Option<usize>,
    /// What its full ring does.
    pub overflow: Option<Overflow>,
    /// How often an event is tried.
    pub attempts: Option<u32>,
    /// How far its events are guarded against a crash.
    pub delivery: Option<Guarantee>,
    /// Polling: time between two polls.
    pub interval: Option<Duration>,
    /// Batch: the oldest that it becomes.
    pub flush_interval: Option<Duration>,
    /// Batch: the largest that it becomes.
    pub max_buffer_size: Option<usize>,
    /// State: length of the window; -1 keeps all, 0 emits nothing.
    pub window_capacity: Option<i64>,
    /// Window: length of panes side by side.
    pub tumbling: Option<Duration>,
    /// Window: length of overlapping panes.
    pub sliding: Option<Duration>,
    /// Window: distance of overlapping panes.
    pub slide: Option<Duration>,
    /// Window: silence that ends a session.
    pub session: Option<Duration>,
    /// Window: how long a pane waits for late events.
    pub lateness: Option<Duration>,
}

/// An override that does not fit what the library declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// A key of another kind.
    #[error(
        "E0857: package.toml sets `{key}` of accumulator {accumulator}, which is a {kind}; {hint}; allowed are {allowed}"
    )]
    Key {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// The key.
        key: &'static str,
        /// The kind.
        kind: Kind,
        /// What to do.
        hint: String,
        /// The keys of that kind.
        allowed: String,
    },
    /// Another kind than the code's.
    #[error(
        "E0859: package.toml says that accumulator {accumulator} is a {wanted}, and in the code it is a {kind}, which follows from its function; leave `kind` out"
    )]
    Kind {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// What the manifest says.
        wanted: Kind,
        /// What it is.
        kind: Kind,
    },
    /// The package does not declare it.
    #[error(
        "E0858: package.toml overrides accumulator {accumulator}, which the library does not declare; it declares {declared}"
    )]
    Undeclared {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// Those that the library declares.
        declared: String,
    },
}

impl Override {
    /// The room of its ring, however it was written.
    pub fn ring(&self) -> Option<usize> {
        self.ring_capacity.or(self.capacity)
    }

    /// The settings of its kind that are changed.
    pub fn tuning(&self) -> Tuning {
        let shapes = [
            self.tumbling.map(|size| WindowShape::Tumbling { size }),
            self.sliding.zip(self.slide).map(|(size, slide)| WindowShape::Sliding { size, slide }),
            self.session.map(|gap| WindowShape::Session { gap }),
        ];
        Tuning {
            interval: self.interval,
            flush_interval: self.flush_interval,
            max_buffer_size: self.max_buffer_size,
            window_capacity: self.window_capacity,
            shape: shapes.into_iter().flatten().next(),
            lateness: self.lateness,
        }
    }

    /// Check what is set against the kind that the library declares.
    ///
    /// # Errors
    /// At the first key that means nothing to that kind, and if another kind is wanted.
    pub fn fits(&self, accumulator: &AccumulatorName, kind: Kind) -> Result<(), Misfit> {
        let accumulator = || accumulator.clone();
        if let Some(wanted) = self.kind.filter(|wanted| *wanted != kind) {
            return Err(Misfit::Kind { accumulator: accumulator(), wanted, kind });
        }
        match self.set().into_iter().find(|key| !belongs(key, kind)) {
            None => Ok(()),
            Some(key) => {
                let (hint, allowed) = (hint(key), listed(allowed(kind)));
                Err(Misfit::Key { accumulator: accumulator(), key, kind, hint, allowed })
            }
        }
    }

    /// The keys whose meaning depends on the kind.
    fn set(&self) -> Vec<&'static str> {
        let all = [
            ("capacity", self.capacity.is_some()),
            ("interval", self.interval.is_some()),
            ("flush_interval", self.flush_interval.is_some()),
            ("max_buffer_size", self.max_buffer_size.is_some()),
            ("window_capacity", self.window_capacity.is_some()),
            ("tumbling", self.tumbling.is_some()),
            ("sliding", self.sliding.is_some()),
            ("slide", self.slide.is_some()),
            ("session", self.session.is_some()),
            ("lateness", self.lateness.is_some()),
        ];
        all.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
    }
}

/// Whether every overridden accumulator is among those `declared`, and every key fits its kind.
pub(super) fn fit(
    overrides: &BTreeMap<AccumulatorName, Override>,
    declared: &[(AccumulatorName, Kind)],
) -> Result<(), Misfit> {
    for (name, change) in overrides {
        let Some((_, kind)) = declared.iter().find(|(known, _)| known == name) else {
            let declared = listed(declared.iter().map(|(name, _)| name.as_str()));
            return Err(Misfit::Undeclared { accumulator: name.clone(), declared });
        };
        change.fits(name, *kind)?;
    }
    Ok(())
}

fn belongs(key: &str, kind: Kind) -> bool {
    match OWN.iter().find(|(own, _)| *own == key) {
        Some((_, owner)) => *owner == kind,
        // In code, `capacity` of a state is its window, and here nobody could tell which is meant.
        None => key != "capacity" || kind != Kind::State,
    }
}

/// The keys of an accumulator of that kind.
fn allowed(kind: Kind) -> impl Iterator<Item = &'static str> {
    let every = EVERY.into_iter().filter(move |key| belongs(key, kind));
    let own = OWN.into_iter().filter(move |(_, owner)| *owner == kind).map(|(key, _)| key);
    every.chain(own)
}

fn hint(key: &str) -> String {
    match OWN.iter().find(|(own, _)| *own == key) {
        Some((_, owner)) => format!("it belongs to a {owner}"),
        None => "write `ring_capacity` or `window_capacity`".to_owned(),
    }
}

/// Read all tables under `[accumulators]`.
pub(super) fn read_all(section: &Section<'_>, flaws: &mut Flaws<'_>) -> BTreeMap<AccumulatorName, Override> {
    let mut overrides = BTreeMap::new();
    for (key, span, value) in section.entries() {
        if !name::check(key, Allowed::Item) {
            flaws.push(&span, name::flaw("accumulators", key, Allowed::Item));
            continue;
        }
        let Some(section) = value.section(format!("[accumulators.{key}]"), flaws) else { continue };
        overrides.insert(key.into(), read(&section, flaws));
    }
    overrides
}

fn read(section: &Section<'_>, flaws: &mut Flaws<'_>) -> Override {
    let known: Vec<&'static str> = EVERY.into_iter().chain(OWN.map(|(key, _)| key)).collect();
    section.allow(&known, flaws);
    let room = |key: &str, flaws: &mut Flaws<'_>| section.count(key, 1, flaws).map(|room| room as usize);
    let change = Override {
        kind: section.choice("kind", &KINDS, flaws),
        capacity: room("capacity", flaws),
        ring_capacity: room("ring_capacity", flaws),
        overflow: section.choice("overflow", &OVERFLOWS, flaws),
        attempts: section.count("attempts", 1, flaws),
        delivery: section.choice("delivery", &DELIVERIES, flaws),
        interval: section.duration("interval", TICK, flaws),
        flush_interval: section.duration("flush_interval", TICK, flaws),
        max_buffer_size: room("max_buffer_size", flaws),
        window_capacity: section.integer("window_capacity", -1..=1 << 24, flaws),
        tumbling: section.duration("tumbling", TICK, flaws),
        sliding: section.duration("sliding", TICK, flaws),
        slide: section.duration("slide", TICK, flaws),
        session: section.duration("session", TICK, flaws),
        lateness: section.duration("lateness", Duration::ZERO, flaws),
    };
    together(section, &change, flaws);
    change
}

/// Rules between keys.
fn together(section: &Section<'_>, change: &Override, flaws: &mut Flaws<'_>) {
    if let Some(kind) = change.kind {
        for key in change.set().into_iter().filter(|key| !belongs(key, kind)) {
            let span = section.get(key).map_or(section.span.clone(), |value| value.span);
            flaws.push(&span, FlawKind::Misfit { key: key.to_owned(), kind: kind.word(), hint: hint(key) });
        }
    }
    let shapes = [change.tumbling, change.sliding, change.session];
    let rules = [
        (
            change.capacity.is_some() && change.ring_capacity.is_some(),
            "`capacity` and `ring_capacity` are the same; keep one",
        ),
        (
            shapes.iter().flatten().count() > 1,
            "a window has one shape: `tumbling`, `sliding` with `slide`, or `session`",
        ),
        (
            change.delivery.is_some_and(Guarantee::is_durable)
                && change.overflow.is_some_and(|overflow| overflow != Overflow::Block),
            "a durable accumulator loses nothing that it has acknowledged; leave `overflow` out, or write `block`",
        ),
        (change.sliding.is_some() != change.slide.is_some(), "`sliding` and `slide` go together"),
        (
            matches!((change.sliding, change.slide), (Some(length), Some(distance)) if distance > length),
            "panes further apart than they are long would lose what falls between; `slide` by at most `sliding`",
        ),
    ];
    for (_, rule) in rules.into_iter().filter(|(is_broken, _)| *is_broken) {
        flaws.push(&section.span, FlawKind::Together { rule });
    }
}
