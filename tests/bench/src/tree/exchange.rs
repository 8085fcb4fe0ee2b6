//! Exchanges a second that say nothing new, of 64 children that keep their connections, each with a certificate.

use super::bare::Bare;
use super::children::{Child, authorities, enroll};
use super::poller::Poller;
use super::{Manager, computed, median};
use crate::report::{Aim, Report};
use crate::{Arguments, goosebit};
use anyhow::Result;
use rustls::RootCertStore;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CHILDREN: usize = 64;
const TIME: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

pub async fn measure(arguments: &Arguments, report: &Report) -> Result<()> {
    let folder = tempfile::tempdir_in("target")?;
    let manager = Manager::start(arguments, folder.path()).await?;
    let children = Arc::new(enroll(&manager, CHILDREN).await?);
    let own = authorities(&[&manager.authority()])?;
    let first = children.first().ok_or_else(|| anyhow::anyhow!("no child"))?;
    let mut one = Poller::connect(first, &own, manager.nodes).await?;
    one.meet(0).await?;
    let bare = Bare::start(folder.path(), Some(&manager.authority()), one.exchange().await?, false)?;
    let other = authorities(&[&bare.certificate])?;
    let (mut ours, mut others) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    // In turns, so that what else the machine does hits both.
    for _ in 0..ROUNDS {
        for (authorities, address, process, figures) in [
            (&own, manager.nodes, manager.process.0.id(), &mut ours),
            (&other, bare.address, bare.process.0.id(), &mut others),
        ] {
            let before = computed(process)?;
            let (count, rate) = load(&children, authorities, address).await?;
            figures.0.push(rate);
            figures.1.push((computed(process)? - before) / count * 1e6);
        }
    }
    let (rate, bare_rate) = (median(&mut ours.0), median(&mut others.0));
    report.figure("exchanges over mutual TLS, 64 in flight", "/s", rate, bare_rate, Aim::AtLeast(0.6));
    let (each, bare_each) = (median(&mut ours.1), median(&mut others.1));
    report.figure("computing of who answers one of them", "µs", each, bare_each, Aim::None);
    if let Some(polls) = goosebit::rate(CHILDREN).await? {
        report.figure("the same, polls of goosebit (HTTP)", "/s", rate, polls, Aim::AtLeast(1.0));
    }
    Ok(())
}

/// How many exchanges there were, and how many a second.
async fn load(children: &Arc<Vec<Child>>, authorities: &Arc<RootCertStore>, to: SocketAddr) -> Result<(f64, f64)> {
    let mut pollers = Vec::new();
    for child in children.iter() {
        let mut poller = Poller::connect(child, authorities, to).await?;
        poller.exchange().await?;
        pollers.push(poller);
    }
    let start = Instant::now();
    let tasks: Vec<_> = pollers
        .into_iter()
        .map(|mut poller| {
            tokio::spawn(async move {
                let mut count = 0.0;
                while start.elapsed() < TIME {
                    poller.exchange().await?;
                    count += 1.0;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0.0;
    for task in tasks {
        count += task.await??;
    }
    Ok((count, count / start.elapsed().as_secs_f64()))
}
