//! Memory of a manager for each child whose call it holds, TLS included: ten thousand of them.

use super::bare::Bare;
use super::children::{Child, authorities, enroll};
use super::poller::Poller;
use super::{Manager, resident_kib};
use crate::Arguments;
use crate::report::{Aim, Report};
use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use rustls::RootCertStore;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a child may cost.
const KIB: f64 = 30.0;
/// So many connect at a time.
const AT_A_TIME: usize = 64;
/// How long a call may be held: as nodes have it.
const HELD_MS: u32 = 25_000;
/// When all are held and nothing moves any more.
const SETTLED: Duration = Duration::from_secs(8);

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    // A descriptor for each, and some for everything else; who answers asks for its own.
    let most = rlimit::increase_nofile_limit(65_536)?;
    let count = (arguments.children as u64).min(most.saturating_sub(200)) as usize;
    if count < arguments.children {
        eprintln!("only {count} children: no more connections can be had here");
    }
    let folder = tempfile::tempdir_in("target")?;
    let manager = Manager::start(arguments, folder.path()).await?;
    let children = enroll(&manager, count).await?;
    let (nodes, authority) = (manager.nodes, manager.authority());
    // Anew, so that what letting them in took isn't there to be used again.
    drop(manager);
    let manager = Manager::start_again(arguments, folder.path(), nodes).await?;
    let ours = each(&children, &authorities(&[&authority])?, nodes, manager.process.0.id(), true).await?;
    drop(manager);
    let bare = Bare::start(folder.path(), Some(&authority), 0, true)?;
    let others = authorities(&[&bare.certificate])?;
    let other = each(&children, &others, bare.address, bare.process.0.id(), false).await?;
    report.figure(&format!("memory a held call, {count} children"), "KiB", ours, KIB, Aim::AtMost(1.0));
    report.figure("the same, bare axum that never answers", "KiB", ours, other, Aim::None);
    Ok(())
}

/// What the process grows by for each of these children whose call it holds.
async fn each(
    children: &[Child],
    authorities: &Arc<RootCertStore>,
    to: SocketAddr,
    process: u32,
    meet: bool,
) -> Result<f64> {
    let before = resident_kib(process)?;
    // Each is held as soon as it is connected: who says nothing for long is let go.
    let connect = |child| async move {
        let mut poller = Poller::connect(child, authorities, to).await.context("a child that connects")?;
        if meet {
            poller.meet(HELD_MS).await.context("a child that meets its manager")?;
        }
        let holding = async move {
            loop {
                if let Err(error) = poller.exchange().await {
                    return error;
                }
            }
        };
        anyhow::Ok(tokio::spawn(holding))
    };
    let held: Vec<_> = futures::stream::iter(children).map(connect).buffer_unordered(AT_A_TIME).try_collect().await?;
    tokio::time::sleep(SETTLED).await;
    let grown = resident_kib(process)? - before;
    let ended = held.iter().filter(|task| task.is_finished()).count();
    anyhow::ensure!(ended == 0, "{ended} calls ended");
    held.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(grown / children.len() as f64)
}
