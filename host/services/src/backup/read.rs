//! Reading a backup, of which nothing is believed: what it says of itself has limits, and nothing may be in it but what it
//! says, in that order, with that length and that digest.

use super::error::BackupError;
use super::manifest::{Digest, LONGEST_MANIFEST, Listed, Manifest, NAME, Part};
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};
use tar::{Archive, Entry, EntryType};

/// The most bytes behind the last file: a tar ends with blocks of noughts.
const LONGEST_END: u64 = 1 << 20;

/// Takes what is in a backup while it is read.
pub(super) trait Sink {
    /// Where one file goes.
    type File: Write;

    /// The backup says that this is in it.
    fn begin(&mut self, manifest: &Manifest) -> Result<(), BackupError>;

    /// This file comes next.
    fn open(&mut self, part: &Part) -> Result<Self::File, BackupError>;

    /// It came whole.
    fn close(&mut self, part: &Part, file: Self::File) -> Result<(), BackupError>;
}

/// Reads a backup to its end, and keeps nothing of it. Blocks.
///
/// # Errors
/// [`BackupError::Foreign`], [`BackupError::Damaged`] or [`BackupError::TooNew`].
pub fn verify(backup: impl Read) -> Result<Manifest, BackupError> {
    struct Nothing;
    impl Sink for Nothing {
        type File = io::Sink;
        fn begin(&mut self, _: &Manifest) -> Result<(), BackupError> {
            Ok(())
        }
        fn open(&mut self, _: &Part) -> Result<io::Sink, BackupError> {
            Ok(io::sink())
        }
        fn close(&mut self, _: &Part, _: io::Sink) -> Result<(), BackupError> {
            Ok(())
        }
    }
    read(backup, &mut Nothing)
}

/// Reads a backup to its end. What the sink got before an error is worth nothing.
pub(super) fn read<S: Sink>(backup: impl Read, sink: &mut S) -> Result<Manifest, BackupError> {
    let mut archive = Archive::new(GzDecoder::new(backup));
    // Raw: what tells of long names and the like is in no backup, and would be read into memory whole.
    let mut entries = archive.entries().map_err(|error| foreign(&error))?.raw(true);
    let first = entries.next().ok_or_else(|| BackupError::Foreign("it is empty".to_owned()))?;
    let manifest = read_manifest(first.map_err(|error| foreign(&error))?)?;
    sink.begin(&manifest)?;
    for listed in &manifest.files {
        let entry = entries.next().ok_or_else(|| damaged(&format!("{} isn't in it", listed.name)))?;
        take(entry.map_err(|error| damaged(&error))?, listed, sink)?;
    }
    match entries.next() {
        None => {}
        Some(Ok(_)) => return Err(damaged(&"there is more in it than it says")),
        Some(Err(error)) => return Err(damaged(&error)),
    }
    // The last bytes have the checksum of all.
    let rest =
        io::copy(&mut archive.into_inner().take(LONGEST_END), &mut io::sink()).map_err(|error| damaged(&error))?;
    if rest < LONGEST_END { Ok(manifest) } else { Err(damaged(&"it doesn't end where it says")) }
}

fn read_manifest(entry: Entry<'_, impl Read>) -> Result<Manifest, BackupError> {
    if entry.path_bytes() != NAME.as_bytes() || entry.header().entry_type() != EntryType::Regular {
        return Err(BackupError::Foreign(format!("it doesn't begin with {NAME}")));
    }
    let mut text = Vec::new();
    entry.take(LONGEST_MANIFEST + 1).read_to_end(&mut text).map_err(|error| damaged(&error))?;
    if text.len() as u64 > LONGEST_MANIFEST {
        return Err(BackupError::Foreign("what it says of itself has no end".to_owned()));
    }
    Manifest::parse(&text)
}

fn take<S: Sink>(mut entry: Entry<'_, impl Read>, listed: &Listed, sink: &mut S) -> Result<(), BackupError> {
    let Listed { name, bytes, sha256 } = listed;
    let expected = entry.path_bytes() == name.to_string().as_bytes() && entry.size() == *bytes;
    if !expected || entry.header().entry_type() != EntryType::Regular {
        let found: String = String::from_utf8_lossy(&entry.path_bytes()).chars().take(100).collect();
        return Err(damaged(&format!("where {name} should be it has {found:?}, or another length or kind of it")));
    }
    let mut file = sink.open(name)?;
    let (mut hash, mut buffer, mut left) = (Sha256::new(), vec![0; 64 << 10], *bytes);
    while left > 0 {
        let read = entry.read(&mut buffer).map_err(|error| damaged(&error))?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            return Err(damaged(&format!("{name} ends too early")));
        };
        hash.update(piece);
        file.write_all(piece).map_err(super::error::failed(name.to_string().as_ref(), "written"))?;
        left = left.saturating_sub(read as u64);
    }
    if Digest::of(hash) != *sha256 {
        return Err(damaged(&format!("{name} isn't what it was when it was written")));
    }
    sink.close(name, file)
}

fn foreign(error: &io::Error) -> BackupError {
    BackupError::Foreign(format!("it can't be unpacked: {error}"))
}

fn damaged(why: &dyn std::fmt::Display) -> BackupError {
    BackupError::Damaged(why.to_string())
}
