//! One registration: each address with the link that carries its PIN, and how far it is.

use super::shell::Done;
use super::terminal::Terminal;
use super::{Drawn, Section, Shell, draw};
use crate::api::registrations;
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Path, Query};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::{get, post};
use hostler_core::enrollment::pin::typed_length_said;
use hostler_core::{RegistrationId, Timestamp};
use hostler_services::{EntryState, EntryView, RefusedAddress, RegistrationView};
use serde::Deserialize;

/// Addresses on a page.
const ROWS: usize = 100;
/// Lines that weren't taken, on a page.
const MISTAKES: usize = 100;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/registrations/{id}", get(show)).route("/registrations/{id}/withdraw", post(withdraw))
}

#[derive(Template)]
#[template(path = "registration.html")]
pub(super) struct RegistrationPage {
    pub(super) shell: Shell,
    pub(super) view: RegistrationView,
    pub(super) find: Find,
    pub(super) terminal: Option<Terminal>,
}

/// Which of the addresses are shown.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Find {
    pub(super) state: Option<Kind>,
    pub(super) offset: usize,
}

/// How far an address is, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Waiting,
    Refused,
    Connected,
    Ended,
    Used,
    Expired,
    Withdrawn,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Waiting, Self::Refused, Self::Connected, Self::Ended, Self::Used, Self::Expired, Self::Withdrawn];

    fn of(state: &EntryState) -> Self {
        match state {
            EntryState::Waiting => Self::Waiting,
            EntryState::Connected { .. } => Self::Connected,
            EntryState::Ended { .. } => Self::Ended,
            EntryState::Refused { .. } => Self::Refused,
            EntryState::Used => Self::Used,
            EntryState::Expired => Self::Expired,
            EntryState::Withdrawn { .. } => Self::Withdrawn,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Connected => "connected",
            Self::Ended => "ended",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The class in the style sheet that has its colour.
    fn class(self) -> &'static str {
        match self {
            Self::Waiting => "asleep",
            Self::Refused => "stopped",
            Self::Connected => "fine",
            Self::Ended | Self::Expired => "warning",
            Self::Used | Self::Withdrawn => "unknown",
        }
    }
}

/// A link that shows other addresses.
struct Choice {
    label: String,
    href: String,
    class: &'static str,
    count: usize,
    chosen: bool,
}

async fn show(
    State(web): State<Web>,
    who: Who,
    head: HeaderMap,
    Path(id): Path<RegistrationId>,
    Query(find): Query<Find>,
    Query(done): Query<Done>,
) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Registrations).after(&done);
    let terminal = Terminal::offer(&web, &who, &head, Some(&id)).await?;
    let axum::Json(view) = registrations::show(State(web), who, Path(id)).await?;
    // What helps nobody any more, or is another's to bring, isn't offered.
    let useful = view.secrets.iter().any(Option::is_some) && !view.entries.is_empty();
    let terminal = terminal.filter(|_| useful);
    draw(&RegistrationPage { shell, view, find, terminal })
}

async fn withdraw(State(web): State<Web>, who: Who, Path(id): Path<RegistrationId>) -> Result<Redirect, PageError> {
    let to = format!("/registrations/{id}?done=withdrawn");
    registrations::withdraw(State(web), who, Path(id)).await?;
    Ok(Redirect::to(&to))
}

impl RegistrationPage {
    /// Why typed PINs have so many characters.
    fn length(&self) -> Option<String> {
        self.view.pin_length.map(typed_length_said)
    }

    /// Those that are looked for, each with its place among all.
    fn found(&self) -> impl Iterator<Item = (usize, &EntryView)> {
        let wanted = self.find.state;
        let entries = self.view.entries.iter().enumerate();
        entries.filter(move |(_, entry)| wanted.is_none_or(|kind| kind == Kind::of(&entry.state)))
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &EntryView)> {
        self.found().skip(self.find.offset).take(ROWS)
    }

    fn choices(&self) -> Vec<Choice> {
        let count = |kind| self.view.entries.iter().filter(|entry| Kind::of(&entry.state) == kind).count();
        let chosen = self.find.state;
        let all = Choice {
            label: "All".to_owned(),
            href: self.link(None, 0),
            class: "all",
            count: self.view.entries.len(),
            chosen: chosen.is_none(),
        };
        let each = Kind::ALL.into_iter().map(|kind| Choice {
            label: words::capital(kind.word()),
            href: self.link(Some(kind), 0),
            class: kind.class(),
            count: count(kind),
            chosen: chosen == Some(kind),
        });
        std::iter::once(all).chain(each.filter(|choice| choice.count > 0 || choice.chosen)).collect()
    }

