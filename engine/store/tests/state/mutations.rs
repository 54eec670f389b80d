//! Random damage to the files of a store that is not open: it is detected and the store made anew, or it
//! does no harm. Never a silent loss, never a panic that gets out.
//!
//! 120 mutations by default; `ACEQUIA_STATE_MUTATIONS=10000` is the long form, and
//! `ACEQUIA_STATE_MUTATIONS_FROM` the number to begin with.

use super::folder::Folder;
use super::lab::{Record, all, opened};
use acequia_store::state::{Anchor, Backend, Opened, Place, Row, SledBackend, StateStore};
use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::mpsc;
use std::time::Duration;

/// How long one opening may take before it counts as a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What a back end says on its way out is expected here; what anybody else says is not.
fn silence_back_ends() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or("", |location| location.file());
            let of_a_back_end = ["sled-0.34", "redb-4", "/alloc/src/", "/core/src/"];
            if !of_a_back_end.iter().any(|known| place.contains(known)) {
                before(info);
            }
        }));
    });
}

/// A folder as a process left it.
struct Left {
    folder: Folder,
    record: Record,
    backend: &'static dyn Backend,
}

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In order, in its first life: `sled` has written no snapshot of its own.
    Closed,
    /// In order, after a life before.
    ClosedAgain,
    /// Killed in its first life, with batches behind the anchor.
    Killed,
    /// Killed in a later life.
    KilledAgain,
}

impl Left {
    fn by(end: End, backend: &'static dyn Backend) -> Self {
        let record = Record::of(120);
        let (at_work, folder) = (Folder::new(), Folder::new());
        let place = Place::new(at_work.path()).unwrap();
        let halves = match end {
            End::Closed | End::Killed => vec![],
            End::ClosedAgain | End::KilledAgain => vec![Record::of(40), Record::of(70)],
        };
        for half in halves {
            let (mut store, _) = opened(&place, backend, &half).unwrap();
            half.replay(&mut store).unwrap();
            store.close().unwrap();
        }
        let (mut store, _) = opened(&place, backend, &Record::of(100)).unwrap();
        Record::of(100).replay(&mut store).unwrap();
        store.checkpoint().unwrap();
        record.replay(&mut store).unwrap();
        match end {
            End::Closed | End::ClosedAgain => {
                store.close().unwrap();
                copy(at_work.path(), folder.path());
            }
            End::Killed | End::KilledAgain => copy(at_work.path(), folder.path()),
        }
        Self { folder, record, backend }
    }

    /// The files of the store, and its anchor.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        find(self.folder.path(), Path::new(""), &mut files);
        files.sort();
        files
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            assert!(fs::copy(entry.path(), to).is_ok())
        }
    }
}

fn find(root: &Path, within: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(within)).unwrap().map(Result::unwrap) {
        let path = within.join(entry.file_name());
        if entry.path().is_dir() { find(root, &path, files) } else { files.push(path) }
    }
}

