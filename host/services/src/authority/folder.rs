//! Files that only their owner may read, replaced as a whole: after a crash there is the old one or the new one.

use super::error::AuthorityError;
use std::fs::{File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// No key and no chain of ours is longer.
const LONGEST: u64 = 64 * 1024;
/// How the name of a file begins that isn't whole yet.
const HALF_WRITTEN: &str = ".half-written-";

pub(super) fn failed(path: &Path, what: &'static str) -> impl Fn(std::io::Error) -> AuthorityError {
    move |source| AuthorityError::Files { path: path.to_owned(), what, source }
}

/// The folder that a file is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes what happened in a folder outlive a crash.
pub(super) fn settle(folder: &Path) -> Result<(), AuthorityError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder, "written"))
}

/// Makes what happened beside a file or folder outlive a crash.
pub(super) fn settle_above(path: &Path) -> Result<(), AuthorityError> {
    settle(above(path))
}

/// Makes a folder where there is none, and lets nobody else in.
pub(super) fn private(folder: &Path) -> Result<(), AuthorityError> {
    std::fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed(folder, "made private"))
}

/// Writes a file, mode 0600, whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let folder = above(path);
    let write = || {
        // Such a file is its owner's only from the beginning.
        let mut file = tempfile::Builder::new().prefix(HALF_WRITTEN).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed(path, "written"))
}

/// What is in a file; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, AuthorityError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read")(error)),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    let damaged = |why: &str| AuthorityError::Damaged { path: path.to_owned(), why: why.to_owned() };
    if bytes.len() as u64 > LONGEST {
        return Err(damaged("it is too long"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is no text"))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Removes what a crash left half-written; a key may be in it.
pub(super) fn tidy(folder: &Path) -> Result<(), AuthorityError> {
    for file in std::fs::read_dir(folder).map_err(failed(folder, "read"))?.flatten() {
        if file.file_name().to_str().is_some_and(|name| name.starts_with(HALF_WRITTEN)) {
            std::fs::remove_file(file.path()).map_err(failed(&file.path(), "removed"))?;
        }
    }
    Ok(())
}
