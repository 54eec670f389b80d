//! The tutorial of two packages, as libraries that were built apart, against a plain loop.

use acequia::{Engine, LoadOutcome};
use acequia_cli::{Console, Exit};
use acequia_examples::market::{self, Day};
use acequia_examples::pricing::{self, Packages, Step};
use acequia_examples::slices;
use acequia_tests::Folder;
use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

/// Both packages, built once a test run.
async fn packages() -> &'static Packages {
    static BUILT: OnceLock<Packages> = OnceLock::new();
    tokio::task::spawn_blocking(|| BUILT.get_or_init(|| pricing::built().unwrap())).await.unwrap()
}

/// The tutorial's steps without the signals, and the signals.
async fn walked(days: &[Day]) -> (Vec<Step>, Vec<Option<f64>>) {
    let steps = pricing::run(packages().await, days).await.unwrap();
    let signals =
        steps.iter().filter_map(|step| step.signal.as_ref().map(serde_json::Value::as_f64)).collect();
    (steps.into_iter().filter(|step| step.signal.is_none()).collect(), signals)
}

#[tokio::test]
async fn the_tutorial_prints_each_refusal_and_goes_down_in_order() {
    let days = market::read(&slices::sp500()).unwrap();
    let (steps, signals) = walked(&days).await;

    assert_eq!(signals.len(), 2 * days.len());
    assert_eq!(signals, pricing::expected(&days));
    let told: Vec<(&str, bool)> = steps.iter().map(|step| (step.step.as_str(), step.ok)).collect();
    let wanted = [
        ("load the subscriber, too early", false),
        ("load the publisher", true),
        ("load the subscriber", true),
        ("unload pricing-publisher", false),
        ("graph price_consumer torn down", true),
        ("unload pricing-subscriber", true),
        ("reactor PriceReactor torn down", true),
        ("unload pricing-publisher", true),
    ];
    assert_eq!(told, wanted);
    let refusals: Vec<&str> = steps.iter().filter_map(|step| step.error.as_deref()).collect();
    let wanted = [
        "E0411: reactor 'PriceReactor' not loaded; the publishing package must load before its subscribers \
         (package pricing-subscriber, graph price_consumer)",
        "E0471: package 'pricing-publisher' owns reactor 'PriceReactor', which has 1 bound subscriber(s): \
         [\"price_consumer\" (pricing-subscriber)]; unload subscribers first",
    ];
    assert_eq!(refusals, wanted);
}

#[tokio::test]
async fn the_signals_follow_the_file_and_not_a_table_of_answers() {
    let mut days = market::read(&slices::sp500()).unwrap();
    days.truncate(700);
    for (number, day) in days.iter_mut().enumerate() {
        day.close *= 1.0 + number as f64 / 7.0;
        day.open -= f64::from(u32::try_from(number % 13).unwrap());
    }
    let (_, signals) = walked(&days).await;
    assert_eq!(signals, pricing::expected(&days));
}

fn pack(package: &Path, out: &Path) {
    let mut arguments: Vec<OsString> = ["acequia", "package", "pack"].map(OsString::from).to_vec();
    arguments.extend([package.as_os_str().to_owned(), "--out".into(), out.as_os_str().to_owned()]);
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let exit = acequia_cli::run(arguments, &mut Console::new(&mut said, &mut complained));
    assert!(matches!(exit, Exit::Done), "{}", String::from_utf8_lossy(&complained));
}

#[tokio::test]
async fn an_archive_loads_as_its_folder_does_and_is_the_same_version() {
    let packages = packages().await.clone();
    let folder = Folder::new().unwrap();
    let out = folder.join("pricing-publisher-0.1.0.acequia");
    let (from, to) = (packages.publisher.clone(), folder.join(""));
    tokio::task::spawn_blocking(move || pack(&from, &to)).await.unwrap();
    let engine = Engine::builder().start().await.unwrap();

    let archived = engine.open(&out).await.unwrap();
    let report = engine.load(archived).await.unwrap();
    assert_eq!(report.outcome("pricing-publisher"), Some(&LoadOutcome::Loaded));
    let again = engine.load(engine.open(&packages.publisher).await.unwrap()).await.unwrap();

    assert_eq!(again.outcome("pricing-publisher"), Some(&LoadOutcome::Unchanged));
    assert_eq!(engine.packages().len(), 1);
    let cut = folder.join("cut.acequia");
    std::fs::write(&cut, &std::fs::read(&out).unwrap()[..1000]).unwrap();
    let refused = engine.open(&cut).await.unwrap_err().to_string();
    assert!(refused.contains("E08"), "{refused}");
    engine.unload("pricing-publisher").await.unwrap();
    assert!(engine.packages().is_empty());
}