    fn link(&self, kind: Option<Kind>, offset: usize) -> String {
        let id = &self.view.summary.id;
        match (kind.map(Kind::word), offset) {
            (None, 0) => format!("/registrations/{id}"),
            (None, offset) => format!("/registrations/{id}?offset={offset}"),
            (Some(word), 0) => format!("/registrations/{id}?state={word}"),
            (Some(word), offset) => format!("/registrations/{id}?state={word}&offset={offset}"),
        }
    }

    fn before(&self) -> Option<String> {
        (self.find.offset > 0).then(|| self.link(self.find.state, self.find.offset.saturating_sub(ROWS)))
    }

    fn after(&self) -> Option<String> {
        let offset = self.find.offset.saturating_add(ROWS);
        (offset < self.found().count()).then(|| self.link(self.find.state, offset))
    }

    fn span(&self) -> String {
        let (total, shown) = (self.found().count(), self.rows().count());
        let first = self.find.offset.saturating_add(1) as u64;
        match shown {
            0 => "No addresses".to_owned(),
            shown if shown == total => format!("{} of {total}", words::thousands(shown as u64)),
            shown => {
                let last = words::thousands(self.find.offset.saturating_add(shown) as u64);
                format!("{}–{last} of {}", words::thousands(first), words::thousands(total as u64))
            }
        }
    }

    fn class(&self, state: &EntryState) -> &'static str {
        Kind::of(state).class()
    }

    fn word(&self, state: &EntryState) -> String {
        words::capital(Kind::of(state).word())
    }

    /// What there is to say besides the word.
    fn detail(&self, state: &EntryState) -> Option<String> {
        match state {
            EntryState::Connected { device, node, .. } => Some(format!("as {device} ({node})")),
            EntryState::Ended { device } => Some(format!("{device} came in, and isn't let in any more")),
            EntryState::Refused { device, why, .. } => Some(format!("{device}: {why}")),
            EntryState::Used => Some("by a device that came in by another PIN since".to_owned()),
            EntryState::Withdrawn { why } => (*why != "withdrawn").then(|| (*why).to_owned()),
            EntryState::Waiting | EntryState::Expired => None,
        }
    }

    fn at(&self, state: &EntryState) -> Option<Timestamp> {
        match state {
            EntryState::Connected { at, .. } | EntryState::Refused { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// What is typed or put into the device with this place: its own PIN where people type it, or its key.
    fn secret(&self, index: &usize) -> Option<&str> {
        let typed = self
            .view
            .secrets
            .iter()
            .flatten()
            .any(|secret| secret.len() < hostler_core::enrollment::pin::DELIVERED_LENGTH);
        let own = self.view.shared.is_none() && (self.view.keys || typed);
        own.then(|| self.view.secrets.get(*index)).flatten()?.as_deref()
    }

    /// The PIN or key that several share.
    fn shared_secret(&self) -> Option<&str> {
        self.view.secrets.first().filter(|_| self.view.shared.is_some())?.as_deref()
    }

    /// Whether there is a link or PIN left that lets somebody in.
    fn lives(&self) -> bool {
        let waits = |entry: &EntryView| matches!(entry.state, EntryState::Waiting | EntryState::Refused { .. });
        let open = self.view.shared.as_ref().is_some_and(|shared| shared.left != Some(0)) && !self.over();
        self.view.entries.iter().any(waits) || open && self.view.secrets.iter().flatten().next().is_some()
    }

    fn own(&self) -> bool {
        self.view.summary.user == self.shell.viewer.user
    }

    fn over(&self) -> bool {
        self.view.summary.expires_at <= self.shell.now
    }

    fn public(&self) -> usize {
        self.view.entries.iter().filter(|entry| entry.public && entry.url.is_some()).count()
    }

    fn mistakes(&self) -> &[RefusedAddress] {
        let refused = &self.view.refused;
        refused.get(..MISTAKES).unwrap_or(refused)
    }

    fn further_mistakes(&self) -> usize {
        self.view.refused.len().saturating_sub(MISTAKES)
    }

    fn count(&self, number: &usize) -> String {
        words::thousands(*number as u64)
    }

    fn thing(&self) -> &'static str {
        if self.view.keys { "key" } else { "PIN" }
    }
}
