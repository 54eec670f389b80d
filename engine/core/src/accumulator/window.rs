//! Window: events grouped by their own time into panes; a pane closes when the watermark passes it.
//!
//! The watermark is the newest event time seen, less the allowed lateness. An event whose every pane
//! has closed is late: it goes to the late output and is counted as dropped(late). Terms as in Akidau
//! et al., "The Dataflow Model" (VLDB 2015).

use super::{
    Accumulator, Emitter, Eviction, Exported, Fate, ImportError, Incoming, OpenPane, OpenPanes, Released,
    Tuning,
};
use crate::fault::Failure;
use crate::ledger::Dropped;
use crate::payload::Payload;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

/// How events are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowShape {
    /// Panes of `size` side by side, aligned to the Unix epoch.
    Tumbling {
        /// Length of a pane.
        size: Duration,
    },
    /// Panes of `size`, one every `slide`.
    Sliding {
        /// Length of a pane.
        size: Duration,
        /// Distance between the starts of two panes.
        slide: Duration,
    },
    /// A pane ends where no event came for `gap`.
    Session {
        /// Silence that ends a pane.
        gap: Duration,
    },
}

/// The span of event time that a pane covers: `start <= t < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant in it.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// The first instant of a pane, the first one after it, and of which shape it is. An older version may have
/// left panes of another shape: they close as they are, and no event comes to them any more.
type Bounds = (Timestamp, Timestamp, WindowShape);

struct Pane<E> {
    events: Vec<E>,
    // Events for which this is the last pane: they settle when it closes.
    owned: u64,
}

/// Where late events go, besides being counted.
pub type LateOutput<E> = Box<dyn FnMut(E) + Send>;

/// Groups events into panes and hands each closed pane to the user's function.
pub struct Window<E, B, T, F> {
    shape: WindowShape,
    lateness: Duration,
    time_of: T,
    function: F,
    panes: BTreeMap<Bounds, Pane<E>>,
    // How many of them are of another shape.
    n_foreign: usize,
    newest: Timestamp,
    // A pane that passed the watermark waits for the tick that closes it.
    closable: Option<Timestamp>,
    now: Timestamp,
    late: Option<LateOutput<E>>,
    types: PhantomData<fn() -> B>,
}

