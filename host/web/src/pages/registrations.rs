//! Registering devices: the form for many addresses at once, and what was registered before.

use super::shell::Done;
use super::terminal::Terminal;
use super::{Drawn, Section, Shell, again, draw};
use crate::api::registrations::{self, ADDRESSES_LIMIT, Part};
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Json, Query, Sent};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hostler_core::Timestamp;
use hostler_core::enrollment::AnyNumber;
use hostler_services::{NewRegistration, RegistrationSummary, Rules, Sharing};
use serde::Deserialize;

/// Registrations on a page.
const ROWS: usize = 20;

/// How long PINs may be asked to live, in hours; as far as it is allowed.
const LIVES: [u32; 6] = [1, 8, 24, 72, 168, 720];

pub(super) fn router() -> Router<Web> {
    let page = get(show).post(register).layer(DefaultBodyLimit::max(ADDRESSES_LIMIT));
    Router::new().route("/registrations", page)
}

#[derive(Template)]
#[template(path = "registrations.html")]
pub(super) struct RegistrationsPage {
    pub(super) shell: Shell,
    pub(super) rows: Vec<RegistrationSummary>,
    pub(super) offset: usize,
    /// Whether there are more behind these.
    pub(super) more: bool,
    pub(super) rules: Rules,
    pub(super) terminal: Option<Terminal>,
}

/// What the form says.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    addresses: String,
    sharing: Pins,
    /// For how many one PIN is; not looked at where each device has its own.
    #[serde(default)]
    places: String,
    means: Means,
    hours: u32,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pins {
    Each,
    Shared,
    Any,
}

/// How a device gets what lets it in.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Means {
    /// A PIN that a link or a program carries.
    Pin,
    /// A PIN that people type.
    Typed,
    /// A key.
    Key,
}

impl TryFrom<Asked> for NewRegistration {
    type Error = ApiError;

    fn try_from(asked: Asked) -> Result<Self, ApiError> {
        let sharing = match asked.sharing {
            Pins::Each => Sharing::Each,
            Pins::Any => Sharing::Any,
            Pins::Shared => {
                let wrong = "say in figures for how many devices the one PIN is";
                let places = asked.places.trim().parse();
                Sharing::Shared(places.map_err(|_| ApiError::new(axum::http::StatusCode::BAD_REQUEST, wrong))?)
            }
        };
        let (keys, typed) = (asked.means == Means::Key, asked.means == Means::Typed);
        Ok(Self { addresses: asked.addresses, sharing, keys, typed, hours: Some(asked.hours) })
    }
}

async fn show(
    State(web): State<Web>,
    who: Who,
    head: HeaderMap,
    Query(part): Query<Part>,
    Query(done): Query<Done>,
) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Registrations).after(&done);
    with(web, who, &head, shell, part.offset).await
}

async fn with(web: Web, who: Who, head: &HeaderMap, shell: Shell, offset: usize) -> Drawn {
    let terminal = Terminal::offer(&web, &who, head, None).await?;
    let rules = *web.services.enrollment().map_err(ApiError::from)?.rules();
    // One more than is shown says whether there are more.
    let part = Part { offset, limit: Some(ROWS + 1) };
    let axum::Json(mut rows) = registrations::list(State(web), who, Query(part)).await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    draw(&RegistrationsPage { shell, rows, offset, more, rules, terminal })
}

async fn register(State(web): State<Web>, who: Who, head: HeaderMap, sent: Sent) -> Result<Response, PageError> {
    let made = async {
        let new = sent.read::<Asked>().await?.try_into()?;
        registrations::register(State(web.clone()), who.clone(), Json(new)).await
    };
    match made.await {
        Ok((_, axum::Json(made))) => Ok(Redirect::to(&format!("/registrations/{}", made.summary.id)).into_response()),
        Err(error) => {
            let shell = Shell::new(&web, &who, Section::Registrations).refusing("register", &error, sent);
            again(error, with(web, who, &head, shell, 0)).await
        }
    }
}

impl RegistrationsPage {
    fn may_any(&self) -> bool {
        self.rules.any == AnyNumber::Allowed
    }

    /// How long PINs may live, each as the form sends it, in words, and whether it is what the form proposes.
    fn lives(&self) -> Vec<(String, String, bool)> {
        let longest = u32::try_from(self.rules.longest.as_secs() / 3_600).unwrap_or(u32::MAX);
        let mut hours: Vec<u32> = LIVES.into_iter().filter(|hours| *hours < longest).collect();
        hours.push(longest);
        let proposed = longest.min(24).to_string();
        let choice = |hours: u32| {
            let said = words::span(u64::from(hours) * 3_600);
            let word = hours.to_string();
            let chosen = self.shell.is_chosen("register", "hours", &proposed, &word);
            (word, said, chosen)
        };
        hours.into_iter().map(choice).collect()
    }

    fn own(&self, row: &RegistrationSummary) -> bool {
        row.user == self.shell.viewer.user
    }

    fn over(&self, at: &Timestamp) -> bool {
        *at <= self.shell.now
    }

    fn count(&self, number: &usize) -> String {
        words::thousands(*number as u64)
    }

    fn before(&self) -> Option<String> {
        (self.offset > 0).then(|| link(self.offset.saturating_sub(ROWS)))
    }

    fn after(&self) -> Option<String> {
        self.more.then(|| link(self.offset.saturating_add(ROWS)))
    }
}

fn link(offset: usize) -> String {
    if offset == 0 { "/registrations".to_owned() } else { format!("/registrations?offset={offset}") }
}
