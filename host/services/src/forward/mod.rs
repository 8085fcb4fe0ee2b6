//! Forwarding of notices by webhook and mail: performs what [`hostler_core::forward`] decides, one task for each rule.
//!
//! A delivery is acknowledged before the cursor moves, so after a crash the receiver may get it once more, with the same IDs.

mod mail;
mod notice;
mod runner;
mod webhook;

pub use lettre::message::Mailbox;
pub use mail::{Mail, MailServer, MailTls};
pub use webhook::Webhook;

use crate::error::ServiceError;
use crate::need;
use futures::future::BoxFuture;
use hostler_core::changes::{Change, Changes};
use hostler_core::event::{Event, Filter};
use hostler_core::forward::{Cursor, Pace, Trouble, Verdict, is_about};
use hostler_core::reading::Severity;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, RuleName, Timestamp};
use hostler_engine::now;
use hostler_store::{Store, StoreError};
use notice::Letter;
use runner::Runner;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use utoipa::ToSchema;

/// So many events at most are looked at to count what waits.
const COUNTED: usize = 10_000;

/// A delivery by webhook, or one for which somebody waits, that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same by mail: a server that looks at a mail for long before it takes it must not get it again (RFC 5321 §4.5.3.2.6).
const MAIL_PATIENCE: Duration = Duration::from_secs(600);

/// Where notices of a rule go.
#[derive(Clone, Debug)]
pub enum Target {
    /// To a web server.
    Webhook(Webhook),
    /// To people.
    Mail(Mail),
}

/// A rule of the configuration.
#[derive(Clone, Debug)]
pub struct ForwardRule {
    /// What it is called: its cursor's key.
    pub name: RuleName,
    /// Which events.
    pub filter: Filter,
    /// Where they go.
    pub target: Target,
    /// For how long others are waited for after the first.
    pub gather: Duration,
}

/// Why a delivery failed. The text is for people and names no secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct NotDelivered {
    why: String,
    /// What the receiver said besides: for whoever tries the rule, and kept nowhere, since it may repeat what is secret.
    said: Option<String>,
    verdict: Verdict,
}

/// A delivery that was taken, but not for everybody: for whom not, and why.
type NotFor = Option<String>;

impl NotDelivered {
    fn again(why: impl Into<String>) -> Self {
        Self { why: why.into(), said: None, verdict: Verdict::Again }
    }

    fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), said: None, verdict: Verdict::Refused }
    }

    fn saying(self, said: String) -> Self {
        Self { said: Some(said).filter(|said| !said.is_empty()), ..self }
    }
}

impl Target {
    /// Delivers; returns when the receiver has taken all of it.
    fn deliver<'a>(&'a self, letter: &'a Letter, patience: Duration) -> BoxFuture<'a, Result<NotFor, NotDelivered>> {
        Box::pin(async move {
            let delivery = async {
                match self {
                    Self::Webhook(webhook) => webhook.deliver(letter).await.map(|()| None),
                    Self::Mail(mail) => mail.deliver(letter).await,
                }
            };
            let late = || NotDelivered::again(format!("it took longer than {} s", patience.as_secs()));
            tokio::time::timeout(patience, delivery).await.unwrap_or_else(|_| Err(late()))
        })
    }

    /// How long a delivery may take for which nobody waits.
    fn patience(&self) -> Duration {
        match self {
            Self::Webhook(_) => PATIENCE,
            Self::Mail(_) => MAIL_PATIENCE,
        }
    }

    /// Where it leads, without what may be secret in it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Webhook(webhook) => webhook.shown(),
            Self::Mail(mail) => mail.shown(),
        }
    }

    fn most(&self) -> usize {
        match self {
            Self::Webhook(_) => 100,
            Self::Mail(_) => 200,
        }
    }
}

/// How a rule stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ForwardView {
    /// What it is called.
    pub name: RuleName,
    /// Where notices go: a web server, or mail addresses.
    pub to: String,
    /// Which ones, as in the address of the events page.
    #[schema(value_type = Object)]
    pub filter: Filter,
    /// How many were taken.
    pub delivered: u64,
    /// When some were taken last.
    pub delivered_at: Option<Timestamp>,
    /// How many wait.
    pub waiting: u64,
    /// Whether more wait than were counted.
    pub more_waiting: bool,
    /// How many fell out of the events that are kept before they could be taken.
    pub lost: u64,
    /// How many the receiver refused for what they are.
    pub refused: u64,
    /// Why the receiver takes nothing now.
    pub trouble: Option<Trouble>,
}

