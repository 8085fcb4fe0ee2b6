//! A run that asks devices something: a request each, and the run ends when each of them has.
//!
//! The ID of each request follows from its run. So a run that is performed anew after a crash finds those that were asked before
//! it, and nothing is asked twice.

use super::Schedules;
use crate::error::ServiceError;
use crate::requests::{Limits, NewRequest, RequestView, Target};
use futures::{StreamExt, stream};
use hostler_core::request::{Outcome as Ended, Question};
use hostler_core::schedule::{Asked, Became, Outcome, Run};
use hostler_core::viewer::Viewer;
use hostler_core::{DeviceId, RequestId, ScheduleId};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// So many are asked before the next are: less than what a node lets wait at all.
const AT_ONCE: usize = 5_000;

/// So many requests are stored at a time: they share writes to the disk.
const TOGETHER: usize = 64;

impl Schedules {
    /// Asks each of these devices, waits until each has ended, and says what became of each.
    pub(super) async fn ask_each(
        &self,
        viewer: &Viewer,
        (schedule, run): (&ScheduleId, &Run),
        devices: Vec<DeviceId>,
        asked: &Asked,
        limits: Limits,
    ) -> Outcome {
        let mut each = Vec::new();
        for some in devices.chunks(AT_ONCE) {
            let asking = some.iter().cloned().map(|device| async move {
                let id = request_of(schedule, run, &device)?;
                self.ask_one(viewer, id.clone(), &device, asked, limits).await.map(|()| id)
            });
            let begun: Vec<_> = stream::iter(asking).buffered(TOGETHER).collect().await;
            let ids: BTreeSet<RequestId> = begun.iter().flatten().cloned().collect();
            let ended = self.requests.ended(viewer, ids).await;
            each.extend(some.iter().zip(begun).map(|(device, begun)| became(device, begun, &ended)));
        }
        Outcome::of_each(each)
    }

    /// Asks one device, unless it was asked before.
    async fn ask_one(
        &self,
        viewer: &Viewer,
        id: RequestId,
        device: &DeviceId,
        asked: &Asked,
        limits: Limits,
    ) -> Result<(), ServiceError> {
        match self.requests.get(viewer, &id) {
            Err(ServiceError::NotFound(_)) => {
                let question = self.question(viewer, device, asked).await?;
                let new = NewRequest { target: Target::Device, question, limits };
                self.requests.ask_by(viewer, id, new).await.map(drop)
            }
            known => known.map(drop),
        }
    }

    async fn question(&self, viewer: &Viewer, device: &DeviceId, asked: &Asked) -> Result<Question, ServiceError> {
        Ok(match asked {
            Asked::Counters => Question::Counters { device: device.clone() },
            Asked::Power { wish } => Question::SetPower { device: device.clone(), wish: *wish },
            Asked::Command { name, arguments } => {
                self.requests.command_of(viewer, device, name, arguments.clone()).await?
            }
        })
    }
}

fn became(
    device: &DeviceId,
    begun: Result<RequestId, ServiceError>,
    ended: &BTreeMap<RequestId, RequestView>,
) -> Became {
    let device = device.clone();
    let id = match begun {
        Ok(id) => id,
        Err(why) => return Became { device, request: None, failed: Some(why.to_string()) },
    };
    let failed = match ended.get(&id).and_then(|view| view.outcome.as_ref()) {
        Some(Ended::Answered(_)) => None,
        Some(Ended::Failed(failure)) => Some(failure.why.clone()),
        None => Some("its request isn't kept any more; what became of it isn't known".to_owned()),
    };
    Became { device, request: Some(id), failed }
}

/// The request of a run for a device. A schedule that was removed and made anew counts its runs anew, and begins them later.
fn request_of(schedule: &ScheduleId, run: &Run, device: &DeviceId) -> Result<RequestId, ServiceError> {
    let digest = Sha256::digest(format!("{schedule} {} {} {device}", run.number, run.began_at.0));
    let digits: String = hex::encode(digest).chars().take(32).collect();
    digits.parse().map_err(|error: hostler_core::BadId| ServiceError::Internal(error.to_string()))
}
