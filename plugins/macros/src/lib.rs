//! The attribute macros of Acequia: accumulators, reactors and computation graphs from plain functions,
//! structs and modules. Use them through `acequia-sdk` or `acequia`.
//!
//! Nothing but entry points stands here: what a macro does is in the module of its noun. A mistake is a
//! compile error on the token that is wrong.

mod accumulator;
mod args;
mod graph;
mod krate;
mod reactor;
mod suggest;
mod types;

use accumulator::KindOf;
use proc_macro::TokenStream;

/// An accumulator that makes at most one boundary of each event.
///
/// The function takes the event as `T` or `&T` (which saves a copy), may be `async`, and returns the
/// boundary `B`, `Option<B>` (`None` drops the event), `Result<B, E>` or `Result<Option<B>, E>`, with an
/// error that has a text. It stays callable as it is; a type of its name joins it, which `#[reactor]`
/// knows it by. A function that only hands on its argument costs neither a call nor a copy.
///
/// Options, which all accumulator macros share: `name = "…"` (else the function's), `capacity = 512`
/// (room in its ring, in events), `overflow = block` (or `drop_newest`, `drop_oldest`, `coalesce`,
/// `dead_letter`), `attempts = 3` (how often an event is tried).
///
/// ```
/// use acequia_sdk::{AccumulatorDef, passthrough_accumulator};
///
/// #[passthrough_accumulator(capacity = 64, overflow = drop_oldest)]
/// pub fn raw_prices(value: &f64) -> Option<f64> {
///     (*value > 0.0).then_some(*value)
/// }
///
/// assert_eq!(raw_prices::decl().name.as_str(), "raw_prices");
/// assert_eq!(raw_prices::decl().capacity, 64);
/// assert_eq!(raw_prices(&-1.0), None);
/// ```
#[proc_macro_attribute]
pub fn passthrough_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::Passthrough, args.into(), item.into()).into()
}

/// An accumulator that a source feeds, possibly with state of the author's own.
///
/// As [`macro@passthrough_accumulator`], with three options more. `source` is an expression that makes a
/// `SourceDecl`, or the path of a function that does. `state` is a type (a payload, so `Clone` and
/// serialisable both ways, with a `Default`); the function then takes `(state: &mut S, value: &T)` and is a
/// plain one. The state survives a panic: it goes back to what it was before the event. It goes on in the
/// next version of the package as well; if its type changed, `migrate` is a function
/// `fn(Old) -> Result<S, Failure>`, where `Old` has the fields that the older version had.
///
/// ```
/// use acequia_sdk::{AccumulatorDef, Kind, SourceDecl, SourceOut, stream_accumulator};
///
/// fn countdown() -> SourceDecl {
///     SourceDecl::run(|out: SourceOut<u64>| async move {
///         for n in (0..3).rev() {
///             out.push(n).await?;
///         }
///         Ok(())
///     })
/// }
///
/// #[stream_accumulator(source = countdown, state = u64)]
/// fn total(sum: &mut u64, value: &u64) -> u64 {
///     *sum += value;
///     *sum
/// }
///
/// assert_eq!(total::decl().kind, Kind::Stream);
/// assert!(total::decl().source.is_some());
/// ```
#[proc_macro_attribute]
pub fn stream_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::Stream, args.into(), item.into()).into()
}

/// An accumulator that asks an `async` function at start and then each `interval`.
///
/// The function takes nothing and returns `Option<T>`, where `None` means unchanged, or
/// `Result<Option<T>, E>`. Two polls never overlap.
///
/// ```
/// use acequia_sdk::{AccumulatorDef, Kind, polling_accumulator};
///
/// #[polling_accumulator(interval = "30s")]
/// async fn temperature() -> Option<f64> {
///     Some(21.5)
/// }
///
/// assert_eq!(temperature::decl().kind, Kind::Polling);
/// ```
#[proc_macro_attribute]
pub fn polling_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::Polling, args.into(), item.into()).into()
}

/// An accumulator that collects events and hands them to a function together.
///
/// A batch is flushed when it has `max_buffer_size` events (1000 if it is not given), `flush_interval`
/// after its first, when the reactor asks, and at shutdown; one of the two options must be given. The
/// function is a plain one and takes `&[E]`, or `Vec<E>` at the cost of a copy.
///
/// ```
/// use acequia_sdk::{AccumulatorDef, Kind, batch_accumulator};
///
/// #[batch_accumulator(flush_interval = "1s", max_buffer_size = 100)]
/// fn volume(trades: &[u64]) -> Option<u64> {
///     Some(trades.iter().sum())
/// }
///
/// assert_eq!(volume::decl().kind, Kind::Batch);
/// ```
#[proc_macro_attribute]
pub fn batch_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::Batch, args.into(), item.into()).into()
}

/// An accumulator that keeps the newest values and emits them all at every write: its boundary is a
/// `Vec` of what the function returns.
///
/// `capacity` is the length of that window: `-1` for no limit, `0` to take in and never emit. So the room
/// in its ring is called `ring_capacity` here.
///
/// ```
/// use acequia_sdk::{AccumulatorDef, Kind, state_accumulator};
///
/// #[state_accumulator(capacity = 10)]
/// fn last_prices(price: f64) -> f64 {
///     price
/// }
///
/// assert_eq!(last_prices::decl().kind, Kind::State);
/// ```
#[proc_macro_attribute]
pub fn state_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::State, args.into(), item.into()).into()
}

