//! Numbers that only grow, also over restarts: those of orders, and of readings that a node signs.

use super::error::AuthorityError;
use super::folder;
use hostler_core::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So far ahead numbers are reserved: the file is written once in this time, and not with each number.
const AHEAD: Duration = Duration::from_secs(3600);

/// Hands out numbers. They follow the clock, so that one whose file was lost, or put back to an earlier state, goes on above
/// what it gave out before; the file is for a clock that is set back.
pub(crate) struct Numbers {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    last: u64,
    reserved: u64,
}

impl Numbers {
    /// Those that a file tells of. Blocks.
    ///
    /// # Errors
    /// The file can't be read, or isn't what this wrote.
    pub(crate) fn open(path: &Path) -> Result<Self, AuthorityError> {
        let reserved = match folder::read(path)? {
            None => 0,
            Some(text) => text.trim().parse().map_err(|_| AuthorityError::Damaged {
                path: path.to_owned(),
                why: "there is no number in it".to_owned(),
            })?,
        };
        Ok(Self { path: path.to_owned(), state: Mutex::new(State { last: reserved, reserved }) })
    }

    /// The next one. Blocks now and then, while the file is written.
    ///
    /// # Errors
    /// The file can't be written.
    pub(crate) fn next(&self, now: Timestamp) -> Result<u64, AuthorityError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.0.max(state.last.saturating_add(1));
        if number > state.reserved {
            let reserved = Timestamp(number).plus(AHEAD).0;
            folder::write(&self.path, &reserved.to_string())?;
            state.reserved = reserved;
        }
        state.last = number;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d02_numbers_grow_over_restarts_and_clocks_that_are_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.number");
        let first = Numbers::open(&path).unwrap();
        let (now, hour) = (Timestamp(1_000_000_000), Duration::from_secs(3600));
        assert_eq!(first.next(now).unwrap(), now.0);
        assert_eq!(first.next(now).unwrap(), now.0 + 1);
        assert_eq!(first.next(Timestamp(5)).unwrap(), now.0 + 2, "the clock was set back");
        let again = Numbers::open(&path).unwrap();
        assert!(again.next(Timestamp(5)).unwrap() > now.0 + 2, "and the node was started anew");
        std::fs::remove_file(&path).unwrap();
        let lost = Numbers::open(&path).unwrap();
        assert_eq!(lost.next(now.plus(2 * hour)).unwrap(), now.plus(2 * hour).0);
        std::fs::write(&path, "none").unwrap();
        assert!(matches!(Numbers::open(&path), Err(AuthorityError::Damaged { .. })));
    }
}