impl<E, B, T, F> Window<E, B, T, F>
where
    E: Payload,
    T: Fn(&E) -> Timestamp,
    F: FnMut(Span, &[E]) -> Result<Option<B>, Failure>,
{
    /// A window whose events carry their time (`time_of`, since the Unix epoch).
    pub fn new(shape: WindowShape, lateness: Duration, time_of: T, function: F) -> Self {
        Self {
            shape,
            lateness,
            time_of,
            function,
            panes: BTreeMap::new(),
            n_foreign: 0,
            newest: Timestamp::MIN,
            closable: None,
            now: Timestamp::ZERO,
            late: None,
            types: PhantomData,
        }
    }

    /// Hand late events to `output`, besides counting them.
    #[must_use]
    pub fn late_output(mut self, output: LateOutput<E>) -> Self {
        self.late = Some(output);
        self
    }

    fn watermark(&self) -> Timestamp {
        if self.newest == Timestamp::MIN { Timestamp::MIN } else { self.newest.before(self.lateness) }
    }

    /// Whether the oldest pane, by its end, ends at or before `horizon`.
    fn is_closable(&self, horizon: Timestamp) -> bool {
        if self.n_foreign == 0 {
            return self.panes.first_key_value().is_some_and(|((_, end, _), _)| *end <= horizon);
        }
        self.panes.keys().any(|(_, end, _)| *end <= horizon)
    }

    /// Put `event` into its fixed panes that are still open; hands it back if there are none.
    fn place(&mut self, event: E, time: Timestamp) -> Result<(), E> {
        // The common case: the event's only pane is the newest one.
        if matches!(self.shape, WindowShape::Tumbling { .. })
            && let Some(mut last) = self.panes.last_entry()
            && (last.key().0 <= time && time < last.key().1)
            && last.key().2 == self.shape
        {
            last.get_mut().owned += 1;
            last.get_mut().events.push(event);
            return Ok(());
        }
        let watermark = self.watermark();
        let (starts, size) = starts(self.shape, time);
        let open: Vec<Timestamp> = starts.into_iter().filter(|start| start.after(size) > watermark).collect();
        let Some((last, others)) = open.split_last() else {
            return Err(event);
        };
        for start in others {
            self.pane(*start, size).events.push(event.clone());
        }
        let pane = self.pane(*last, size);
        pane.events.push(event);
        pane.owned += 1;
        Ok(())
    }

    fn pane(&mut self, start: Timestamp, size: Duration) -> &mut Pane<E> {
        let bounds = (start, start.after(size), self.shape);
        self.panes.entry(bounds).or_insert(Pane { events: Vec::new(), owned: 0 })
    }

    fn remove(&mut self, bounds: &Bounds) -> Option<Pane<E>> {
        let pane = self.panes.remove(bounds)?;
        self.n_foreign -= usize::from(bounds.2 != self.shape);
        Some(pane)
    }

    /// Put `event` into its session, joining those that it connects; hands it back if late.
    fn place_in_session(&mut self, event: E, time: Timestamp, gap: Duration) -> Result<(), E> {
        let end = time.after(gap);
        let watermark = self.watermark();
        if end <= watermark {
            return Err(event);
        }
        let touching: Vec<Bounds> = self
            .panes
            .range(..=(end, Timestamp::MAX, self.shape))
            .rev()
            .map(|(bounds, _)| *bounds)
            .filter(|(_, _, shape)| *shape == self.shape)
            .take_while(|(_, end, _)| *end >= time && *end > watermark)
            .collect();
        let mut joined = Pane { events: Vec::new(), owned: 1 };
        let mut bounds = (time, end, self.shape);
        for touched in touching.into_iter().rev() {
            if let Some(pane) = self.panes.remove(&touched) {
                bounds = (bounds.0.min(touched.0), bounds.1.max(touched.1), self.shape);
                joined.owned += pane.owned;
                joined.events.extend(pane.events);
            }
        }
        joined.events.push(event);
        self.panes.insert(bounds, joined);
        Ok(())
    }

    /// Close the oldest pane that ends at or before `horizon`: one a call, so that a failure concerns
    /// one pane.
    fn close_one(&mut self, horizon: Timestamp, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        let Some((bounds, pane)) = self.panes.iter().find(|((_, end, _), _)| *end <= horizon) else {
            self.closable = None;
            return Ok(Released::default());
        };
        let bounds = *bounds;
        let boundary = (self.function)(Span { start: bounds.0, end: bounds.1 }, &pane.events)?;
        let owned = self.remove(&bounds).map_or(0, |pane| pane.owned);
        let more = self.is_closable(horizon);
        if !more {
            self.closable = None;
        }
        Ok(match boundary {
            Some(boundary) => {
                out.emit(boundary);
                Released { handed_on: owned, filtered: 0, more }
            }
            None => Released { handed_on: 0, filtered: owned, more },
        })
    }
}

/// Starts of the fixed panes that contain `time`, oldest first, and their length.
fn starts(shape: WindowShape, time: Timestamp) -> (Vec<Timestamp>, Duration) {
    let (size, slide) = match shape {
        WindowShape::Tumbling { size } => (size, size),
        // Panes further apart than they are long would lose what falls between.
        WindowShape::Sliding { size, slide } => (size, slide.min(size)),
        WindowShape::Session { gap } => (gap, gap),
    };
    let slide = slide.max(Duration::from_nanos(1));
    let step = i64::try_from(slide.as_nanos()).unwrap_or(i64::MAX);
    let last = Timestamp::from_nanos(time.as_nanos().div_euclid(step).saturating_mul(step));
    let mut starts = Vec::new();
    let mut start = last;
    while start.after(size) > time {
        starts.push(start);
        let earlier = start.before(slide);
        if earlier == start {
            break;
        }
        start = earlier;
    }
    starts.reverse();
    (starts, size)
}

