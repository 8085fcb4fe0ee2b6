//! What was asked of nodes and devices, and how one request stands.

use super::{Drawn, Section, Shell, draw, node_log, pace};
use crate::api::requests::{self, Span, Wait};
use crate::auth::Who;
use crate::error::PageError;
use crate::extract::{Json, Path, Query};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::get;
use hostler_core::RequestId;
use hostler_core::reading::{Reading, Value};
use hostler_core::request::{Answer, Failing, Outcome, Question};
use hostler_core::routing::as_path;
use hostler_core::upkeep::LogPiece;
use hostler_services::{RequestState, RequestView};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/requests", get(list)).route("/requests/{id}", get(show))
}

#[derive(Template)]
#[template(path = "requests.html")]
pub(super) struct RequestsPage {
    pub(super) shell: Shell,
    pub(super) requests: Vec<RequestView>,
}

#[derive(Template)]
#[template(path = "request.html")]
pub(super) struct RequestPage {
    pub(super) shell: Shell,
    pub(super) request: RequestView,
}

async fn list(State(web): State<Web>, who: Who) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Requests);
    let axum::Json(requests) = requests::list(State(web), who, Query(Span::default())).await?;
    draw(&RequestsPage { shell, requests })
}

async fn show(State(web): State<Web>, who: Who, Path(id): Path<RequestId>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Requests);
    let axum::Json(request) = requests::show(State(web), who, Path(id), Query(Wait::default())).await?;
    draw(&RequestPage { shell, request })
}

/// Asks, and goes to where the answer appears.
pub(super) async fn sent(web: Web, who: Who, ask: requests::Ask) -> Result<Redirect, PageError> {
    let (_, axum::Json(asked)) = requests::ask(State(web), who, Json(ask)).await?;
    Ok(Redirect::to(&format!("/requests/{}", asked.id)))
}

fn what(request: &RequestView) -> String {
    match &request.question {
        Question::Alive => "Alive check".to_owned(),
        Question::Counters { .. } => "Counters".to_owned(),
        Question::Command { name, .. } => format!("Command {name}"),
        Question::Panel { .. } => "Panel".to_owned(),
        Question::ShowOnPanel { .. } => "Text on its panel".to_owned(),
        Question::Power { .. } => "Power".to_owned(),
        Question::SetPower { .. } => words::capital(&request.question.words()),
        Question::Log { .. } => "Log".to_owned(),
        Question::Intervals { .. }
        | Question::SetIntervals { .. }
        | Question::LogLevels
        | Question::SetLogLevel { .. } => words::capital(&request.question.words()),
        Question::SetCredential { name, .. } => format!("Credential {name}"),
        Question::UserCall { .. } => "User’s call".to_owned(),
    }
}

/// How it stands: the look of a badge, and its words.
fn badge(request: &RequestView) -> (&'static str, &'static str) {
    match (request.state, &request.outcome) {
        (RequestState::Waiting, _) => ("asleep", "Waiting"),
        (RequestState::Delayed, _) => ("warning", "Delayed"),
        (RequestState::Answered, _) => ("fine", "Answered"),
        (RequestState::Failed, Some(Outcome::Failed(failure))) => match failure.failing {
            Failing::Refused => ("stopped", "Refused"),
            Failing::Unreachable => ("unreachable", "Unreachable"),
            Failing::Full => ("stopped", "Too much waits"),
            Failing::Late => ("unreachable", "Time is over"),
            Failing::InDoubt => ("warning", "In doubt"),
        },
        (RequestState::Failed, _) => ("stopped", "Failed"),
    }
}

/// Whom it goes to.
fn whom(request: &RequestView) -> String {
    match &request.to {
        None => "the manager".to_owned(),
        Some(node) if request.path.len() < 2 => node.to_string(),
        Some(_) => as_path(&request.path),
    }
}

/// A sentence on why it takes longer, or why there is no answer.
fn why(request: &RequestView) -> Option<String> {
    match &request.outcome {
        Some(Outcome::Answered(_)) => None,
        Some(Outcome::Failed(failure)) => Some(format!("{}: {}", failure.by, failure.why)),
        None => request.delay.as_ref().map(|delay| format!("{}: {}", delay.by, delay.why)),
    }
}

impl RequestsPage {
    fn what(&self, request: &RequestView) -> String {
        what(request)
    }

    fn badge(&self, request: &RequestView) -> (&'static str, &'static str) {
        badge(request)
    }

    fn whom(&self, request: &RequestView) -> String {
        whom(request)
    }

    fn why(&self, request: &RequestView) -> Option<String> {
        why(request)
    }
}

impl RequestPage {
    fn what(&self) -> String {
        what(&self.request)
    }

    fn badge(&self) -> (&'static str, &'static str) {
        badge(&self.request)
    }

    fn whom(&self) -> String {
        whom(&self.request)
    }

    fn why(&self) -> Option<String> {
        why(&self.request)
    }

    /// What a device counts, as rows.
    fn counters(&self) -> Option<Vec<(String, String)>> {
        let Some(Outcome::Answered(Answer::Counters { counters, .. })) = &self.request.outcome else { return None };
        let count = |reading: &Reading| match reading.value {
            Value::Counter(count) => words::thousands(count),
            _ => String::new(),
        };
        let unit = |reading: &Reading| reading.unit.clone().unwrap_or_default().replace(['{', '}'], "");
        let row = |reading: &Reading| {
            (words::capital(&reading.title()), format!("{} {}", count(reading), unit(reading)).trim().to_owned())
        };
        Some(counters.iter().map(row).collect())
    }

    /// A piece of a log, and the places of those before and behind it.
    fn log(&self) -> Option<&LogPiece> {
        match &self.request.outcome {
            Some(Outcome::Answered(Answer::Log { piece })) => Some(piece),
            _ => None,
        }
    }

    /// What else was answered.
    fn lines(&self) -> Vec<String> {
        match &self.request.outcome {
            Some(Outcome::Answered(Answer::Alive { version, started_at, devices })) => {
                let devices = words::thousands(*devices as u64);
                let started = words::absolute(*started_at);
                vec![format!("It is there: version {version}, started {started}, {devices} devices.")]
            }
            Some(Outcome::Answered(Answer::Done { lines })) if lines.is_empty() => vec!["Done.".to_owned()],
            Some(Outcome::Answered(Answer::Done { lines })) => lines.clone(),
            Some(Outcome::Answered(Answer::Panel { panel })) => panel.lines.clone(),
            Some(Outcome::Answered(Answer::Power { power })) => {
                let word = |value: serde_json::Value| value.as_str().unwrap_or_default().replace('-', " ");
                let said = |value: Result<serde_json::Value, _>| value.map(word).unwrap_or_default();
                let (mode, engine) = (said(serde_json::to_value(power.mode)), said(serde_json::to_value(power.engine)));
                vec![format!("Power: {mode}. Engine: {engine}.")]
            }
            Some(Outcome::Answered(Answer::LogLevels { levels })) => node_log::levels(levels),
            Some(Outcome::Answered(Answer::Intervals { intervals })) => pace::lines(intervals),
            Some(Outcome::Answered(Answer::CallTaken { text })) => vec![text.clone()],
            _ => Vec::new(),
        }
    }
}
