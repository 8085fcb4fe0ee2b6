//! A copy of a store in use: every row as it is at one moment, in a new file. Row by row and not page by page, because
//! pages hold what was deleted long ago.

use super::tables as t;
use crate::StoreError;
use hostler_core::Timestamp;
use redb::{Builder, Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};
use std::path::Path;

/// Copies what this transaction sees into a file, which must not be there yet, and notes in it when that was.
pub(super) fn copy(read: &ReadTransaction, path: &Path, at: Timestamp) -> Result<(), StoreError> {
    // The engine would go on with a file that is there.
    std::fs::File::create_new(path).map_err(redb::Error::Io)?;
    let database = Builder::new().create(path)?;
    let write = database.begin_write()?;
    for rows in [t::DEVICES, t::PLACEMENTS, t::RELEASED, t::ADOPTIONS, t::PLUGINS, t::USERS, t::TOKENS, t::CHILDREN] {
        table(read, &write, rows)?;
    }
    for rows in [
        t::ROUTES,
        t::FLIGHTS,
        t::REGISTRATIONS,
        t::INVITATIONS,
        t::ENROLLED,
        t::MEMBERSHIP,
        t::LEDGER,
        t::SNAPSHOTS,
        t::SCHEDULES,
        t::FORWARDS,
        t::STANDING,
    ] {
        table(read, &write, rows)?;
    }
    table(read, &write, t::CANDIDATES)?;
    table(read, &write, t::PLUGIN_STATE)?;
    table(read, &write, t::ACTIONS)?;
    table(read, &write, t::EVENTS)?;
    table(read, &write, t::EVENTS_OF)?;
    table(read, &write, t::OUTBOX)?;
    table(read, &write, t::QUEUES)?;
    table(read, &write, t::INBOX)?;
    table(read, &write, t::EPOCHS)?;
    table(read, &write, t::MET)?;
    table(read, &write, t::GIVEN)?;
    table(read, &write, t::CHILD_TOKENS)?;
    table(read, &write, t::HISTORIES)?;
    table(read, &write, t::META)?;
    write.open_table(t::META)?.insert(t::COPIED, at.0)?;
    write.commit()?;
    Ok(())
}

fn table<K: Key + 'static, V: Value + 'static>(
    read: &ReadTransaction,
    write: &WriteTransaction,
    table: TableDefinition<'static, K, V>,
) -> Result<(), StoreError> {
    let (from, mut to) = (read.open_table(table)?, write.open_table(table)?);
    for row in from.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::{ReadableDatabase, ReadableTableMetadata, TableHandle};

    #[test]
    fn e07_no_table_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copied) = (folder.path().join("hostler.redb"), folder.path().join("copy.redb"));
        drop(crate::RedbStore::open(&path).unwrap());
        let database = Builder::new().open(&path).unwrap();
        let read = database.begin_read().unwrap();
        copy(&read, &copied, Timestamp(7)).unwrap();
        assert!(copy(&read, &copied, Timestamp(7)).is_err(), "nothing is written over");
        let copied = Builder::new().open(&copied).unwrap();
        let copy = copied.begin_read().unwrap();
        let names = |read: &ReadTransaction| {
            let mut names: Vec<_> = read.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&copy), names(&read));
        assert_eq!(
            copy.open_table(t::META).unwrap().len().unwrap(),
            1 + read.open_table(t::META).unwrap().len().unwrap()
        );
    }
}
