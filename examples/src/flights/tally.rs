//! The table of a durable run: tallies are durable accumulators, so that a crash takes nothing from them.
//!
//! ```text
//! severe ─▶ severe_tally ┐                  airports.by_origin ─▶ airports_tally ┐
//! late ───▶ late_tally ──┼─ Tallies ─ table                pace.measured ─▶ rows_tally ──┼─ Tallies
//! on_time ▶ on_time_tally┘                       bulletin.news ─▶ news_tally ────┘
//! ```

use super::flow::{News, Pace};
use super::gather::Gathered;
use super::hour::AirportHour;
use super::live::Live;
use acequia::core::graph::GraphBuildError;
use acequia::{
    AccumulatorDecl, EngineBuilder, GraphBuilder, GraphDecl, Kind, Payload, ReactorDecl, Sink, Stateful,
    Strategy, when_any,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Departures that were late beyond measure.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Severe {
    n: u64,
    longest_min: i32,
}

/// What one run of [`Tally`] has summed up, as the engine carries it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Hours(Vec<AirportHour>, u64, u64);

/// Bulletins, the two that stand out, and how often they were one.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Bulletins {
    n: u64,
    same: u64,
    best: Option<(AirportHour, AirportHour)>,
}

/// An accumulator that adds every event to a sum, and hands the sum on.
fn tally<E: Payload, S: Payload + Default>(
    name: &str,
    add: impl Fn(&mut S, &E) + Send + Sync + Copy + 'static,
) -> AccumulatorDecl {
    AccumulatorDecl::new(name, Kind::Stream, move || {
        Stateful::new(S::default(), move |sum: &mut S, event: &E| {
            add(sum, event);
            Ok(Some(sum.clone()))
        })
    })
}

fn add_hours(sum: &mut Hours, airports: &Vec<AirportHour>) {
    for airport in airports {
        let known = sum.0.iter_mut().find(|known| known.origin == airport.origin);
        match known {
            Some(known) => {
                known.flights += airport.flights;
                known.delay_min += airport.delay_min;
                known.over_15 += airport.over_15;
            }
            None => sum.0.push(*airport),
        }
        sum.1 += 1;
        sum.2 = sum.2.wrapping_add(airport.hour().digest());
    }
}

fn add_news(sum: &mut Bulletins, news: &News) {
    sum.n += 1;
    sum.same += u64::from(news.busiest.origin == news.worst.origin);
    let (mut busiest, mut worst) = sum.best.unwrap_or((news.busiest, news.worst));
    if news.busiest.hour().is_busier(&busiest.hour()) {
        busiest = news.busiest;
    }
    if news.worst.hour().is_worse(&worst.hour()) {
        worst = news.worst;
    }
    sum.best = Some((busiest, worst));
}

/// Name of the reactor over all tallies.
pub(super) const TALLIES: &str = "Tallies";

/// Fires whenever a sum has changed; only the newest matters.
pub(super) fn reactor() -> ReactorDecl {
    let count = |sum: &mut u64, (): &()| *sum += 1;
    let severe = |sum: &mut Severe, minutes: &i32| {
        sum.n += 1;
        sum.longest_min = sum.longest_min.max(*minutes);
    };
    let tallies = vec![
        tally::<i32, Severe>("severe_tally", severe),
        tally::<(), u64>("late_tally", count),
        tally::<(), u64>("on_time_tally", count),
        tally::<Pace, u64>("rows_tally", |sum, pace| *sum += pace.rows),
        tally::<Vec<AirportHour>, Hours>("airports_tally", add_hours),
        tally::<News, Bulletins>("news_tally", add_news),
    ];
    let names: Vec<_> = tallies.iter().map(|tally| tally.name.clone()).collect();
    ReactorDecl::new(TALLIES, tallies, when_any(names)).strategy(Strategy::Latest)
}