/// The rules of this node.
pub struct Forwards {
    store: Arc<dyn Store>,
    node: NodeId,
    parent: Option<NodeId>,
    rules: Vec<ForwardRule>,
    stored: watch::Sender<u64>,
    /// How far each rule has looked, and how many of what it saw wait.
    seen: Mutex<BTreeMap<RuleName, (u64, usize)>>,
}

impl Forwards {
    /// The rules of the configuration. New ones begin now; those that are gone lose their cursor.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(
        store: Arc<dyn Store>,
        node: NodeId,
        parent: Option<NodeId>,
        rules: Vec<ForwardRule>,
    ) -> Result<Arc<Self>, ServiceError> {
        let known = store.forwards()?;
        let newest = store.events_after(u64::MAX, 0)?.kept.map_or(0, |(_, newest)| newest);
        let gone = known.keys().filter(|rule| !rules.iter().any(|kept| kept.name == **rule));
        let mut changes: Changes = gone.map(|rule| Change::Forward { rule: rule.clone(), value: None }).collect();
        for rule in rules.iter().filter(|rule| !known.contains_key(&rule.name)) {
            let begin = Box::new(Cursor { through: newest, ..Cursor::default() });
            changes = changes.and(Change::Forward { rule: rule.name.clone(), value: Some(begin) });
        }
        store.commit(changes).await?;
        let stored = watch::channel(0).0;
        if !rules.is_empty() {
            let sender = stored.clone();
            store.observe(Arc::new(move |changes: &Changes| {
                if changes.0.iter().any(|change| matches!(change, Change::Happened(_))) {
                    sender.send_modify(|count| *count += 1);
                }
            }));
        }
        Ok(Arc::new(Self { store, node, parent, rules, stored, seen: Mutex::default() }))
    }

    /// Forwards for ever.
    pub async fn run(self: Arc<Self>) {
        let runners = self.rules.iter().map(|rule| Runner { forwards: &self, rule }.run());
        futures::future::join_all(runners).await;
    }

    fn pace(rule: &ForwardRule) -> Pace {
        Pace { gather: rule.gather, most: rule.target.most() }
    }

    fn fits(&self, rule: &ForwardRule, event: &Event) -> bool {
        !is_about(event, &rule.name) && rule.filter.fits(event, &self.node, now())
    }

    /// How each rule stands.
    ///
    /// # Errors
    /// The right is missing, or the store's.
    pub fn list(&self, viewer: &Viewer) -> Result<Vec<ForwardView>, ServiceError> {
        need(viewer, Right::Administer)?;
        let mut cursors = self.store.forwards()?;
        self.rules.iter().map(|rule| Ok(self.view(rule, cursors.remove(&rule.name).unwrap_or_default())?)).collect()
    }

    fn view(&self, rule: &ForwardRule, cursor: Cursor) -> Result<ForwardView, StoreError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&rule.name).copied();
        let (after, known) = seen.unwrap_or((cursor.through, 0));
        let behind = self.store.events_after(after, COUNTED)?;
        let waiting = known + behind.events.iter().filter(|(_, event)| self.fits(rule, event)).count();
        Ok(ForwardView {
            name: rule.name.clone(),
            to: rule.target.shown(),
            filter: rule.filter.clone(),
            delivered: cursor.delivered,
            delivered_at: cursor.delivered_at,
            waiting: waiting as u64,
            more_waiting: behind.events.len() >= COUNTED,
            lost: cursor.lost,
            refused: cursor.refused,
            trouble: cursor.trouble,
        })
    }

    /// Sends one notice by a rule now, whatever its filter says.
    ///
    /// # Errors
    /// There is no such rule, the receiver doesn't take it, or the right is missing.
    pub async fn test(&self, viewer: &Viewer, name: &RuleName) -> Result<(), ServiceError> {
        need(viewer, Right::Administer)?;
        let rule = self.rules.iter().find(|rule| rule.name == *name).ok_or_else(|| {
            ServiceError::NotFound(format!("this node's configuration has no [[forward]] called {name}"))
        })?;
        let text = format!("{} asked for this to see whether {name} works", viewer.user);
        let (device, severity) = (None, Severity::Info);
        let event = Event { at: now(), node: None, device, name: "forward.test".to_owned(), severity, text };
        let letter = Letter::new(&self.node, name, vec![(0, event)]);
        let refused = |why: &dyn std::fmt::Display| {
            ServiceError::Unavailable(format!("{} did not take the test notice: {why}", rule.target.shown()))
        };
        match rule.target.deliver(&letter, PATIENCE).await {
            Ok(None) => Ok(()),
            Ok(Some(not_for)) => Err(refused(&not_for)),
            Err(NotDelivered { why, said: Some(said), .. }) => Err(refused(&format!("{why}: {said}"))),
            Err(error) => Err(refused(&error)),
        }
    }
}
