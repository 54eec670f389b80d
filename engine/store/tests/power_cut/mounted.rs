//! A file system that can lose its power.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const MIB: u64 = 1024 * 1024;
/// `EXT4_IOC_SHUTDOWN` without flushing the log, once a line comes. A script, because `unsafe` has its places.
const SHUTDOWN: &str = r#"$| = 1; my $how = pack("L", 2); open(my $root, "<", $ARGV[0]) or die "open: $!";
print "ready\n"; <STDIN>; ioctl($root, 0x8004587D, $how) or die "ioctl: $!""#;

/// An ext4 in a file, mounted.
pub struct Mounted {
    folder: PathBuf,
    is_mounted: bool,
}

impl Mounted {
    /// One of so many MiB; `None`, and a word on stderr, where that cannot be.
    pub fn try_new(test: &str, mib: u64) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("acequia-cut-{}-{number}", std::process::id()));
        let mut mounted = Self { folder, is_mounted: false };
        match mounted.make(mib * MIB) {
            Ok(()) => Some(mounted),
            Err(why) => {
                // Not captured, so that nobody takes it for a test that passed.
                let _ = writeln!(std::io::stderr(), "SKIPPED {test}: no loop file system here: {why}");
                assert!(std::env::var_os("ACEQUIA_CUTS_DEMANDED").is_none(), "{test} was skipped: {why}");
                None
            }
        }
    }

    fn make(&mut self, bytes: u64) -> Result<(), String> {
        fs::create_dir_all(self.root()).map_err(|error| error.to_string())?;
        let image = File::create(self.image()).map_err(|error| error.to_string())?;
        image.set_len(bytes).map_err(|error| error.to_string())?;
        run(Command::new("mkfs.ext4").arg("-qF").arg(self.image()))?;
        self.mount()?;
        // One cut, so that what cannot be cut is known now.
        let cut = self.armed()?;
        cut.cut()?;
        cut.wait()?;
        self.again();
        Ok(())
    }

    /// Where it is mounted.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn image(&self) -> PathBuf {
        self.folder.join("image")
    }

    fn mount(&mut self) -> Result<(), String> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.root()))?;
        self.is_mounted = true;
        Ok(())
    }

    /// Gets ready to cut the power.
    pub fn armed(&self) -> Result<Cut, String> {
        let mut perl = Command::new("perl");
        perl.args(["-e", SHUTDOWN]).arg(self.root());
        perl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut perl = perl.spawn().map_err(|error| format!("perl: {error}"))?;
        let (mut ready, stdout) = (String::new(), perl.stdout.take());
        stdout.map(|stdout| BufReader::new(stdout).read_line(&mut ready));
        Ok(Cut { perl, is_cut: AtomicBool::new(false) })
    }

    /// The power is back. All files must be closed.
    pub fn again(&mut self) {
        run(Command::new("umount").arg(self.root())).unwrap();
        self.is_mounted = false;
        self.mount().unwrap();
    }
}

/// The power, about to go.
pub struct Cut {
    perl: Child,
    is_cut: AtomicBool,
}

impl Cut {
    /// Whether what is acknowledged now counts. What a call says that was under way while the file system was
    /// shut down does not: `fdatasync` of ext4 was seen to answer then that all is well, for blocks that it no
    /// longer marked as written. When real power goes, nobody hears such an answer.
    pub fn counts(&self) -> bool {
        !self.is_cut.load(Ordering::SeqCst)
    }

    /// From now on every call fails, and what was not synced is lost.
    pub fn cut(&self) -> Result<(), String> {
        self.is_cut.store(true, Ordering::SeqCst);
        let written = self.perl.stdin.as_ref().map(|mut stdin| stdin.write_all(b"\n"));
        written.unwrap_or(Ok(())).map_err(|error| format!("perl: {error}"))
    }

    /// Waits until it is gone.
    pub fn wait(self) -> Result<(), String> {
        let output = self.perl.wait_with_output().map_err(|error| format!("perl: {error}"))?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("perl: {}", told.trim())) }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.is_mounted {
            // Whoever failed before may have left a file open.
            let _ = run(Command::new("umount").arg("--lazy").arg(self.root()));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = Path::new(command.get_program()).display().to_string();
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{shown}: {}", told.trim())) }
}

/// How many cuts.
pub fn n_cuts() -> u64 {
    std::env::var("ACEQUIA_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Numbers from a seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % n
    }
}

/// The seed of this run, said so that it can be asked for again by `ACEQUIA_CUTS_SEED`.
pub fn seed(test: &str) -> u64 {
    let asked = std::env::var("ACEQUIA_CUTS_SEED").ok().and_then(|text| text.parse().ok());
    let seed = asked.unwrap_or_else(|| u64::from(std::process::id()));
    println!("{test}: ACEQUIA_CUTS={} ACEQUIA_CUTS_SEED={seed}", n_cuts());
    seed
}

/// Lets the others work until the moment of the cut.
#[expect(clippy::disallowed_methods, reason = "the power goes at a moment that nobody announces")]
pub fn let_work(dice: &mut Dice) {
    std::thread::sleep(Duration::from_millis(2 + dice.below(120))); // tidy: the power goes at any moment
}
