//! What code in a library says is heard where the engine's own log lines are.

use acequia::Load;
use acequia::Trust;
use acequia::library::Library;
use acequia::testing::{Probe, TestEngine};
use acequia_tests::library::library;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Each line as its level and its fields.
type Lines = Arc<Mutex<Vec<(Level, BTreeMap<&'static str, String>)>>>;

/// Hears what libraries say, details aside.
#[derive(Default)]
struct Ear(Lines);

struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "acequia::library" && *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An engine with the package, and how often something was told at each event.
async fn speaking(version: &str) -> (TestEngine, Probe<i64>) {
    let engine = TestEngine::builder().start().await;
    let (library, probe) = (Library::open(library("speaks", &[]), &Trust::optional()).unwrap(), Probe::new());
    library.known_as(version);
    // On this test's thread, where its subscriber is; an engine begins a package elsewhere.
    let instance = library.init(engine.services()).unwrap();
    let load = Load::new(instance.package()).sink("of_spoken", "out", probe.sink());
    engine.load(load).await.unwrap();
    (engine, probe)
}

// One test for both: with a single subscriber of a single thread, `tracing` asks the thread that comes to a place in
// the code first whether anybody listens there, for all threads.
#[tokio::test(start_paused = true)]
async fn what_a_library_says_reaches_the_engines_subscriber_and_is_no_text_while_nobody_listens() {
    let (engine, probe) = speaking("7").await;
    engine.push_all("spoken", [1_i64, 2, 3]).await;
    assert_eq!(probe.expect(3).await, [0, 0, 0]);

    let lines = Lines::default();
    let _listening = tracing::subscriber::set_default(Ear(Arc::clone(&lines)));
    let (engine, probe) = speaking("7").await;

    engine.push("spoken", 3_i64).await;
    engine.push("late", 4_i64).await;
    engine.settle().await;
    engine.advance(Duration::from_secs(6)).await;

    assert_eq!(probe.expect(1).await, [1], "a detail that nobody takes is not told, nor is a span");
    let line = |level, message: &str, fields: &str| {
        let all = [
            ("package", "speaks"),
            ("version", "7"),
            ("module", "speaks"),
            ("message", message),
            ("fields", fields),
        ];
        (level, all.into_iter().map(|(name, text)| (name, text.to_owned())).collect::<BTreeMap<_, _>>())
    };
    let wanted = [
        line(Level::ERROR, "it begins", ""),
        line(Level::INFO, "an event came", "value=3 what=told"),
        line(Level::WARN, "4 is late", "value=4"),
    ];
    assert_eq!(*lines.lock().unwrap(), wanted);
}
