//! A real file system with little room.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::Folder;

/// What kind of file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Small {
    /// In memory, with a limit.
    Tmpfs,
    /// On a loop device.
    Ext4,
}

/// A mounted file system of a few MiB, unmounted when this is dropped.
pub struct SmallDisk {
    folder: Folder,
}

impl SmallDisk {
    /// Mount one; `None`, and a word on stderr that no test harness keeps back, where this process may not.
    #[must_use]
    pub fn try_new(test: &str, kind: Small, mib: u64) -> Option<Self> {
        match Self::mount(kind, mib) {
            Ok(disk) => Some(disk),
            Err(error) => {
                // Nothing can be done if stderr is closed.
                let _ =
                    writeln!(io::stderr(), "SKIPPED {test} on {kind:?}: it cannot be mounted here: {error}");
                None
            }
        }
    }

    fn mount(kind: Small, mib: u64) -> io::Result<Self> {
        let folder = Folder::new()?;
        let root = folder.join("root");
        std::fs::create_dir_all(&root)?;
        match kind {
            Small::Tmpfs => {
                let size = format!("size={mib}m");
                run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&root))?;
            }
            Small::Ext4 => {
                let image = folder.join("image");
                File::create(&image)?.set_len(mib * 1024 * 1024)?;
                run(Command::new("mkfs.ext4").arg("-qF").arg(&image))?;
                run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&root))?;
            }
        }
        Ok(Self { folder })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Take so much of its room.
    ///
    /// # Errors
    /// If there is less.
    pub fn take(&self, mib: usize) -> io::Result<()> {
        let mut file = File::create(self.root().join("somebody-elses"))?;
        (0..mib).try_for_each(|_| file.write_all(&[7; 1024 * 1024]))?;
        file.sync_all()
    }

    /// Give back what was taken.
    ///
    /// # Errors
    /// If nothing was.
    pub fn give_back(&self) -> io::Result<()> {
        std::fs::remove_file(self.root().join("somebody-elses"))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a failed test may have files open.
        let _ = run(Command::new("umount").arg("--lazy").arg(self.root()));
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
