//! Random damage to a closed store, as an operator meets it: journal, state store and archives of packages. Whatever
//! was done to it, `store check` says what an engine will do with it, and nothing is lost without a word.
//!
//! 40 mutations by default; `ACEQUIA_STORE_MUTATIONS=10000` is the long form.

use super::made::{self, End};
use super::store;
use acequia::store::disk::FolderDisk;
use acequia::store::journal::{Journal, OpenError, Settings};
use acequia_cli::Exit;
use acequia_host::Digest;
use acequia_tests::Folder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// An archive as an engine keeps it.
fn with_package(path: &Path) -> PathBuf {
    let archive: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
    let hash = Digest::of(&archive);
    let file = path.join(format!("package-{hash}"));
    fs::write(&file, [b"acequia archive1", hash.as_bytes().as_slice(), &archive].concat()).unwrap();
    file
}

/// Damage a file, mostly where there is something, and say how.
fn mutate(file: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    let within = if dice.below(4) == 0 { bytes.len() } else { used };
    let place = dice.below(within);
    let what = match dice.below(5) {
        0 | 1 => {
            let bit = dice.below(8);
            bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
            format!("bit {bit} of byte {place} flipped")
        }
        2 => {
            bytes.truncate(place);
            format!("cut at {place}")
        }
        _ => {
            let page = place / 4096 * 4096;
            let end = bytes.len().min(page + 4096);
            bytes[page.min(end)..end].fill(0);
            format!("page at {page} zeroed")
        }
    };
    fs::write(file, bytes).unwrap();
    format!("{}: {what}", file.display())
}

/// What `store check` said, compared with what an engine finds.
fn judged(path: &Path, whole: &made::Whole, what: &[String]) -> &'static str {
    let before = made::files(path);
    let said = store("check", path, &["--json"]);
    assert!(made::files(path) == before, "the look changed something, after {what:?}");
    let json = said.json();
    let package = made::files(path).into_iter().find(|(file, _)| file.to_string_lossy().contains("package-"));
    let is_package_whole = package.is_some_and(|(_, bytes)| bytes == whole.package);
    let is_package_told = json["findings"].to_string().contains("is damaged: ");
    let opened = Journal::open(Arc::new(FolderDisk::open(path).unwrap()), Settings::small());
    match (said.exit, opened.map(drop)) {
        (Exit::Damaged, Err(OpenError::Damaged(damage))) => {
            assert_eq!(json["damage"]["segment"], damage.segment, "{json} after {what:?}");
            assert_eq!(json["damage"]["offset"], damage.offset, "{json} after {what:?}");
            "refused, with segment and offset"
        }
        (Exit::Damaged, Err(OpenError::MarkLost)) => {
            assert!(json["error"].to_string().contains("E0531"), "{json} after {what:?}");
            "refused, for its mark"
        }
        (Exit::Damaged, Ok(())) => {
            assert!(is_package_told && !is_package_whole, "{json} after {what:?}");
            "an archive named"
        }
        (Exit::Done, Ok(())) => {
            assert!(is_package_whole, "an archive was lost without a word, after {what:?}");
            assert!(made::records(path) == whole.records, "records were lost without a word, after {what:?}");
            assert!(made::with_state(path) == whole.content, "rows were lost without a word, after {what:?}");
            if json["verdict"] == "sound" { "harmless" } else { "repaired" }
        }
        (exit, opened) => panic!("{exit:?}, and an engine finds {opened:?}, after {what:?}: {json}"),
    }
}

#[test]
fn whatever_is_damaged_is_told_repaired_or_harmless() {
    let n = std::env::var("ACEQUIA_STORE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    let folder = Folder::new().unwrap();
    let path = made::by_an_engine(&folder, 1_300, End::Closed);
    let content = made::with_state(&path);
    let package = fs::read(with_package(&path)).unwrap();
    let whole = made::Whole { records: made::records(&path), content, package };
    let files: Vec<PathBuf> = made::files(&path).into_keys().collect();
    let files: Vec<&Path> = files.iter().map(|file| file.strip_prefix(&path).unwrap()).collect();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..n {
        let mut dice = Dice(seed);
        let work = folder.join("work");
        made::copy(&path, &work);
        let what: Vec<String> = (0..[1, 1, 1, 2, 3][dice.below(5)])
            .map(|_| mutate(&work.join(files[dice.below(files.len())]), &mut dice))
            .collect();
        *seen.entry(judged(&work, &whole, &what)).or_default() += 1;
        fs::remove_dir_all(&work).unwrap();
    }
    println!("{n} mutations of a closed store: {seen:?}, none silent");
    assert!(seen.len() >= 4, "every way out is taken: {seen:?}");
}
