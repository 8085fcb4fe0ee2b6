//! The steps of a membership, one at a time, and what follows from each.

use crate::authority::{AuthorityError, Identity, node_name};
use crate::trust::{Chain, MembersTrust};
use hostler_core::changes::{Change, Expect};
use hostler_core::enrollment::device::{By, Decline, Effect, Event, LONGEST_WAIT, State};
use hostler_core::enrollment::{EnrollmentKey, Membership, Papers, Pin};
use hostler_core::{DeviceId, Fingerprint, NodeId, Timestamp, UserName};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use hostler_transport::{CallParentError, Door, Seldom, Whom};
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use url::Url;
use utoipa::ToSchema;

/// The file of a node's own key, in its data folder.
pub const KEY: &str = "node.key";

/// A step that can't be stored is tried again after so long, where nobody waits for it.
const AGAIN: Duration = Duration::from_secs(2);

/// Why a node can't be or become a member.
#[derive(Debug, thiserror::Error)]
pub enum MembershipError {
    /// It doesn't take a PIN now.
    #[error("{0}")]
    Declined(#[from] Decline),
    /// What it is can't be stored; nothing was changed.
    #[error("this device can't store what it is told now: {0}")]
    Store(#[from] StoreError),
    /// Its own key.
    #[error(transparent)]
    Key(#[from] AuthorityError),
    /// The way to the manager.
    #[error(transparent)]
    Manager(#[from] CallParentError),
    /// The node ends.
    #[error("this device is about to stop; try again when it has started")]
    Stopping,
}

/// What a node is configured to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which device: its serial number or hardware address.
    pub device: DeviceId,
    /// What it calls itself in the tree.
    pub node: NodeId,
    /// What it is, for people, such as `Orchid C4500`.
    pub model: Option<String>,
    /// Where its manager listens for nodes, or the gateway that leads there.
    pub manager: Url,
    /// The gateway that it calls, where that isn't the manager.
    pub gateway: Option<NodeId>,
    /// By what it knows its manager.
    pub fingerprint: Fingerprint,
    /// How long the window stays open after the start, and after a key is pressed.
    pub window: Duration,
}

impl Settings {
    /// By what it knows whom it calls.
    #[must_use]
    pub fn whom(&self) -> Whom {
        Whom { root: self.fingerprint.clone(), gateway: self.gateway.as_ref().map(node_name) }
    }
}

/// What somebody brought.
pub enum Offered {
    /// A PIN.
    Pin(Pin),
    /// A key, which is proved and never sent.
    Key(EnrollmentKey),
}

/// Whether a node is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// It has no token, and no PIN that it tries.
    NotConnected,
    /// It tries a PIN or key.
    Connecting,
    /// It has a token.
    Connected,
}

impl Connection {
    /// As programs have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not-connected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
        }
    }
}

/// What a node's own page, display and agent show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Status {
    /// Which device it is.
    pub device: DeviceId,
    /// Its name in the tree.
    pub node: NodeId,
    /// What it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether it is connected.
    pub state: Connection,
    /// What the manager calls itself, where it is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Whose it is, where it is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserName>,
    /// Why it isn't connected, where it tried or was; while it connects, why the manager wasn't reached last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// For how many seconds it takes a PIN yet; 0 when it takes none.
    pub takes_pin_for_s: u64,
    /// Who was entered as its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// Where its manager is, or the gateway that leads there, by its configuration.
    #[schema(value_type = String)]
    pub manager_url: Url,
    /// The gateway that it calls, where that isn't the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<NodeId>,
    /// By what it knows its manager.
    pub fingerprint: Fingerprint,
}

/// The row, and its version where it was stored.
struct Row {
    version: Option<u64>,
    value: Membership,
}

/// A node that is, or may become, a member of its manager's fleet.
pub struct Member {
    /// What it is configured to be.
    pub settings: Settings,
    pub(super) identity: Arc<Identity>,
    pub(super) door: Door,
    store: Arc<dyn Store>,
    /// Held for a step: one at a time.
    row: tokio::sync::Mutex<Row>,
    offered: Mutex<Option<Offered>>,
    /// The row as it is stored, for everybody who looks.
    seen: watch::Sender<Membership>,
    /// That a PIN or key wasn't taken.
    said: Seldom,
    /// Why the last attempt brought no answer, while the next is waited for.
    trouble: Mutex<Option<String>>,
    /// Rings when the manager wants another certificate.
    pub(super) renew_now: Notify,
    me: Weak<Self>,
}

