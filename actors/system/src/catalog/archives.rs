//! The archives of loaded versions, beside the journal that names them: one file a version, which appears
//! under its name only when all of it is on the disk.
//!
//! A file is named by its version, which is a hash of what is in it, and begins with the hash of the archive,
//! so that damage is found before any of its code is mapped.

use super::point::{DeployPoint, OnDeployPoint};
use super::register::Key;
use acequia_host::Digest;
use acequia_store::disk::Disk;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// How a file begins; another form would begin otherwise.
const MAGIC: &[u8; 16] = b"acequia archive1";
/// Bytes before the archive: the form and the hash.
const HEADER: usize = 48;
const PREFIX: &str = "package-";
const PART: &str = ".part";

/// The archives of one engine.
#[derive(Debug, Clone)]
pub(crate) struct Archives {
    disk: Arc<dyn Disk>,
}

/// An archive that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveDamage {
    #[error("its archive {file} is gone")]
    Gone { file: String },
    #[error("its archive {file} is damaged: {what}")]
    Damaged { file: String, what: &'static str },
    #[error("its archive {file} cannot be read: {source}")]
    Io { file: String, source: io::Error },
}

impl Archives {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    /// Keep an archive. One that is there already, whole, is left alone.
    pub(super) fn stage(&self, key: &Key, archive: &[u8], points: &OnDeployPoint) -> io::Result<()> {
        if self.read(key).is_ok_and(|kept| kept == archive) {
            return Ok(());
        }
        let (name, part) = (name(key), format!("{}{PART}", name(key)));
        // Left by a crash, or by a stage that failed.
        match self.disk.remove(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let staged = self.write(&part, archive, points).and_then(|()| self.disk.rename(&part, &name));
        if let Err(error) = staged {
            // What cannot be removed either is swept at the next start.
            let _ = self.disk.remove(&part);
            return Err(error);
        }
        points.reach(DeployPoint::UploadRename);
        self.disk.sync_directory()?;
        points.reach(DeployPoint::UploadDirectorySync);
        Ok(())
    }

    fn write(&self, part: &str, archive: &[u8], points: &OnDeployPoint) -> io::Result<()> {
        let hash = Digest::of(archive);
        let file = self.disk.create(part, (HEADER + archive.len()) as u64)?;
        let slices = [IoSlice::new(MAGIC), IoSlice::new(hash.as_bytes()), IoSlice::new(archive)];
        file.write_at(0, &slices)?;
        points.reach(DeployPoint::UploadTempWrite);
        let mut found = vec![0; archive.len()];
        let n = file.read_at(&mut found, HEADER as u64)?;
        if n != archive.len() || Digest::of(&found) != hash {
            return Err(io::Error::other("what was written is not what is read"));
        }
        points.reach(DeployPoint::UploadHash);
        file.sync_data()?;
        points.reach(DeployPoint::UploadFileSync);
        Ok(())
    }

    /// The archive of a version, as it was staged.
    pub(super) fn read(&self, key: &Key) -> Result<Vec<u8>, ArchiveDamage> {
        let file = name(key);
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ArchiveDamage::Gone { file: file.clone() },
            _ => ArchiveDamage::Io { file: file.clone(), source },
        };
        let damaged = |what| ArchiveDamage::Damaged { file: file.clone(), what };
        let opened = self.disk.open(&file).map_err(failed)?;
        let length = usize::try_from(opened.n_bytes().map_err(failed)?).unwrap_or(usize::MAX);
        if length < HEADER {
            return Err(damaged("it is too short"));
        }
        let mut bytes = vec![0; length];
        if opened.read_at(&mut bytes, 0).map_err(failed)? != length {
            return Err(damaged("it is shorter than its length"));
        }
        let archive = bytes.split_off(HEADER);
        let (magic, hash) = bytes.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged("it does not begin as one"));
        }
        if Digest::of(&archive).as_bytes() != hash {
            return Err(damaged("its bytes have another hash"));
        }
        Ok(archive)
    }

    /// Remove the archive of a version. One that is gone is removed.
    pub(super) fn remove(&self, key: &Key) -> io::Result<()> {
        match self.disk.remove(&name(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.disk.sync_directory(),
        }
    }

    /// Remove what no loaded version needs: leftovers of crashes and of unloads.
    pub(super) fn sweep(&self, loaded: &[Key]) -> io::Result<()> {
        let needed: Vec<String> = loaded.iter().map(name).collect();
        for file in self.disk.list()? {
            if file.starts_with(PREFIX) && !needed.contains(&file) {
                tracing::info!(file, "an archive that no version needs is removed");
                self.disk.remove(&file)?;
            }
        }
        self.disk.sync_directory()
    }
}

/// The file of a version.
pub(super) fn name((package, version): &Key) -> String {
    let text = version.as_str();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return format!("{PREFIX}{text}");
    }
    // A version that is no hash may hold anything, and another package may have the same.
    format!("{PREFIX}{}", Digest::of(format!("{package} {text}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{ArchiveDamage, Archives, name};
    use crate::catalog::point::OnDeployPoint;
    use acequia_store::disk::{Cut, SimulatedDisk};
    use std::sync::Arc;

    #[test]
    fn an_archive_is_whole_under_its_name_or_not_there_whenever_the_power_goes() {
        let key = ("p".into(), "v1".into());
        for call in 0.. {
            let disk = SimulatedDisk::new(call);
            disk.power_off_at(call);
            let staged =
                Archives::new(Arc::new(disk.clone())).stage(&key, b"bytes", &OnDeployPoint::default());
            let found = Archives::new(Arc::new(disk.power_cut(Cut::Torn)));
            match (staged, found.read(&key)) {
                (Ok(()), Ok(archive)) => {
                    assert_eq!((archive, call > 3), (b"bytes".to_vec(), true));
                    return;
                }
                (Ok(()), Err(damage)) => panic!("what was staged is lost: {damage}"),
                (Err(_), Ok(archive)) => assert_eq!(archive, b"bytes"),
                (Err(_), Err(damage)) => assert!(matches!(damage, ArchiveDamage::Gone { .. }), "{damage}"),
            }
        }
    }

    #[test]
    fn damage_is_found_put_right_by_another_stage_and_leftovers_are_swept() {
        let (disk, points) = (SimulatedDisk::new(1), OnDeployPoint::default());
        let archives = Archives::new(Arc::new(disk.clone()));
        let versions = ["one", "two"].map(|version| ("p".into(), version.into()));
        versions.iter().for_each(|version| archives.stage(version, b"bytes", &points).unwrap());
        for at in [0, 20, 50] {
            disk.damage(&name(&versions[0]), |bytes| bytes[at] ^= 1);
            assert!(matches!(archives.read(&versions[0]), Err(ArchiveDamage::Damaged { .. })), "byte {at}");
            archives.stage(&versions[0], b"bytes", &points).unwrap();
            assert_eq!(archives.read(&versions[0]).unwrap(), b"bytes");
        }
        archives.sweep(&versions[..1]).unwrap();
        assert_eq!(disk.names(), [name(&versions[0])]);
        archives.remove(&versions[0]).unwrap();
        archives.remove(&versions[0]).unwrap();
        assert!(disk.names().is_empty());
    }
}
