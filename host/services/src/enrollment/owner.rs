//! What owners and administrators do with devices that came in: look at them, let one return after a reset, bar one that
//! was lost, release one for another owner. What was issued to it ends with that, at once.

use super::Enrollment;
use crate::error::ServiceError;
use hostler_core::access::{Child, TokenDigest};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Ended, Enrolled, Moved, Standing, WrongStanding};
use hostler_core::event::Event;
use hostler_core::message::CallsNow;
use hostler_core::reading::Severity;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{DeviceId, NodeId, Timestamp, UserName};
use hostler_engine::now;
use hostler_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// How often a standing is changed anew when the device changes its row at the same time.
const OWNERS_TRIES: u32 = 50;

/// How a device that came in stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// It has a token.
    Connected,
    /// It may connect anew with another key.
    MayReturn,
    /// It may not connect.
    Barred,
    /// It is nobody's.
    Released,
}

impl Stands {
    /// As programs and people search for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::MayReturn => "may-return",
            Self::Barred => "barred",
            Self::Released => "released",
        }
    }
}

/// A device that came in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct EnrolledView {
    /// Which device.
    pub device: DeviceId,
    /// Its node.
    pub node: NodeId,
    /// Whose it is.
    pub owner: UserName,
    /// When it came in.
    pub at: Timestamp,
    /// How it stands.
    pub standing: Stands,
    /// Since when, where it isn't connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why it is barred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl From<Enrolled> for EnrolledView {
    fn from(row: Enrolled) -> Self {
        let (standing, since, why) = match row.state {
            Standing::Connected => (Stands::Connected, None, None),
            Standing::MayReturn { since } => (Stands::MayReturn, Some(since), None),
            Standing::Barred { since, why } => (Stands::Barred, Some(since), Some(why)),
            Standing::Released { since } => (Stands::Released, Some(since), None),
        };
        let Enrolled { device, node, owner, at, .. } = row;
        Self { device, node, owner, at, standing, since, why }
    }
}

impl Enrollment {
    /// The devices that came in: one's own, or everybody's for an administrator.
    #[must_use]
    pub fn enrolled(&self, viewer: &Viewer) -> Vec<EnrolledView> {
        self.roll.all(|row| sees(viewer, row)).into_iter().map(EnrolledView::from).collect()
    }

    /// Lets a device connect anew with another key, as after a reset; by a PIN of its owner.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for who may not see it; [`ServiceError::Conflict`] where it is barred or released.
    pub async fn let_return(&self, viewer: &Viewer, device: &DeviceId) -> Result<(), ServiceError> {
        self.change(viewer, device, "may connect anew, by a PIN of its owner", |row| row.let_return(now())).await
    }

    /// Bars a device that was lost, until somebody lifts that.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], also for who may not see it.
    pub async fn bar(&self, viewer: &Viewer, device: &DeviceId, why: &str) -> Result<(), ServiceError> {
        self.change(viewer, device, "is barred", |row| Ok(row.bar(why, now()))).await
    }

    /// Lifts a bar; the device may connect anew.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or [`ServiceError::Conflict`] where it isn't barred.
    pub async fn unbar(&self, viewer: &Viewer, device: &DeviceId) -> Result<(), ServiceError> {
        self.change(viewer, device, "isn't barred any more", |row| row.unbar(now())).await
    }

    /// Releases a device, so that it may connect by a PIN of another user.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or [`ServiceError::Conflict`] where it is barred.
    pub async fn release(&self, viewer: &Viewer, device: &DeviceId) -> Result<(), ServiceError> {
        self.change(viewer, device, "was released by its owner", |row| row.release(now())).await
    }

    async fn change(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        said: &str,
        change: impl Fn(Enrolled) -> Result<Moved, WrongStanding>,
    ) -> Result<(), ServiceError> {
        // A device that asks again and again changes its row as often; that shall not save it.
        for _ in 1..OWNERS_TRIES {
            match self.commit_and_tell(self.moving(viewer, device, said, &change)?).await {
                Err(StoreError::Conflict { what }) => tracing::debug!(%what, "a device's standing is changed anew"),
                outcome => return Ok(outcome?),
            }
        }
        Ok(self.commit_and_tell(self.moving(viewer, device, said, &change)?).await?)
    }

    fn moving(
        &self,
        viewer: &Viewer,
        device: &DeviceId,
        said: &str,
        change: &impl Fn(Enrolled) -> Result<Moved, WrongStanding>,
    ) -> Result<Changes, ServiceError> {
        let row = self.store.enrolled(device)?.filter(|row| sees(viewer, &row.value));
        let row = row.ok_or_else(|| ServiceError::NotFound(format!("no device {device} came in")))?;
        let before = row.value.clone();
        let Moved { next, ends } = change(row.value).map_err(|why| ServiceError::Conflict(why.to_string()))?;
        if next == before {
            return Ok(Changes::none());
        }
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "device.standing".to_owned(),
            severity: Severity::Warning,
            text: format!("{device} {said}; {} said so", viewer.user),
        };
        let value = Some(Box::new(next));
        let mut changes = Changes::from(Change::Happened(event)).and(Change::Enrolled {
            device: device.clone(),
            expect: Expect::Version(row.version),
            value,
        });
        if let Some(Ended { node, .. }) = ends
            && let Some(child) = self.store.child(&node)?.filter(|child| before.holds(&child.value))
        {
            // What it told stays; it can't call any more.
            let value = Some(Child { token: TokenDigest::ended(device), ..child.value });
            changes = changes.and(Change::Child { id: node, expect: Expect::Version(child.version), value });
        }
        if before.living().is_some() {
            changes = changes.with(self.calls_no_more(&before, CallsNow::Nobody)?);
        }
        Ok(changes)
    }
}

fn sees(viewer: &Viewer, row: &Enrolled) -> bool {
    viewer.user == row.owner || viewer.may(Right::Administer)
}
