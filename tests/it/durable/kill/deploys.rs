//! At every named point of a deploy: the catalog is then as it was before, or as it is after, and state is kept.
//!
//! The child works off rounds of eight operations: it loads a version, pushes, loads another one, routes back and
//! forth, pushes, unloads the first one and then the package.

#![expect(
    clippy::print_stdout,
    reason = "what a child and its parent say to each other, or to who reads the long form"
)]

use super::child::{FOLDER, STARTED, UNTIL, acknowledged, settings, stand_still};
use super::{DEPLOYS, End, dice, run, setting};
use crate::catalog::{Texts, listed, pricing};
use acequia::store::disk::{Disk, FolderDisk};
use acequia::{DeployPoint, Engine, Sink};
use acequia_tests::{Folder, eventually};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Operations of a round.
const ROUND: u64 = 8;

/// The versions of the round to which operation `n` belongs, counted from 0.
fn versions(n: u64) -> (String, String) {
    (format!("v{}", n / ROUND * 2 + 1), format!("v{}", n / ROUND * 2 + 2))
}

/// What is listed once `n` operations are done.
fn expected(n: u64) -> Vec<String> {
    let (a, b) = versions(n);
    let rows: &[(&str, &str)] = match n % ROUND {
        0 => &[],
        1 | 2 => &[(&a, "*")],
        3 | 5 | 6 => &[(&a, ""), (&b, "*")],
        4 => &[(&a, "*"), (&b, "")],
        _ => &[(&b, "*")],
    };
    rows.iter().map(|(version, star)| format!("pricing {version}{star} serving")).collect()
}

/// Do operation `n`.
async fn operate(engine: &Engine, n: u64) {
    let (catalog, (a, b)) = (engine.catalog(), versions(n));
    match n % ROUND {
        0 => drop(catalog.load(pricing(&a)).await.unwrap()),
        1 => push(engine, n, 1).await,
        2 => drop(catalog.load(pricing(&b)).await.unwrap()),
        3 => drop(catalog.route("pricing", a.as_str(), None).await.unwrap()),
        4 => drop(catalog.route("pricing", b.as_str(), None).await.unwrap()),
        5 => push(engine, n, 2).await,
        6 => drop(catalog.unload("pricing", Some(a.as_str().into())).await.unwrap()),
        _ => drop(catalog.unload("pricing", None).await.unwrap()),
    }
}

/// Push into the durable counter, which has counted as many as it should, whoever was killed meanwhile.
async fn push(engine: &Engine, n: u64, count: u64) {
    let newest = Arc::<Mutex<Vec<u64>>>::default();
    let told = Arc::clone(&newest);
    let sink = Sink::callback(move |out: &Vec<u64>| told.lock().unwrap().clone_from(out));
    engine.attach("g-pricing", "out", sink).await.unwrap();
    engine.accumulator::<u64>("n-pricing").unwrap().push(n).await.unwrap();
    eventually("the event is counted", async || newest.lock().unwrap().get(2) == Some(&n)).await;
    assert_eq!(newest.lock().unwrap()[1], count, "operation {n}");
}

#[test]
fn deploys_to_be_killed() {
    let (Ok(folder), Ok(until)) = (std::env::var(FOLDER), std::env::var(UNTIL)) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(live(Path::new(&folder), until.parse().unwrap()));
}

async fn live(folder: &Path, until: u64) {
    let disk = Arc::new(FolderDisk::open(folder.join("journal")).unwrap()) as Arc<dyn Disk>;
    let mut builder = Engine::builder().journal_on(disk, settings()).package_reader(Arc::new(Texts));
    if let Some(stands) = stand_still() {
        builder = builder.on_deploy_point(move |reached| stands(reached.as_str()));
    }
    let engine = builder.start().await.unwrap();
    println!("\n{STARTED}");
    let mut done = acknowledged(folder);
    let mut notes = OpenOptions::new().create(true).append(true).open(folder.join("acknowledged")).unwrap();
    let found = listed(&engine.catalog());
    assert_eq!(engine.catalog().boot_report().left_out, [], "every archive is whole");
    if found != expected(done) {
        assert_eq!(found, expected(done + 1), "neither before nor after operation {done}");
        done += 1;
        notes.write_all(format!("{done}\n").as_bytes()).unwrap();
    }
    while done < until {
        operate(&engine, done).await;
        done += 1;
        notes.write_all(format!("{done}\n").as_bytes()).unwrap();
        assert_eq!(listed(&engine.catalog()), expected(done), "after {done} operations");
    }
    engine.shutdown(Duration::from_secs(10)).await;
}

#[test]
fn a_kill_at_every_named_point_of_a_deploy_leaves_the_catalog_before_or_after() {
    let folder = Folder::new().unwrap();
    let mut reached = BTreeSet::new();
    for point in DeployPoint::ALL {
        let until = acknowledged(&folder.join("")) + 2 * ROUND;
        if run(DEPLOYS, &folder.join(""), until, Some((point.as_str(), 0))) == End::Killed {
            reached.insert(point);
        }
    }
    let until = acknowledged(&folder.join("")) + ROUND;
    assert_eq!(run(DEPLOYS, &folder.join(""), until, None), End::Finished);
    // The table of the code, and what was reached, are the same.
    assert_eq!(reached, DeployPoint::ALL.into_iter().collect());
}

#[test]
fn kills_at_random_points_of_deploys_leave_the_catalog_before_or_after() {
    let lives = setting("ACEQUIA_CRASHES").unwrap_or(6);
    let seed = setting("ACEQUIA_CRASHES_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("deploys: ACEQUIA_CRASHES={lives} ACEQUIA_CRASHES_SEED={seed}");
    let (folder, mut below) = (Folder::new().unwrap(), dice(seed));
    let (mut killed, mut reached) = (0, BTreeSet::new());
    for _ in 0..lives {
        let until = acknowledged(&folder.join("")) + 1 + below(2 * ROUND);
        let point = DeployPoint::ALL[below(DeployPoint::ALL.len() as u64) as usize];
        if run(DEPLOYS, &folder.join(""), until, Some((point.as_str(), below(4) as u32))) == End::Killed {
            killed += 1;
            reached.insert(point);
        }
    }
    let until = acknowledged(&folder.join("")) + ROUND;
    assert_eq!(run(DEPLOYS, &folder.join(""), until, None), End::Finished);
    println!("deploys: {lives} lives, {killed} killed at {} points, nothing lost", reached.len());
}
