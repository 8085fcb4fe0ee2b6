//! A node's own log, kept in files of bounded size and number, and read in pieces.
//!
//! A file is named after the place of its first byte: how many bytes were ever written before it. So a place stays true when
//! old files go, and whoever reads on from one learns whether anything is missing.

use hostler_core::Timestamp;
use hostler_core::upkeep::{LogFrom, LogPiece};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The size of a file, in bytes, beyond which the next one is begun.
const FILE: u64 = 1 << 20;
/// So many files are kept.
const FILES: usize = 8;
/// The largest piece that is given out, in bytes: as JSON, in a message, it has room.
const PIECE: usize = 12 << 10;
/// The same as JSON, where much has to be escaped.
const PIECE_AS_JSON: usize = 18 << 10;

/// A log in files. It has one writer, which is this.
pub struct Journal {
    folder: PathBuf,
    file_size: u64,
    files: usize,
    writing: Mutex<Writing>,
}

struct Writing {
    file: File,
    /// Where each file begins, the oldest first; the last is written.
    starts: Vec<u64>,
    /// Where the last one ends.
    end: u64,
}

impl Journal {
    /// Goes on with the files of this folder, or begins.
    ///
    /// # Errors
    /// The folder can't be made or written.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        Self::bounded(folder, FILE, FILES)
    }

    fn bounded(folder: &Path, file_size: u64, files: usize) -> io::Result<Arc<Self>> {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut starts = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let start = name.to_str().and_then(|name| name.strip_suffix(".log"));
            starts.extend(start.and_then(|start| start.parse::<u64>().ok()));
        }
        starts.sort_unstable();
        if starts.is_empty() {
            starts.push(0);
        }
        let last = starts.last().copied().unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path(folder, last))?;
        let end = last + file.metadata()?.len();
        let writing = Mutex::new(Writing { file, starts, end });
        Ok(Arc::new(Self { folder: folder.to_owned(), file_size, files, writing }))
    }

    /// Writes lines.
    ///
    /// # Errors
    /// The disk's; what was written is whole lines all the same, but for the last.
    pub fn write(&self, lines: &[u8]) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let start = writing.starts.last().copied().unwrap_or_default();
        if writing.end > start && writing.end - start + lines.len() as u64 > self.file_size {
            let end = writing.end;
            let path = path(&self.folder, end);
            writing.file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
            writing.starts.push(end);
        }
        while writing.starts.len() > self.files {
            let oldest = writing.starts.remove(0);
            // One that stays is tried again at the next start.
            let _ = std::fs::remove_file(path(&self.folder, oldest));
        }
        writing.file.write_all(lines)?;
        writing.end += lines.len() as u64;
        Ok(())
    }

    /// A piece of it. Blocks.
    ///
    /// # Errors
    /// The disk's.
    pub fn read(&self, from: LogFrom) -> io::Result<LogPiece> {
        let (starts, end) = {
            let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            (writing.starts.clone(), writing.end)
        };
        let oldest = starts.first().copied().unwrap_or_default();
        let (wanted, whole_lines) = match from {
            LogFrom::Start => (oldest, false),
            LogFrom::Newest => (end.saturating_sub(PIECE as u64).max(oldest), true),
            LogFrom::At(at) => (at, false),
            // What was written since this began comes with the next piece.
            LogFrom::Since(since) => (self.place_of(&starts, since)?.map_or(end, |place| place.min(end)), false),
        };
        // A place that there never was is one of another log: of this folder before it was emptied.
        let mut turned_over = wanted < oldest || wanted > end;
        let mut at = if turned_over { oldest } else { wanted };
        let mut bytes = self.bytes(&starts, at, end)?;
        // A file that somebody deleted or cut: it goes on with the next that can be read, so that who reads on comes to an end.
        let mut later = starts.iter().copied().filter(move |start| *start > at);
        while bytes.is_empty() && at < end {
            (at, turned_over) = (later.next().unwrap_or(end), true);
            bytes = self.bytes(&starts, at, end)?;
        }
        if whole_lines && !starts.contains(&at) {
            let cut = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            bytes.drain(..cut);
            at += cut as u64;
        }
        let reaches_end = at + bytes.len() as u64 >= end;
        let (text, taken) = lines(&bytes, reaches_end);
        Ok(LogPiece { at, next: at + taken as u64, end, oldest, turned_over, text })
    }

    /// As many bytes from this place on as a piece has, over the borders of files, up to the end or to where some are missing.
    fn bytes(&self, starts: &[u64], at: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let place = at + bytes.len() as u64;
            let (before, after) = starts.split_at(starts.partition_point(|start| *start <= place));
            let border = after.first().copied().unwrap_or(end);
            let most = border.saturating_sub(place).min((PIECE - bytes.len()) as u64);
            let Some(start) = before.last().filter(|_| most > 0) else { return Ok(bytes) };
            let mut file = match File::open(path(&self.folder, *start)) {
                // It went since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes),
                opened => opened?,
            };
            file.seek(SeekFrom::Start(place - start))?;
            if (file.take(most).read_to_end(&mut bytes)? as u64) < most {
                return Ok(bytes);
            }
        }
    }

    /// Where the first line is that was written at this time or later.
    fn place_of(&self, starts: &[u64], since: Timestamp) -> io::Result<Option<u64>> {
        let since = since.to_string();
        // To the second: all of them have the same form, so that they compare as text.
        let since = since.trim_end_matches('Z');
        for start in starts {
            let text = match std::fs::read(path(&self.folder, *start)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            let mut at = *start;
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                let stamp = line.get(..since.len()).filter(|stamp| stamp.first().is_some_and(u8::is_ascii_digit));
                if stamp.is_some_and(|stamp| stamp >= since.as_bytes()) {
                    return Ok(Some(at));
                }
                at += line.len() as u64;
            }
        }
        Ok(None)
    }
}

