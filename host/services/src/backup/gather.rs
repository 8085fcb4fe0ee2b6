//! What goes into a backup, as it is at one moment: the store copied, every other file held open, and all of it listed.

use super::error::{BackupError, failed};
use super::manifest::{Digest, FORMAT, Listed, Manifest, Part};
use super::{AUTHORITY, PLUGINS, STORE};
use crate::membership::KEY;
use hostler_core::{NodeId, Timestamp};
use hostler_engine::now;
use hostler_store::{RedbStore, Store};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;
use tempfile::TempDir;

/// How the name of the folder begins that the store's copy is in while it is read.
pub(super) const COPY: &str = ".backup-";
/// How often the plug-ins are looked at anew, when they changed while the store was copied.
const TRIES: u32 = 5;

/// Everything that goes into a backup, held as it is.
pub struct Gathered {
    pub(super) manifest: Manifest,
    pub(super) files: Vec<File>,
    /// Where the copy of the store is; gone when this is dropped.
    _copy: TempDir,
}

/// Gathers what goes into a backup of a node that doesn't run. Nobody can start it meanwhile. Blocks.
///
/// # Errors
/// [`BackupError::NoNode`], [`hostler_store::StoreError::InUse`] when it runs, or what can't be read.
pub fn gather_stopped(data: &Path) -> Result<Gathered, BackupError> {
    let path = data.join(STORE);
    if !path.is_file() {
        return Err(BackupError::NoNode { path: data.to_owned() });
    }
    gather(&RedbStore::open(&path)?, data, None)
}

/// Gathers what goes into a backup. Commits go on meanwhile. Blocks.
pub(super) fn gather(store: &dyn Store, data: &Path, node: Option<NodeId>) -> Result<Gathered, BackupError> {
    for _ in 0..TRIES {
        let copy = tempfile::Builder::new().prefix(COPY).tempdir_in(data).map_err(failed(data, "written to"))?;
        let (path, at) = (copy.path().join(STORE), now());
        // What is held open stays, whoever removes it.
        let mut files = open_folder(data, PLUGINS)?;
        store.copy_to(&path, at)?;
        if open_folder(data, PLUGINS)?.keys().ne(files.keys()) {
            continue;
        }
        files.extend(open_folder(data, AUTHORITY)?);
        let key = data.join(KEY);
        match File::open(&key) {
            Ok(file) => _ = files.insert(Part::OwnKey, file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&key, "read")(error)),
        }
        files.insert(Part::Store, File::open(&path).map_err(failed(&path, "read"))?);
        return listed(files, copy, node, at);
    }
    Err(BackupError::Busy)
}

/// The files of a folder that are a backup's, open.
fn open_folder(data: &Path, folder: &str) -> Result<BTreeMap<Part, File>, BackupError> {
    let path = data.join(folder);
    let entries = match std::fs::read_dir(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(failed(&path, "read"))?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let name = entry.map_err(failed(&path, "read"))?.file_name();
        let part = name.to_str().and_then(|name| format!("{folder}/{name}").parse::<Part>().ok());
        let Some(part) = part else { continue };
        let path = path.join(&name);
        match File::open(&path) {
            Ok(file) => _ = files.insert(part, file),
            // It was replaced or removed since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, "read")(error)),
        }
    }
    Ok(files)
}

fn listed(
    files: BTreeMap<Part, File>,
    copy: TempDir,
    node: Option<NodeId>,
    at: Timestamp,
) -> Result<Gathered, BackupError> {
    let mut manifest =
        Manifest { format: FORMAT, hostler: env!("CARGO_PKG_VERSION").to_owned(), node, at, files: Vec::new() };
    let mut open = Vec::new();
    for (name, mut file) in files {
        let path = name.to_string();
        let (bytes, sha256) = digest(&mut file).map_err(failed(Path::new(&path), "read"))?;
        if bytes > name.longest() {
            return Err(BackupError::TooLong { most: name.longest(), name: path, bytes });
        }
        manifest.files.push(Listed { name, bytes, sha256 });
        open.push(file);
    }
    Ok(Gathered { manifest, files: open, _copy: copy })
}

/// A file's length and digest. It stands at its beginning afterwards.
fn digest(file: &mut File) -> std::io::Result<(u64, Digest)> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hash.update(piece);
        bytes += read as u64;
    }
    file.rewind()?;
    Ok((bytes, Digest::of(hash)))
}
