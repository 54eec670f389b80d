//! Random damage to a closed store, as an operator meets it: journal, state store and archives of packages. Whatever
//! was done to it, `store check` says what an engine will do with it, and nothing is lost without a word.
//!
//! 200 mutations by default; `ACEQUIA_STORE_MUTATIONS=10000` is the long form, and
//! `ACEQUIA_STORE_MUTATIONS_FROM` the number to begin with.

use super::whole::{self, Files, Whole};
use super::{Said, store};
use acequia::store::journal::OpenError;
use acequia_cli::Exit;
use acequia_tests::Folder;
use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % n.max(1) as u64) as usize
    }
}

/// What `sled` says on its way out is expected here, and is caught; what anybody else says is not. To say it costs
/// more than all the rest, since each time the whole binary is searched for the names of its frames.
fn silence_sled() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or("", |location| location.file());
            let of_sled = ["sled-0.34", "/alloc/src/", "/core/src/"];
            if !of_sled.iter().any(|known| place.contains(known)) {
                before(info);
            }
        }));
    });
}

/// Damage a file, mostly where there is something, and say how.
fn mutate(file: &Path, dice: &mut Dice) -> String {
    let bytes = fs::read(file).unwrap();
    if bytes.is_empty() {
        return "is empty already".to_owned();
    }
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    loop {
        let mut damaged = bytes.clone();
        let within = if dice.below(4) == 0 { bytes.len() } else { used };
        let place = dice.below(within);
        let what = match dice.below(5) {
            0 | 1 => {
                let bit = dice.below(8);
                damaged[place] ^= 1 << bit;
                format!("bit {bit} of byte {place} flipped")
            }
            2 => {
                damaged.truncate(place);
                format!("cut at {place}")
            }
            _ => {
                let page = place / 4096 * 4096;
                let end = bytes.len().min(page + 4096);
                damaged[page..end].fill(0);
                format!("page at {page} zeroed")
            }
        };
        if damaged != bytes {
            fs::write(file, damaged).unwrap();
            return what;
        }
        // Zeroes in place of zeroes are no damage.
    }
}

/// Looks at a lock that is held.
const LOOKS: usize = 10_000;

/// A test beside this one that starts a process has our locks in its hands for a moment: whoever finds one held looks
/// again.
fn once_free<T>(is_held: impl Fn(&T) -> bool, look: impl Fn() -> T) -> T {
    for _ in 0..LOOKS {
        let found = look();
        if !is_held(&found) {
            return found;
        }
        thread::yield_now();
    }
    look()
}

/// What `store check` said, compared with what an engine finds.
fn judged(path: &Path, whole: &Whole, what: &[String]) -> &'static str {
    let before: Files = whole::files(path);
    let said = once_free(|said: &Said| said.exit == Exit::Refused, || store("check", path, &["--json"]));
    assert!(whole::files(path) == before, "the look changed something, after {what:?}");
    let json = said.json();
    let has_packages = whole.has_its_packages(&before);
    let is_package_told = json["versions"].as_array().is_some_and(|rows| {
        let told =
            |row: &serde_json::Value| row["flaw"].as_str().is_some_and(|flaw| flaw.contains("damaged"));
        rows.len() == 3 && rows.iter().any(told)
    });
    let opened = once_free(
        |opened: &Result<_, OpenError>| matches!(opened, Err(OpenError::Lock(_))),
        || whole::reopened(path),
    );
    match (said.exit, opened) {
        (Exit::Damaged, Err(OpenError::Damaged(damage))) => {
            assert_eq!(json["damage"]["segment"], damage.segment, "{json} after {what:?}");
            assert_eq!(json["damage"]["offset"], damage.offset, "{json} after {what:?}");
            "refused, with segment and offset"
        }
        (Exit::Damaged, Err(OpenError::MarkLost)) => {
            assert!(json["error"].to_string().contains("E0531"), "{json} after {what:?}");
            "refused, for its mark"
        }
        (exit @ (Exit::Damaged | Exit::Done), Ok((records, content))) => {
            assert!((exit == Exit::Damaged) == is_package_told, "{json} after {what:?}");
            assert!(has_packages != is_package_told, "an archive was lost without a word, after {what:?}");
            assert!(records == whole.records, "records were lost without a word, after {what:?}");
            assert!(content == whole.content, "rows were lost without a word, after {what:?}");
            match (exit, &json["verdict"]) {
                (Exit::Damaged, _) => "an archive named",
                (_, verdict) if verdict == "sound" => "harmless",
                _ => "repaired",
            }
        }
        (exit, opened) => {
            let opened = opened.map(|(records, _)| records.len());
            panic!("{exit:?}, and an engine finds {opened:?}, after {what:?}: {json}")
        }
    }
}

/// Which files were damaged, without their numbers, and what came of it.
type Seen = BTreeMap<(String, &'static str), u64>;

/// Mutation `seed`, in `work`, where the store lies as it was.
fn one(seed: u64, work: &Path, whole: &Whole, seen: &mut Seen) {
    let mut dice = Dice(seed);
    let files: Vec<_> = whole.files.iter().filter(|(_, bytes)| !bytes.is_empty()).map(|it| it.0).collect();
    let (mut what, mut kinds) = (Vec::new(), Vec::new());
    for _ in 0..[1, 1, 1, 2, 3][dice.below(5)] {
        let file = files[dice.below(files.len())];
        what.push(format!("{seed}: {}: {}", file.display(), mutate(&work.join(file), &mut dice)));
        kinds.push(kind(&file.to_string_lossy()).to_owned());
    }
    kinds.sort();
    kinds.dedup();
    *seen.entry((kinds.join(" + "), judged(work, whole, &what))).or_default() += 1;
    whole.restore(work);
}

/// The name of a file without its number.
fn kind(name: &str) -> &str {
    let end = name.find("snap.").map(|at| at + "snap".len()).or_else(|| name.find('-'));
    &name[..end.unwrap_or(name.len())]
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn whatever_is_damaged_is_told_repaired_or_harmless() {
    silence_sled();
    let (from, n) = (number("ACEQUIA_STORE_MUTATIONS_FROM", 0), number("ACEQUIA_STORE_MUTATIONS", 200));
    let folder = Folder::new().unwrap();
    let whole = Whole::new(&folder);
    let next = AtomicU64::new(from);
    let n_threads = thread::available_parallelism().map_or(1, |n| n.get());
    let mut seen = Seen::new();
    thread::scope(|scope| {
        let work = |thread: usize| {
            let (work, whole, next) = (folder.join(format!("work-{thread}")), &whole, &next);
            move || {
                let mut seen = Seen::new();
                whole.restore(&work);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + n {
                        return seen;
                    }
                    one(seed, &work, whole, &mut seen);
                }
            }
        };
        let threads: Vec<_> = (0..n_threads).map(|thread| scope.spawn(work(thread))).collect();
        for thread in threads {
            let found = thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
            found.into_iter().for_each(|(way, n)| *seen.entry(way).or_default() += n);
        }
    });
    let mut ways: BTreeMap<&str, u64> = BTreeMap::new();
    for ((files, way), n) in &seen {
        println!("{n:6} {way}: {files}");
        *ways.entry(way).or_default() += n;
    }
    println!("mutations: {n} of a closed store from {from} on, {ways:?}, none silent");
    assert!(n < 200 || ways.len() >= 4, "every way out is taken: {ways:?}");
}