/// Whole lines of these bytes, as many as fit into a message, and how many bytes they are. A line that is too long by itself is cut.
fn lines(bytes: &[u8], reaches_end: bool) -> (String, usize) {
    let mut most = bytes.len();
    loop {
        let part = bytes.get(..most).unwrap_or(bytes);
        let whole =
            if reaches_end && most == bytes.len() { None } else { part.iter().rposition(|byte| *byte == b'\n') };
        let taken = whole.map_or(part.len(), |newline| newline + 1);
        let text = String::from_utf8_lossy(part.get(..taken).unwrap_or(part)).into_owned();
        if hostler_core::message::weight(&text) <= PIECE_AS_JSON || most < 2 {
            return (text, taken);
        }
        most /= 2;
    }
}

fn path(folder: &Path, start: u64) -> PathBuf {
    folder.join(format!("{start:020}.log"))
}

/// Writes to a journal what it is given; what the disk refuses is lost, and the node goes on.
#[derive(Clone)]
pub struct JournalWriter(pub Arc<Journal>);

impl Write for JournalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32) -> String {
        format!("2026-11-22T05:16:{:02}.123456Z  INFO line {number}\n", number % 60)
    }

    fn all(journal: &Journal, from: LogFrom) -> (String, bool) {
        let (mut text, mut from, mut turned) = (String::new(), from, false);
        loop {
            let piece = journal.read(from).unwrap();
            turned |= piece.turned_over;
            text += &piece.text;
            if piece.next >= piece.end {
                return (text, turned);
            }
            from = LogFrom::At(piece.next);
        }
    }

    #[test]
    fn d07_a_log_is_bounded_and_read_on_where_it_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::bounded(folder.path(), 1_000, 3).unwrap();
        (0..10).for_each(|number| journal.write(line(number).as_bytes()).unwrap());
        let first = journal.read(LogFrom::Start).unwrap();
        assert!(first.text.ends_with("line 9\n") && !first.turned_over && first.next == first.end, "{first:?}");
        drop(journal);
        let journal = Journal::bounded(folder.path(), 1_000, 3).unwrap();
        (10..30).for_each(|number| journal.write(line(number).as_bytes()).unwrap());
        let (rest, turned) = all(&journal, LogFrom::At(first.next));
        assert!(rest.starts_with(&line(10)) && rest.ends_with("line 29\n") && !turned, "{rest}");
        (30..200).for_each(|number| journal.write(line(number).as_bytes()).unwrap());
        let (rest, turned) = all(&journal, LogFrom::At(first.next));
        assert!(turned && rest.ends_with("line 199\n"), "what isn't kept is said");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
        let newest = journal.read(LogFrom::Newest).unwrap();
        assert!(newest.text.starts_with("2026") && newest.text.ends_with("line 199\n"), "{newest:?}");
        assert_eq!(newest.next, newest.end);
        let beyond = journal.read(LogFrom::At(newest.end + 1)).unwrap();
        assert!(beyond.turned_over, "a place of another log");
    }

    #[test]
    fn d07_what_went_from_the_middle_of_a_log_is_said_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::bounded(folder.path(), 500, 9).unwrap();
        (0..60).for_each(|number| journal.write(line(number).as_bytes()).unwrap());
        let starts = journal.writing.lock().unwrap().starts.clone();
        let file = |number: usize| path(folder.path(), *starts.get(number).unwrap());
        std::fs::remove_file(file(1)).unwrap();
        File::options().write(true).open(file(3)).unwrap().set_len(100).unwrap();
        let (text, turned) = all(&journal, LogFrom::Start);
        assert!(turned && text.starts_with(&line(0)) && text.ends_with(&line(59)), "{text}");
        let gone = journal.read(LogFrom::At(starts.get(1).unwrap() + 1)).unwrap();
        assert!(gone.turned_over && gone.at == *starts.get(2).unwrap() && gone.next > gone.at, "{gone:?}");
        std::fs::remove_file(file(starts.len() - 1)).unwrap();
        let last = journal.read(LogFrom::At(*starts.last().unwrap())).unwrap();
        assert!(last.turned_over && last.next == last.end && last.text.is_empty(), "{last:?}");
    }

    #[test]
    fn d07_a_log_is_read_since_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::bounded(folder.path(), 500, 9).unwrap();
        (0..20).for_each(|number| journal.write(line(number).as_bytes()).unwrap());
        // 2026-11-22T05:16:07Z
        let since = |second: u64| LogFrom::Since(Timestamp(1_795_324_560_000 + second * 1_000));
        let (text, turned) = all(&journal, since(7));
        assert!(text.starts_with(&line(7)) && !turned, "{text}");
        assert_eq!(journal.read(since(40)).unwrap().text, "", "nothing was written since");
    }

    #[test]
    fn d07_a_piece_fits_into_a_message_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        journal.write("\u{1}".repeat(60_000).as_bytes()).unwrap();
        let piece = journal.read(LogFrom::Start).unwrap();
        assert!(hostler_core::message::weight(&piece.text) <= PIECE_AS_JSON && piece.next > 0, "{}", piece.next);
        assert_eq!(all(&journal, LogFrom::Start).0.len(), 60_000);
    }
}
