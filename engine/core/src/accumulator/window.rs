//! Window: events grouped by their own time into panes; a pane closes when the watermark passes it.
//!
//! The watermark is the newest event time seen, less the allowed lateness. An event whose every pane
//! has closed is late: it goes to the late output and is counted as dropped(late). Terms as in Akidau
//! et al., "The Dataflow Model" (VLDB 2015).

use super::{Accumulator, Emitter, Eviction, Exported, Fate, Incoming, Released};
use crate::fault::Failure;
use crate::ledger::Dropped;
use crate::payload::Payload;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

/// How events are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

#[derive(Clone)]
struct Pane<E> {
    end: Timestamp,
    events: Vec<E>,
    // Events for which this is the last pane: they settle when it closes.
    owned: u64,
}

/// Panes that are open, the newest time, and when a pane can be closed.
type Open<E> = (BTreeMap<Timestamp, Pane<E>>, Timestamp, Option<Timestamp>);

/// Where late events go, besides being counted.
pub type LateOutput<E> = Box<dyn FnMut(E) + Send>;

/// Groups events into panes and hands each closed pane to the user's function.
pub struct Window<E, B, T, F> {
    shape: WindowShape,
    lateness: Duration,
    time_of: T,
    function: F,
    panes: BTreeMap<Timestamp, Pane<E>>,
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

    /// Starts of the fixed panes that contain `time`, oldest first.
    fn starts(&self, time: Timestamp) -> (Vec<Timestamp>, Duration) {
        let (size, slide) = match self.shape {
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

    /// Put `event` into its fixed panes that are still open; hands it back if there are none.
    fn place(&mut self, event: E, time: Timestamp) -> Result<(), E> {
        // The common case: the event's only pane is the newest one.
        if matches!(self.shape, WindowShape::Tumbling { .. })
            && let Some(mut last) = self.panes.last_entry()
            && *last.key() <= time
            && time < last.get().end
        {
            last.get_mut().owned += 1;
            last.get_mut().events.push(event);
            return Ok(());
        }
        let watermark = self.watermark();
        let (starts, size) = self.starts(time);
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
        self.panes.entry(start).or_insert_with(|| Pane {
            end: start.after(size),
            events: Vec::new(),
            owned: 0,
        })
    }

    /// Put `event` into its session, joining those that it connects; hands it back if late.
    fn place_in_session(&mut self, event: E, time: Timestamp, gap: Duration) -> Result<(), E> {
        let end = time.after(gap);
        let watermark = self.watermark();
        if end <= watermark {
            return Err(event);
        }
        let touching: Vec<Timestamp> = self
            .panes
            .range(..=end)
            .rev()
            .take_while(|(_, pane)| pane.end >= time && pane.end > watermark)
            .map(|(start, _)| *start)
            .collect();
        let mut joined = Pane { end, events: Vec::new(), owned: 1 };
        let mut start = time;
        for key in touching.into_iter().rev() {
            if let Some(pane) = self.panes.remove(&key) {
                start = start.min(key);
                joined.end = joined.end.max(pane.end);
                joined.owned += pane.owned;
                joined.events.extend(pane.events);
            }
        }
        joined.events.push(event);
        self.panes.insert(start, joined);
        Ok(())
    }

    /// Close the oldest pane that ends at or before `horizon`: one a call, so that a failure concerns
    /// one pane.
    fn close_one(&mut self, horizon: Timestamp, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        let Some((start, pane)) = self.panes.iter().find(|(_, pane)| pane.end <= horizon) else {
            self.closable = None;
            return Ok(Released::default());
        };
        let start = *start;
        let boundary = (self.function)(Span { start, end: pane.end }, &pane.events)?;
        let owned = self.panes.remove(&start).map_or(0, |pane| pane.owned);
        let more = self.panes.first_key_value().is_some_and(|(_, pane)| pane.end <= horizon);
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

impl<E, B, T, F> Accumulator for Window<E, B, T, F>
where
    E: Payload,
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
            let watermark = self.watermark();
            if self.panes.first_key_value().is_some_and(|(_, pane)| pane.end <= watermark) {
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

    fn export(&self) -> Option<Exported> {
        Some(Box::new((self.panes.clone(), self.newest, self.closable)))
    }

    fn import(&mut self, state: Exported) -> Result<(), Exported> {
        (self.panes, self.newest, self.closable) = *state.downcast::<Open<E>>()?;
        Ok(())
    }

    fn evict(&mut self, what: Eviction) -> Vec<E> {
        let horizon = match what {
            Eviction::All => Timestamp::MAX,
            Eviction::Failing => match self.panes.values().map(|pane| pane.end).min() {
                Some(first) => first,
                None => return Vec::new(),
            },
        };
        let ending: Vec<Timestamp> =
            self.panes.iter().filter(|(_, pane)| pane.end <= horizon).map(|(start, _)| *start).collect();
        let mut given_up = Vec::new();
        for start in ending {
            let Some(pane) = self.panes.remove(&start) else { continue };
            let all_owned = pane.owned == pane.events.len() as u64;
            // An event is given up once, with the last of its panes.
            given_up.extend(
                pane.events
                    .into_iter()
                    .filter(|event| all_owned || self.starts((self.time_of)(event)).0.last() == Some(&start)),
            );
        }
        if self.panes.is_empty() {
            self.closable = None;
        }
        given_up
    }
}