impl Member {
    /// The member as the store has it. Its window opens, where it isn't connected. Blocks.
    ///
    /// # Errors
    /// [`MembershipError`].
    pub async fn open(store: Arc<dyn Store>, folder: &Path, settings: Settings) -> Result<Arc<Self>, MembershipError> {
        let path = folder.join(KEY);
        let identity = match Identity::load(&path)? {
            Some(identity) => identity,
            None => {
                let made = Identity::make()?;
                made.save(&path)?;
                made
            }
        };
        let door = Door::new(&settings.manager, settings.whom())?;
        let row = store.membership()?.map_or(Row { version: None, value: Membership::default() }, |row| Row {
            version: Some(row.version),
            value: row.value,
        });
        let (seen, _) = watch::channel(row.value.clone());
        let member = Arc::new_cyclic(|me| Self {
            settings,
            identity: Arc::new(identity),
            door,
            store,
            row: tokio::sync::Mutex::new(row),
            offered: Mutex::new(None),
            seen,
            said: Seldom::default(),
            trouble: Mutex::default(),
            renew_now: Notify::new(),
            me: Weak::clone(me),
        });
        let _ = member.step(Event::Restarted, None).await?;
        if !matches!(member.seen.borrow().joining.state, State::Connected { .. }) {
            member.open_window().await?;
        }
        Ok(member)
    }

    /// What it shows.
    #[must_use]
    pub fn status(&self) -> Status {
        let Membership { joining, user, .. } = self.seen.borrow().clone();
        let takes_pin_for_s = joining.open_for(now()).as_secs();
        let Settings { device, node, model, manager: manager_url, gateway, fingerprint, .. } = self.settings.clone();
        let (state, manager, owner, why) = match joining.state {
            State::NotConnected { why } => (Connection::NotConnected, None, None, why.map(|why| why.to_string())),
            State::Connecting { .. } => (Connection::Connecting, None, None, self.trouble()),
            State::Connected { manager, owner } => (Connection::Connected, Some(manager), Some(owner), None),
        };
        Status {
            device,
            node,
            model,
            state,
            manager,
            owner,
            why,
            takes_pin_for_s,
            user,
            manager_url,
            gateway,
            fingerprint,
        }
    }

    /// By what it knows its manager, and what it vouches by. Blocks.
    ///
    /// # Errors
    /// [`MembershipError::Key`].
    pub fn trust(&self, folder: &Path) -> Result<Arc<MembersTrust>, MembershipError> {
        let seen = self.follow();
        let chain: Chain = Box::new(move || seen.borrow().papers.as_ref().map(|papers| papers.certificate.clone()));
        let known = (self.settings.node.clone(), self.settings.fingerprint.clone());
        Ok(MembersTrust::open(Arc::clone(&self.store), known, (Arc::clone(&self.identity), chain), folder)?)
    }