/// Damage a file, and say how. Places are drawn from where there is something, most of the time.
fn mutate(file: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    let within = if dice.below(4) == 0 { bytes.len() } else { used };
    let place = dice.below(within);
    let what = match dice.below(6) {
        0 | 1 => {
            let bits = 1 + dice.below(4);
            for _ in 0..bits {
                let at = dice.below(within);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            format!("{bits} bits flipped")
        }
        2 => {
            bytes.truncate(place);
            format!("cut at {place}")
        }
        3 => {
            let page = place / 4096 * 4096;
            let end = bytes.len().min(page + 4096);
            bytes[page.min(end)..end].fill(0);
            format!("page at {page} zeroed")
        }
        4 => {
            let length = 1 + dice.below(64);
            let end = bytes.len().min(place + length);
            bytes[place.min(end)..end].iter_mut().for_each(|byte| *byte = dice.next() as u8);
            format!("{length} bytes of nonsense at {place}")
        }
        _ => {
            fs::remove_file(file).unwrap();
            return "removed".to_owned();
        }
    };
    fs::write(file, bytes).unwrap();
    what
}

/// Open the damaged copy on a thread of its own; gives what the guard said. Panics on a loss, a hang, or if
/// a panic gets out.
fn open_damaged(left: &Left, folder: Folder, what: &str) -> Opened {
    let (send, receive) = mpsc::channel();
    let (record, backend) = (left.record.clone(), left.backend);
    let thread = std::thread::spawn(move || {
        let place = Place::new(folder.path()).unwrap();
        let (mut store, account) = opened(&place, backend, &record).map_err(|error| error.to_string())?;
        record.replay(&mut store).map_err(|error| error.to_string())?;
        let rows = all(&store);
        store.close().map_err(|error| error.to_string())?;
        // Sent while the folder is still there.
        let _ = send.send((rows, account));
        Ok::<_, String>(())
    });
    let received = receive.recv_timeout(PATIENCE);
    if let Err(mpsc::RecvTimeoutError::Timeout) = received {
        panic!("{what}: hangs");
    }
    thread
        .join()
        .unwrap_or_else(|_| panic!("{what}: a panic got out"))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let (rows, account) = received.unwrap();
    assert!(rows == left.record.rows(), "{what}: silently lost rows, after {account:?}");
    account
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn no_damage_is_a_silent_loss_or_a_panic() {
    damage_and_open(&SledBackend);
}

#[cfg(feature = "redb")]
#[test]
fn no_damage_to_redb_is_a_silent_loss_or_a_panic() {
    damage_and_open(&acequia_store::state::RedbBackend);
}

fn damage_and_open(backend: &'static dyn Backend) {
    silence_back_ends();
    let ends = [End::Closed, End::ClosedAgain, End::Killed, End::KilledAgain];
    let lefts = ends.map(|end| (end, Left::by(end, backend)));
    let from = number("ACEQUIA_STATE_MUTATIONS_FROM", 0);
    let n_mutations = number("ACEQUIA_STATE_MUTATIONS", 120);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in from..from + n_mutations {
        let (end, left) = &lefts[(seed % 4) as usize];
        let mut dice = Dice(seed);
        let work = Folder::new();
        copy(left.folder.path(), work.path());
        let files = left.files();
        // The file with the rows more often than the others.
        let file = match files.iter().find(|file| file.ends_with("db") || file.ends_with("state.redb")) {
            Some(db) if dice.below(3) > 0 => db,
            _ => &files[dice.below(files.len())],
        };
        let how = mutate(&work.path().join(file), &mut dice);
        let what = format!("mutation {seed}, {end:?}, {}: {how}", file.display());
        let account = open_damaged(left, work, &what);
        let verdict =
            account.rebuilt.map_or_else(|| "harmless".to_owned(), |reason| kind(&format!("{reason:?}")));
        *seen.entry(verdict).or_default() += 1;
    }
    println!("{}, {n_mutations} mutations: {seen:?}", backend.name());
    let detected = n_mutations - seen.get("harmless").copied().unwrap_or(0);
    assert!(detected * 4 > n_mutations, "most damage is noticed: {seen:?}");
}

/// The name of a reason without its fields.
fn kind(reason: &str) -> String {
    reason.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

#[test]
fn the_fixtures_differ_as_they_should() {
    let snapshots = |end| {
        let left = Left::by(end, &SledBackend);
        assert!(left.files().iter().any(|file| file.ends_with(Anchor::FILE)));
        left.files().iter().filter(|file| file.to_string_lossy().contains("snap.")).count()
    };
    assert_eq!(snapshots(End::Killed), 0, "a first life writes no snapshot of its own");
    assert!(snapshots(End::KilledAgain) > 0);
}

/// The negative control: without an anchor the same damage is a silent loss, so what the guard does is not
/// for nothing.
#[test]
fn bare_sled_loses_rows_without_a_word() {
    silence_back_ends();
    let left = Left::by(End::Killed, &SledBackend);
    let n_rows = left.record.rows().len();
    let mut silent = 0;
    for seed in 0..60 {
        let work = Folder::new();
        copy(left.folder.path(), work.path());
        let db = work.path().join("state/db");
        let bytes = fs::read(&db).unwrap();
        fs::write(&db, &bytes[..Dice(seed).below(bytes.len())]).unwrap();
        let found = panic::catch_unwind(|| {
            let store = SledBackend.open(&work.path().join("state")).ok()?;
            Some(store.rows().filter(|row| row.as_ref().is_ok_and(is_theirs)).count())
        });
        if let Ok(Some(found)) = found {
            silent += u64::from(found < n_rows);
        }
    }
    println!("bare sled: {silent} of 60 truncations lost rows silently");
    assert!(silent > 0, "sled notices by itself now; the guard may be simplified");
}

/// Not the row that the guard keeps for itself.
fn is_theirs(row: &Row) -> bool {
    row.table.number() > 0
}