/// All sums as one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Table {
    severe: Severe,
    late: u64,
    on_time: u64,
    rows: u64,
    hours: Hours,
    bulletins: Bulletins,
}

/// Puts the sums together.
pub(super) fn graph() -> Result<GraphDecl, GraphBuildError> {
    let mut graph = GraphBuilder::new("tallied");
    let severe = graph.source::<Severe>("severe_tally").optional();
    let late = graph.source::<u64>("late_tally").optional();
    let on_time = graph.source::<u64>("on_time_tally").optional();
    let rows = graph.source::<u64>("rows_tally").optional();
    let hours = graph.source::<Hours>("airports_tally").optional();
    let bulletins = graph.source::<Bulletins>("news_tally").optional();
    let table = graph.node("table", (severe, late, on_time, rows, hours, bulletins), |sums| {
        let (severe, late, on_time, rows, hours, bulletins) = sums;
        Table {
            severe: severe.copied().unwrap_or_default(),
            late: late.copied().unwrap_or_default(),
            on_time: on_time.copied().unwrap_or_default(),
            rows: rows.copied().unwrap_or_default(),
            hours: hours.cloned().unwrap_or_default(),
            bulletins: bulletins.copied().unwrap_or_default(),
        }
    });
    graph.terminal(table);
    Ok(graph.build()?.on(TALLIES))
}

/// Holds the newest table.
#[derive(Default)]
pub(super) struct Newest(Mutex<Table>);

impl Newest {
    /// The result, once the engine has stopped.
    pub(super) fn end(&self) -> Gathered {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut gathered = Gathered {
            n_bulletins: table.bulletins.n,
            busiest_was_worst: table.bulletins.same,
            longest_min: table.severe.longest_min,
            ..Gathered::default()
        };
        let summary = &mut gathered.summary;
        (summary.rows, summary.n_windows, summary.windows) = (table.rows, table.hours.1, table.hours.2);
        summary.alerts.severe = table.severe.n;
        (summary.alerts.late, summary.alerts.on_time) = (table.late, table.on_time);
        summary.busiest = table.bulletins.best.map(|(busiest, _)| busiest.hour());
        summary.worst = table.bulletins.best.map(|(_, worst)| worst.hour());
        for airport in table.hours.0.iter().map(AirportHour::hour) {
            let totals = summary.airports.entry(airport.origin).or_default();
            (totals.flights, totals.delay_min) = (airport.flights, airport.delay_min);
            totals.over_15 = airport.over_15;
        }
        gathered
    }
}

/// Send what the terminals yield to the tallies, and the tallies' table to whoever holds the newest.
pub(super) fn attach(builder: EngineBuilder, live: &Arc<Live>) -> (Arc<Newest>, EngineBuilder) {
    let live = Arc::clone(live);
    let measured = move |pace: &Pace| live.came_through(pace.rows, pace.over_15, pace.minute);
    let newest = Arc::<Newest>::default();
    let holder = Arc::clone(&newest);
    let told = move |table: &Table| {
        table.clone_into(&mut holder.0.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let builder = builder
        .sink("alerts", "severe", Sink::accumulator("severe_tally"))
        .sink("alerts", "late", Sink::accumulator("late_tally"))
        .sink("alerts", "on_time", Sink::accumulator("on_time_tally"))
        .sink("alerts", "departed", Sink::accumulator("delays"))
        .sink("alerts", "departed", Sink::accumulator("hours"))
        .sink("pace", "measured", Sink::callback(measured))
        .sink("pace", "measured", Sink::accumulator("rows_tally"))
        .sink("airports", "by_origin", Sink::accumulator("airports_tally"))
        .sink("airports", "busiest", Sink::accumulator("busiest_of_hour"))
        .sink("airports", "worst", Sink::accumulator("worst_of_hour"))
        .sink("bulletin", "news", Sink::accumulator("news_tally"))
        .sink("tallied", "table", Sink::callback(told));
    (newest, builder)
}