    /// Follows what it shows.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Membership> {
        self.seen.subscribe()
    }

    /// Takes a PIN or a key: from its network while its window is open, by hand always, unless it is connected.
    ///
    /// # Errors
    /// [`MembershipError::Declined`] says why not.
    pub async fn offer(&self, offered: Offered, by: By) -> Result<(), MembershipError> {
        let effects = self.step(Event::PinGiven(by), Some(offered)).await?;
        match effects.iter().find_map(|effect| if let Effect::Decline(why) = effect { Some(*why) } else { None }) {
            None => Ok(()),
            Some(why) => {
                self.say_not_taken(&why);
                Err(why.into())
            }
        }
    }

    /// A line in the log that somebody brought something in vain, seldom enough that nobody can fill it.
    pub fn say_not_taken(&self, why: &dyn std::fmt::Display) {
        let Some(others) = self.said.count() else { return };
        tracing::warn!(device = %self.settings.device, %why, others, "a PIN or key was not taken");
    }

    /// Opens the window: somebody at the device wants it to take a PIN.
    ///
    /// # Errors
    /// [`MembershipError::Store`].
    pub async fn open_window(&self) -> Result<(), MembershipError> {
        let until = now().plus(self.settings.window);
        self.step(Event::WindowOpened { until }, None).await.map(drop)
    }

    /// Closes it, and calls off what is being tried.
    ///
    /// # Errors
    /// [`MembershipError::Store`].
    pub async fn close_window(&self) -> Result<(), MembershipError> {
        self.step(Event::WindowClosed, None).await.map(drop)
    }

    /// Notes who the device's user is: only their PIN connects it then. `None` for anybody's.
    ///
    /// # Errors
    /// [`MembershipError::Store`].
    pub async fn set_user(&self, user: Option<UserName>) -> Result<(), MembershipError> {
        let me = self.me.upgrade().ok_or(MembershipError::Stopping)?;
        to_its_end(async move {
            let mut row = me.row.lock().await;
            let next = Membership { user, ..row.value.clone() };
            Ok(me.keep(&mut row, next).await?)
        })
        .await
    }

    /// A step that something did for which nobody waits. It is tried until it can be stored.
    pub(super) async fn happened(&self, event: Event, papers: Option<Papers>) {
        while let Err(error) = self.take(event.clone(), papers.clone()).await {
            tracing::error!(%error, "what became of this device's connection can't be stored; it is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn step(&self, event: Event, offered: Option<Offered>) -> Result<Vec<Effect>, MembershipError> {
        let me = self.me.upgrade().ok_or(MembershipError::Stopping)?;
        to_its_end(async move { me.step_whole(event, offered).await }).await
    }

    async fn step_whole(&self, event: Event, offered: Option<Offered>) -> Result<Vec<Effect>, MembershipError> {
        let mut row = self.row.lock().await;
        let (joining, effects) = row.value.joining.clone().step(event, now());
        let next = Membership { joining, ..row.value.clone() };
        self.keep(&mut row, next).await?;
        if effects.contains(&Effect::KeepPin) {
            *self.offered.lock().unwrap_or_else(PoisonError::into_inner) = offered;
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        self.perform(&effects);
        Ok(effects)
    }

    /// A step by which the node may get papers, or lose them.
    async fn take(&self, event: Event, papers: Option<Papers>) -> Result<(), StoreError> {
        let mut row = self.row.lock().await;
        let (joining, effects) = row.value.joining.clone().step(event, now());
        let papers = match () {
            () if effects.contains(&Effect::KeepToken) => papers,
            () if effects.contains(&Effect::DropToken) => None,
            () => row.value.papers.clone(),
        };
        let next = Membership { joining, papers, ..row.value.clone() };
        self.keep(&mut row, next).await?;
        self.perform(&effects);
        Ok(())
    }

    /// Keeps renewed papers in the place of those from which they came.
    pub(super) async fn keep_renewed(&self, renewed: Papers) -> Result<(), StoreError> {
        let mut row = self.row.lock().await;
        // Whoever lost the connection meanwhile gets nothing back.
        if row.value.papers.as_ref().is_none_or(|papers| papers.attempt != renewed.attempt) {
            return Ok(());
        }
        let next = Membership { papers: Some(renewed), ..row.value.clone() };
        self.keep(&mut row, next).await
    }

    /// Stores what changed, and shows it.
    async fn keep(&self, row: &mut Row, next: Membership) -> Result<(), StoreError> {
        if next == row.value && row.version.is_some() {
            return Ok(());
        }
        let expect = row.version.map_or(Expect::Absent, Expect::Version);
        let change = Change::Membership { expect, value: Box::new(next.clone()) };
        self.store.commit(change.into()).await?;
        let before = std::mem::replace(&mut row.value, next.clone());
        row.version = Some(row.version.map_or(0, |version| version + 1));
        if before.joining.state != next.joining.state {
            tracing::info!(device = %self.settings.device, state = %next.joining.state, "this device's connection");
        }
        self.seen.send_replace(next);
        Ok(())
    }

    fn perform(&self, effects: &[Effect]) {
        let Some(me) = self.me.upgrade() else { return };
        for effect in effects {
            let me = Arc::clone(&me);
            match *effect {
                Effect::Ask { attempt } => drop(tokio::spawn(async move { me.ask(attempt).await })),
                Effect::WakeAt(at) => drop(tokio::spawn(async move { me.wake(at).await })),
                Effect::ForgetPin => *self.offered.lock().unwrap_or_else(PoisonError::into_inner) = None,
                Effect::KeepPin | Effect::KeepToken | Effect::DropToken | Effect::Decline(_) => {}
            }
        }
    }

    async fn wake(&self, at: Timestamp) {
        tokio::time::sleep(at.since(now()).min(LONGEST_WAIT)).await;
        self.happened(Event::Due, None).await;
    }

    /// Notes why an attempt brought no answer, or that one did. What becomes of one that somebody at the device called off, or
    /// put another PIN in the place of, is said of nothing else.
    pub(super) fn note_trouble(&self, attempt: u64, why: Option<String>) {
        if self.seen.borrow().joining.attempt == attempt {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
        }
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was offered last, for the one place that sends it.
    pub(super) fn with_offered<T>(&self, use_it: impl FnOnce(&Offered) -> T) -> Option<T> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(use_it)
    }

    /// Who was entered at the device.
    pub(super) fn user(&self) -> Option<UserName> {
        self.seen.borrow().user.clone()
    }
}

/// Work that is done to its end, also where whoever asked for it goes away meanwhile: what is stored and what is remembered
/// stay one.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, MembershipError>> + Send + 'static,
) -> Result<T, MembershipError> {
    tokio::spawn(work).await.map_err(|_| MembershipError::Stopping)?
}
