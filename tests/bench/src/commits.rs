//! Durable commits with 64 writers, against the store's own limit: redb writing as many rows in one commit.

use crate::report::{Aim, Report};
use anyhow::Result;
use hostler_core::Timestamp;
use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_store::{RedbStore, Store};
use redb::{Database, TableDefinition};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WRITERS: u64 = 64;
const TIME: Duration = Duration::from_secs(4);
const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");

pub async fn measure(report: &Report) -> Result<()> {
    let folder = tempfile::tempdir_in("target")?;
    let store: Arc<dyn Store> = Arc::new(RedbStore::open(&folder.path().join("ours.redb"))?);
    let start = Instant::now();
    let writers = (0..WRITERS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut count = 0_u64;
            while start.elapsed() < TIME {
                store.commit(event()).await.expect("a commit");
                count += 1;
            }
            count
        })
    });
    let mut ours = 0;
    for writer in writers.collect::<Vec<_>>() {
        ours += writer.await?;
    }
    let other = bare(&folder.path().join("bare.redb"))?;
    let ours = ours as f64 / TIME.as_secs_f64();
    report.figure("durable commits, 64 writers", "/s", ours, other, Aim::None);
    Ok(())
}

fn event() -> Changes {
    let text = "A device was read, and this sentence is about as long as such sentences are".to_owned();
    let event =
        Event { at: Timestamp(1), node: None, device: None, name: "bench".to_owned(), severity: Severity::Info, text };
    Change::Happened(event).into()
}

/// Rows a second when 64 go into each commit.
fn bare(path: &std::path::Path) -> Result<f64> {
    let database = Database::create(path)?;
    let row = [7_u8; 160];
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < TIME {
        let write = database.begin_write()?;
        {
            let mut rows = write.open_table(ROWS)?;
            for _ in 0..WRITERS {
                rows.insert(count, row.as_slice())?;
                count += 1;
            }
        }
        write.commit()?;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