impl<E, B, T, F> Accumulator for Window<E, B, T, F>
where
    E: Payload,
    OpenPanes<E>: Payload,
    B: Payload,
    T: Fn(&E) -> Timestamp + Send + 'static,
    F: FnMut(Span, &[E]) -> Result<Option<B>, Failure> + Send + 'static,
{
    type Event = E;
    type Boundary = B;

    fn accept(&mut self, event: Incoming<'_, E>, _out: &mut Emitter<'_, B>) -> Result<Fate<B>, Failure> {
        let time = (self.time_of)(event.get());
        self.now = event.now();
        let event = event.take();
        let placed = match self.shape {
            WindowShape::Session { gap } => self.place_in_session(event, time, gap),
            _ => self.place(event, time),
        };
        if let Err(event) = placed {
            if let Some(late) = &mut self.late {
                late(event);
            }
            return Ok(Fate::Dropped(Dropped::Late));
        }
        if time > self.newest {
            self.newest = time;
            if self.is_closable(self.watermark()) {
                self.closable = Some(self.now);
            }
        }
        Ok(Fate::Held)
    }

    fn due(&self) -> Option<Timestamp> {
        self.closable
    }

    fn tick(&mut self, _now: Timestamp, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        self.close_one(self.watermark(), out)
    }

    fn flush(&mut self, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        self.close_one(Timestamp::MAX, out)
    }

    fn held(&self) -> u64 {
        self.panes.values().map(|pane| pane.owned).sum()
    }

    fn export(&self, _now: Timestamp) -> Result<Option<Exported>, Failure> {
        let panes = self.panes.iter().map(|((start, end, shape), pane)| OpenPane {
            start: start.as_nanos(),
            end: end.as_nanos(),
            shape: (*shape).into(),
            events: pane.events.clone(),
            owned: pane.owned,
        });
        let newest = (self.newest != Timestamp::MIN).then(|| self.newest.as_nanos());
        Ok(Some(Exported::of(OpenPanes { newest, panes: panes.collect() })))
    }

    fn import(&mut self, state: Exported, now: Timestamp) -> Result<(), ImportError> {
        let OpenPanes { newest, panes } = state.take::<OpenPanes<E>>()?;
        self.panes.clear();
        self.n_foreign = 0;
        for OpenPane { start, end, shape, events, owned } in panes {
            if start > end || owned > events.len() as u64 {
                return Err(ImportError::unsound(format_args!(
                    "a pane from {start} to {end} owns {owned} events"
                )));
            }
            let bounds = (Timestamp::from_nanos(start), Timestamp::from_nanos(end), shape.into());
            self.n_foreign += usize::from(bounds.2 != self.shape);
            if self.panes.insert(bounds, Pane { events, owned }).is_some() {
                return Err(ImportError::unsound(format_args!("two panes from {start} to {end}")));
            }
        }
        self.newest = newest.map_or(Timestamp::MIN, Timestamp::from_nanos);
        self.closable = self.is_closable(self.watermark()).then_some(now);
        Ok(())
    }

    fn tune(&mut self, tuning: &Tuning) {
        self.shape = tuning.shape.unwrap_or(self.shape);
        self.lateness = tuning.lateness.unwrap_or(self.lateness);
    }

    fn evict(&mut self, what: Eviction) -> Vec<E> {
        let horizon = match what {
            Eviction::All => Timestamp::MAX,
            Eviction::Failing => match self.panes.keys().map(|(_, end, _)| *end).min() {
                Some(first) => first,
                None => return Vec::new(),
            },
        };
        let ending: Vec<Bounds> = self.panes.keys().filter(|(_, end, _)| *end <= horizon).copied().collect();
        let mut given_up = Vec::new();
        for bounds in ending {
            let Some(pane) = self.remove(&bounds) else { continue };
            let all_owned = pane.owned == pane.events.len() as u64;
            // An event is given up once, with the last of its panes.
            given_up.extend(pane.events.into_iter().filter(|event| {
                all_owned || starts(bounds.2, (self.time_of)(event)).0.last() == Some(&bounds.0)
            }));
        }
        if self.panes.is_empty() {
            self.closable = None;
        }
        given_up
    }
}