/// An accumulator that groups events by their own time and hands each closed pane to a function.
///
/// The shape is `tumbling = "1h"`, or `sliding = "1h", slide = "10m"`, or `session = "30s"`. `time` is a
/// function from `&E` to a `Timestamp`. A pane closes once an event came that is `lateness` (else nothing)
/// past its end; what comes later still is late, and counted. The function is a plain one and takes
/// `(events: &[E])` or `(span: Span, events: &[E])`.
///
/// ```
/// use acequia_sdk::{AccumulatorDef, Kind, Span, Timestamp, window_accumulator};
///
/// #[window_accumulator(tumbling = "1m", time = |trade: &(i64, f64)| Timestamp::from_millis(trade.0), lateness = "5s")]
/// fn highs(span: Span, trades: &[(i64, f64)]) -> (i64, f64) {
///     (span.start.as_millis(), trades.iter().map(|trade| trade.1).fold(0.0, f64::max))
/// }
///
/// assert_eq!(highs::decl().kind, Kind::Window);
/// ```
#[proc_macro_attribute]
pub fn window_accumulator(args: TokenStream, item: TokenStream) -> TokenStream {
    accumulator::expand(KindOf::Window, args.into(), item.into()).into()
}

/// A reactor, on a unit struct.
///
/// `accumulators` lists functions under an accumulator macro, by path. `criteria` is `when_any(…)`,
/// `when_all(…)` or `k_of(2, …)` over some of them, or over all if none is named. `strategy` is `latest`
/// (the default) or `sequential`; `name` is the struct's unless given; `log` is how many firings to
/// remember.
///
/// ```
/// use acequia_sdk::{ReactorDef, Strategy, passthrough_accumulator, reactor};
///
/// #[passthrough_accumulator]
/// fn bids(value: f64) -> f64 {
///     value
/// }
///
/// #[passthrough_accumulator]
/// fn asks(value: f64) -> f64 {
///     value
/// }
///
/// #[reactor(accumulators = [bids, asks], criteria = when_all(bids, asks), strategy = sequential)]
/// struct Book;
///
/// assert_eq!(Book::NAME, "Book");
/// assert_eq!(Book::decl().strategy, Strategy::Sequential);
/// ```
#[proc_macro_attribute]
pub fn reactor(args: TokenStream, item: TokenStream) -> TokenStream {
    reactor::expand(args.into(), item.into()).into()
}

/// A computation graph, on an inline module whose functions are its nodes.
///
/// The module gets a type `Graph`, which stands for the declaration, and a function `graph()`, which
/// makes it. Functions that are no nodes belong outside, or into a nested module.
///
/// # The graph
///
/// `graph` is written with arrows or as an object; names may be strings:
///
/// ```text
/// { score(raw, normalized) -> publish, publish -> [out, log] }
/// { decide(book) => { Quote -> send, Trade { price } -> settle -> log, Hold -> [] } }
/// { score: { inputs: ["raw"], next: "publish" }, publish: { routes: { Up: "out", Down: [] } }, out: {} }
/// ```
///
/// # Nodes
///
/// A node's parameters are its sources, then what its incoming edges bring, both in the order in which
/// they are written. A source is `Option<&T>`, or `&T` where the reactor's criteria guarantee it. An
/// upstream's output is `&T`; a node is skipped when one that it takes so was. With `Option<&T>` it runs
/// without, if anything leads to it.
///
/// A branch brings the fields of its variant: none, all by position, or those that parameters are named
/// after. Where the enum is not defined in the module, fields by name are listed: `Trade { price }`.
/// Branches that exclude each other may share a parameter.
///
/// Nodes may be `async`, and then run concurrently where they are independent; `#[node(blocking)]` moves
/// the graph to blocking threads. A node that returns `Result` ends its branch with an error; the others
/// go on. Nodes that no edge leaves are terminals: their outputs leave the graph.
///
/// # Other arguments
///
/// `trigger = reactor("Prices")` by name, or `reactor(Prices)` by type, which checks names and types of the
/// sources; without one the graph is invoked by a task. `name` (the module's unless given), `deadline =
/// "1s"`, `overflow = coalesce`, `attempts = 3`, and the word `detached`.
///
/// ```
/// use acequia_sdk::{GraphDef, computation_graph};
///
/// #[computation_graph(
///     trigger = reactor("Prices"),
///     graph = { decide(price) => { Buy -> order, Hold -> [] } }
/// )]
/// mod trading {
///     pub enum Decision {
///         Buy(u64),
///         Hold,
///     }
///
///     fn decide(price: Option<&f64>) -> Decision {
///         match price {
///             Some(price) if *price < 10.0 => Decision::Buy(100),
///             _ => Decision::Hold,
///         }
///     }
///
///     fn order(amount: &u64) -> String {
///         format!("buy {amount}")
///     }
/// }
///
/// let decl = trading::graph();
/// assert_eq!(trading::Graph::NAME, "trading");
/// assert_eq!(decl.topology.nodes, ["decide", "order"]);
/// assert_eq!(decl.terminals[0].name.as_str(), "order");
/// ```
#[proc_macro_attribute]
pub fn computation_graph(args: TokenStream, item: TokenStream) -> TokenStream {
    graph::expand(args.into(), item.into()).into()
}
