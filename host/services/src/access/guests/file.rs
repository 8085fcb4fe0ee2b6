//! A guest list in a file: one user ID a line, or the first column of a CSV file. It is read again when it changes.

use super::away;
use crate::error::ServiceError;
use hostler_core::UserName;
use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines of one reading that are said to be bad one by one; of the rest it is said how many there are.
const SAID: usize = 20;

/// What tells one state of a file from another: its inode, its length, and when it was written.
type State = (u64, u64, i64, i64);

/// What was read, and of which state of the file.
type Known = Option<(State, HashSet<String>)>;

/// A guest list in a file.
#[derive(Clone, Debug)]
pub struct GuestFile {
    path: PathBuf,
    read: Arc<Mutex<Known>>,
}

impl GuestFile {
    /// The list in this file, which is read when somebody is looked for.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: Arc::default() }
    }

    /// Whether somebody is on it. Capital and small letters count the same, as in mail addresses.
    pub(super) async fn has(&self, user: &UserName) -> Result<bool, ServiceError> {
        let (list, wanted) = (self.clone(), user.as_str().to_ascii_lowercase());
        let looked = tokio::task::spawn_blocking(move || list.look(&wanted))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        looked.map_err(|error| {
            tracing::error!(%error, file = %self.path.display(), "the guest list can't be read");
            away()
        })
    }

    fn look(&self, wanted: &str) -> io::Result<bool> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state(&std::fs::metadata(&self.path)?);
        if let Some((_, guests)) = read.as_ref().filter(|(known, _)| *known == state) {
            return Ok(guests.contains(wanted));
        }
        // The state from before reading: what is written meanwhile is read the next time.
        let text = String::from_utf8_lossy(&std::fs::read(&self.path)?).into_owned();
        let (guests, bad) = parse(&text);
        let file = self.path.display();
        for (line, why) in bad.iter().take(SAID) {
            tracing::warn!(%file, line, why, "a line of the guest list is passed over");
        }
        if bad.len() > SAID {
            tracing::warn!(%file, lines = bad.len(), "so many lines of the guest list are passed over");
        }
        tracing::info!(%file, guests = guests.len(), "the guest list was read");
        let found = guests.contains(wanted);
        *read = Some((state, guests));
        Ok(found)
    }
}

fn state(metadata: &Metadata) -> State {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// The user IDs in small letters, and the lines that have none, counted from 1. Empty lines and those that begin with `#`
/// are neither.
fn parse(text: &str) -> (HashSet<String>, Vec<(usize, String)>) {
    let (mut guests, mut bad) = (HashSet::new(), Vec::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // No user ID has one of these, so whatever separates the columns ends the first one.
        let first = line.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"').trim();
        match first.parse::<UserName>() {
            Ok(user) => _ = guests.insert(user.as_str().to_ascii_lowercase()),
            Err(why) => bad.push((number, why.to_string())),
        }
    }
    (guests, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e14_user_ids_are_read_from_lines_and_from_first_columns() {
        let text =
            "\u{feff}# guests of the fair\r\nada@example.org\r\n\n\"Grace@Example.org\",Grace,\"Hopper\"\n lin ; x\n";
        let (guests, bad) = parse(text);
        let mut guests: Vec<_> = guests.into_iter().collect();
        guests.sort_unstable();
        assert_eq!(
            (guests, bad),
            (["ada@example.org", "grace@example.org", "lin"].map(str::to_owned).to_vec(), vec![])
        );
    }

    #[test]
    fn e14_a_bad_line_is_told_by_its_number_and_the_others_hold() {
        let (guests, bad) = parse("ada\nno id (at all)\n,x\ngrace\n");
        assert_eq!(guests.len(), 2);
        assert_eq!(bad.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
        assert!(bad[0].1.contains("user ID"), "{bad:?}");
    }

    #[tokio::test]
    async fn e14_the_file_is_read_again_when_it_changes_and_nobody_is_let_in_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guests.csv");
        let (ada, grace): (UserName, UserName) = ("Ada".parse().unwrap(), "grace".parse().unwrap());
        std::fs::write(&path, "ada\n").unwrap();
        let list = GuestFile::new(path.clone());
        assert_eq!((list.has(&ada).await, list.has(&grace).await), (Ok(true), Ok(false)));
        std::fs::write(&path, "grace\nx\n").unwrap();
        assert_eq!((list.has(&ada).await, list.has(&grace).await), (Ok(false), Ok(true)));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(list.has(&grace).await, Err(ServiceError::Unavailable(_))));
    }
}
