//! Putting a backup back. It is unpacked beside the data folder and takes its place in one step when it is whole and on the
//! disk: whenever this ends, the folder is the former one or the new one.

use super::error::{BackupError, failed};
use super::manifest::{Manifest, Part};
use super::read::{Sink, read};
use super::{AUTHORITY, PLUGINS, STORE};
use hostler_engine::now;
use hostler_store::{RedbStore, Store, StoreError};
use rustix::fs::{CWD, RenameFlags, renameat_with, statvfs};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// In a folder that isn't whole yet, locked by who unpacks it.
const UNFINISHED: &str = "unfinished";

/// What is to become of what is in the data folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Present {
    /// It stays where it is, and nothing is restored.
    Stays,
    /// It is kept beside, under another name.
    GoesBeside,
}

/// What was put back.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What was in the backup.
    pub manifest: Manifest,
    /// Where what was there before is now.
    pub before: Option<PathBuf>,
}

/// Puts a backup back as the data folder of a node that doesn't run. Blocks.
///
/// # Errors
/// [`BackupError`]; the data folder is as it was then.
pub fn restore(backup: &Path, data: &Path, present: Present) -> Result<Restored, BackupError> {
    let file = File::open(backup).map_err(failed(backup, "read"))?;
    let data = real(data)?;
    let occupied = is_occupied(&data)?;
    if occupied && present == Present::Stays {
        return Err(BackupError::Occupied { path: data });
    }
    // Held to the end: nobody starts with it meanwhile.
    let _held = hold(&data)?;
    clear_unfinished(&data);
    let mut unpacked = Unpacked::begin(&data)?;
    let manifest = read(BufReader::new(file), &mut unpacked)?;
    let whole = unpacked.finish()?;
    let before = take_place(whole, &data, occupied)?;
    Ok(Restored { manifest, before })
}

/// The folder itself, where a link leads to it.
fn real(data: &Path) -> Result<PathBuf, BackupError> {
    match data.canonicalize() {
        Ok(data) => Ok(data),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::path::absolute(data).map_err(failed(data, "found"))
        }
        Err(error) => Err(failed(data, "found")(error)),
    }
}

fn is_occupied(data: &Path) -> Result<bool, BackupError> {
    match std::fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(data, "read")(error)),
    }
}

/// Holds the store that is there, so that no node has it. One that is damaged needs no holding: no node starts with it.
fn hold(data: &Path) -> Result<Option<RedbStore>, BackupError> {
    let path = data.join(STORE);
    if !path.exists() {
        return Ok(None);
    }
    match RedbStore::open(&path) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::InUse { .. }) => Err(BackupError::Running { path: data.to_owned() }),
        Err(_) => Ok(None),
    }
}

/// The folder that the data folder is in, and how names of folders beside it begin.
fn beside(data: &Path, what: &str) -> Result<(PathBuf, String), BackupError> {
    let place = |why: &str| BackupError::Place { path: data.to_owned(), source: io::Error::other(why.to_owned()) };
    let above = data.parent().ok_or_else(|| place("there is nothing above it"))?;
    let name = data.file_name().and_then(|name| name.to_str()).ok_or_else(|| place("its name isn't plain text"))?;
    Ok((above.to_owned(), format!("{name}.{what}-")))
}

/// Removes what restores left unfinished that were cut off. Such a folder says so itself, and nobody has it locked.
fn clear_unfinished(data: &Path) {
    let Ok((above, prefix)) = beside(data, "restoring") else { return };
    for entry in std::fs::read_dir(above).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        let left = || File::open(entry.path().join(UNFINISHED)).is_ok_and(|mark| mark.try_lock().is_ok());
        if ours && left() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A backup that is unpacked; gone when it is dropped before it is whole.
struct Unpacked {
    folder: TempDir,
    /// Locked for as long as somebody works here.
    _mark: File,
}

impl Unpacked {
    fn begin(data: &Path) -> Result<Self, BackupError> {
        let (above, prefix) = beside(data, "restoring")?;
        std::fs::create_dir_all(&above).map_err(failed(&above, "made"))?;
        let mut builder = tempfile::Builder::new();
        let private = builder.prefix(&prefix).permissions(Permissions::from_mode(0o700));
        let folder = private.tempdir_in(&above).map_err(failed(&above, "written to"))?;
        let path = folder.path().join(UNFINISHED);
        let mark = File::create_new(&path).map_err(failed(&path, "written"))?;
        mark.try_lock().map_err(|error| failed(&path, "locked")(error.into()))?;
        Ok(Self { folder, _mark: mark })
    }

    /// Makes what was unpacked outlive a crash, and checks that a node can start with it.
    fn finish(self) -> Result<TempDir, BackupError> {
        let folder = self.folder.path();
        if RedbStore::open(&folder.join(STORE))?.copied_at()?.is_none() {
            return Err(BackupError::Foreign("its store was put there by somebody else".to_owned()));
        }
        let mark = folder.join(UNFINISHED);
        std::fs::remove_file(&mark).map_err(failed(&mark, "removed"))?;
        for part in [AUTHORITY, PLUGINS, ""].map(|name| folder.join(name)) {
            if part.is_dir() {
                settle(&part)?;
            }
        }
        Ok(self.folder)
    }
}

impl Sink for Unpacked {
    type File = File;

    fn begin(&mut self, manifest: &Manifest) -> Result<(), BackupError> {
        let path = self.folder.path();
        let there = statvfs(path).map_err(|error| failed(path, "looked at")(error.into()))?;
        let (needed, free) = (manifest.bytes(), there.f_bavail.saturating_mul(there.f_frsize));
        if needed > free {
            return Err(BackupError::NoRoom { needed, free, path: path.to_owned() });
        }
        Ok(())
    }

    fn open(&mut self, part: &Part) -> Result<File, BackupError> {
        let path = self.folder.path().join(part.to_string());
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder, "made"))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.map_err(failed(&path, "written"))
    }

    fn close(&mut self, part: &Part, file: File) -> Result<(), BackupError> {
        file.sync_all().map_err(failed(part.to_string().as_ref(), "written"))
    }
}

fn settle(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder, "written"))
}

/// Gives the whole folder the data folder's name. Returns where what had it before is.
fn take_place(whole: TempDir, data: &Path, occupied: bool) -> Result<Option<PathBuf>, BackupError> {
    let place = |source| BackupError::Place { path: data.to_owned(), source };
    let (above, prefix) = beside(data, "before-restore")?;
    if !occupied {
        // Into no folder, or an empty one.
        std::fs::rename(whole.path(), data).map_err(place)?;
        let _ = whole.keep();
        settle(&above)?;
        return Ok(None);
    }
    // The two change places at once: there is no moment without a data folder.
    renameat_with(CWD, whole.path(), CWD, data, RenameFlags::EXCHANGE).map_err(|error| place(error.into()))?;
    let former = whole.keep();
    settle(&above)?;
    let kept = (0..).map(|n| above.join(format!("{prefix}{}", now().0.saturating_add(n)))).find(|path| !path.exists());
    let Some(kept) = kept else { return Ok(Some(former)) };
    if std::fs::rename(&former, &kept).is_err() {
        return Ok(Some(former));
    }
    settle(&above)?;
    Ok(Some(kept))
}
