//! What is done by the calendar: the list, and a form that shows when an expression comes next. Without script the form's
//! second button shows that; with script it appears while somebody types.

use super::shell::Done;
use super::{Drawn, Section, Shell, again, draw};
use crate::api::schedules::{self as api, Asked};
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Json, Path, Query, Sent};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::ScheduleId;
use hostler_core::command::{Given, PowerWish};
use hostler_core::schedule::{Asked as Question, Became, Fitting, Missed, Standing, Which, Work};
use hostler_services::{Coming, NewSchedule, ScheduleView};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The form, as it is refused.
const FORM: &str = "schedule";

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/schedules", get(list).post(add))
        .route("/schedules/{id}", get(show).post(edit))
        .route("/schedules/{id}/run", post(run))
        .route("/schedules/{id}/pause", post(pause))
        .route("/schedules/{id}/resume", post(resume))
        .route("/schedules/{id}/remove", post(remove))
}

/// What stands in the form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) calendar: String,
    pub(super) zone: String,
    pub(super) work: String,
    pub(super) devices: String,
    pub(super) site: String,
    pub(super) tag: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) gateway: String,
    pub(super) command: String,
    /// What the command is told, a line each.
    pub(super) arguments: String,
    /// How long each request may take, in minutes.
    pub(super) within: String,
    pub(super) missed: String,
}

/// When what stands in the form comes, or why it can't.
#[derive(Clone, Debug, Default)]
pub(super) struct Preview {
    pub(super) coming: Option<Coming>,
    pub(super) wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "schedules.html")]
pub(super) struct SchedulesPage {
    pub(super) shell: Shell,
    pub(super) schedules: Vec<ScheduleView>,
    pub(super) draft: Draft,
    pub(super) preview: Preview,
}

#[derive(Template)]
#[template(path = "schedule.html")]
pub(super) struct SchedulePage {
    pub(super) shell: Shell,
    pub(super) view: ScheduleView,
    pub(super) draft: Draft,
    pub(super) preview: Preview,
}

async fn list(State(web): State<Web>, who: Who, Query(done): Query<Done>, Query(draft): Query<Draft>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Schedules).after(&done);
    with(web, who, shell, draft).await
}

async fn with(web: Web, who: Who, shell: Shell, draft: Draft) -> Drawn {
    let axum::Json(schedules) = api::list(State(web.clone()), who.clone()).await?;
    let preview = preview(web, who, &draft).await;
    draw(&SchedulesPage { shell, schedules, draft, preview })
}

async fn show(
    State(web): State<Web>,
    who: Who,
    Path(id): Path<ScheduleId>,
    Query(done): Query<Done>,
    Query(draft): Query<Draft>,
) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Schedules).after(&done);
    let typed = !draft.calendar.is_empty();
    one(web, who, shell, id, typed.then_some(draft)).await
}

/// The page of one, with what was typed or what it is.
async fn one(web: Web, who: Who, shell: Shell, id: ScheduleId, typed: Option<Draft>) -> Drawn {
    let axum::Json(view) = api::show(State(web.clone()), who.clone(), Path(id)).await?;
    let draft = typed.unwrap_or_else(|| Draft::of(&view));
    let preview = preview(web, who, &draft).await;
    draw(&SchedulePage { shell, view, draft, preview })
}

async fn preview(web: Web, who: Who, draft: &Draft) -> Preview {
    if draft.calendar.trim().is_empty() {
        return Preview::default();
    }
    let asked = Asked { calendar: draft.calendar.clone(), zone: Some(draft.zone()) };
    match api::coming(State(web), who, Query(asked)).await {
        Ok(axum::Json(coming)) => Preview { coming: Some(coming), wrong: None },
        Err(error) => Preview { coming: None, wrong: Some(error.for_people().error) },
    }
}

async fn add(State(web): State<Web>, who: Who, sent: Sent) -> Result<Response, PageError> {
    let draft: Draft = sent.read().await?;
    let added = async { api::add(State(web.clone()), who.clone(), Json(draft.wanted()?)).await };
    match added.await {
        Ok(_) => Ok(Redirect::to("/schedules?done=scheduled").into_response()),
        Err(error) if error.status() == StatusCode::FORBIDDEN => Err(error.into()),
        Err(error) => {
            let shell = Shell::new(&web, &who, Section::Schedules).refusing(FORM, &error, sent);
            again(error, with(web, who, shell, draft)).await
        }
    }
}

async fn edit(State(web): State<Web>, who: Who, Path(id): Path<ScheduleId>, sent: Sent) -> Result<Response, PageError> {
    let draft: Draft = sent.read().await?;
    let edited = async { api::edit(State(web.clone()), who.clone(), Path(id.clone()), Json(draft.wanted()?)).await };
    match edited.await {
        Ok(_) => Ok(back(&id, "placed").into_response()),
        Err(error) if matches!(error.status(), StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => Err(error.into()),
        Err(error) => {
            let shell = Shell::new(&web, &who, Section::Schedules).refusing(FORM, &error, sent);
            again(error, one(web, who, shell, id, Some(draft))).await
        }
    }
}

async fn run(State(web): State<Web>, who: Who, Path(id): Path<ScheduleId>) -> Result<Redirect, PageError> {
    let _ = api::run(State(web), who, Path(id.clone())).await?;
    Ok(back(&id, "runs"))
}

async fn pause(State(web): State<Web>, who: Who, Path(id): Path<ScheduleId>) -> Result<Redirect, PageError> {
    let _ = api::pause(State(web), who, Path(id.clone())).await?;
    Ok(back(&id, "paused"))
}

async fn resume(State(web): State<Web>, who: Who, Path(id): Path<ScheduleId>) -> Result<Redirect, PageError> {
    let _ = api::resume(State(web), who, Path(id.clone())).await?;
    Ok(back(&id, "resumed"))
}

async fn remove(State(web): State<Web>, who: Who, Path(id): Path<ScheduleId>) -> Result<Redirect, PageError> {
    let _ = api::remove(State(web), who, Path(id)).await?;
    Ok(Redirect::to("/schedules?done=unscheduled"))
}

fn back(id: &ScheduleId, done: &str) -> Redirect {
    Redirect::to(&format!("/schedules/{id}?done={done}"))
}

impl Draft {
    /// What a schedule is, as it stands in the form.
    fn of(view: &ScheduleView) -> Self {
        let (name, calendar, zone) = (view.name.clone(), view.calendar.clone(), view.zone.clone());
        let missed = match view.missed {
            Missed::RunOnce => "run-once",
            Missed::Skip => "skip",
        };
        let draft = Self { name, calendar, zone, missed: missed.to_owned(), ..Self::default() };
        let word = |value: Option<String>| value.unwrap_or_default();
        match &view.work {
            Work::DiscoverNetworks { gateway } => {
                let gateway = word(gateway.as_ref().map(ToString::to_string));
                Self { work: "discover".to_owned(), gateway, ..draft }
            }
            Work::ReadDevices { devices } => Self { work: "read".to_owned(), ..draft }.for_devices(devices),
            Work::AskDevices { devices, asked, within_s } => {
                let draft = Self { within: within_s.div_ceil(60).to_string(), ..draft }.for_devices(devices);
                match asked {
                    Question::Counters => Self { work: "counters".to_owned(), ..draft },
                    Question::Power { wish } => Self { work: word_of(*wish).to_owned(), ..draft },
                    Question::Command { name, arguments } => {
                        let lines: Vec<String> =
                            arguments.iter().map(|(name, given)| format!("{name}={}", said(given))).collect();
                        let (command, arguments) = (name.clone(), lines.join("\n"));
                        Self { work: "command".to_owned(), command, arguments, ..draft }
                    }
                }
            }
        }
    }

    fn for_devices(self, devices: &Which) -> Self {
        match devices {
            Which::Ids(ids) => {
                let devices: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
                Self { devices: devices.join(" "), ..self }
            }
            Which::Where(Fitting { site, tag, device_type }) => {
                let kind = TYPES.into_iter().find(|(word, _)| kind_of(word) == *device_type).map(|(word, _)| word);
                let site = site.as_ref().map(ToString::to_string).unwrap_or_default();
                let tag = tag.clone().unwrap_or_default();
                Self { site, tag, kind: kind.unwrap_or_default().to_owned(), ..self }
            }
        }
    }

    fn zone(&self) -> String {
        if self.zone.trim().is_empty() { "UTC".to_owned() } else { self.zone.clone() }
    }

    /// What it says.
    fn wanted(&self) -> Result<NewSchedule, ApiError> {
        let power = POWER.into_iter().find(|(word, _)| *word == self.work).map(|(_, wish)| Question::Power { wish });
        let asked = match self.work.as_str() {
            "counters" => Some(Question::Counters),
            "command" => Some(Question::Command { name: self.command.trim().to_owned(), arguments: self.arguments()? }),
            _ => power,
        };
        let work = match (self.work.as_str(), asked) {
            (_, Some(asked)) => Work::AskDevices { devices: self.which()?, asked, within_s: self.within_s()? },
            ("discover", None) => Work::DiscoverNetworks { gateway: read("gateway", &self.gateway)? },
            (_, None) => Work::ReadDevices { devices: self.which()? },
        };
        let missed = if self.missed == "skip" { Missed::Skip } else { Missed::RunOnce };
        let (name, calendar, zone) = (self.name.clone(), self.calendar.clone(), Some(self.zone()));
        Ok(NewSchedule { name, calendar, zone, work, missed })
    }

    /// The devices that it is for.
    fn which(&self) -> Result<Which, ApiError> {
        let ids: Vec<&str> = self.devices.split([' ', ',', '\n', '\r', '\t']).filter(|id| !id.is_empty()).collect();
        if !ids.is_empty() {
            let ids: Result<_, ApiError> = ids.into_iter().filter_map(|id| read("devices", id).transpose()).collect();
            return Ok(Which::Ids(ids?));
        }
        let (site, device_type) = (read("site", &self.site)?, kind_of(&self.kind));
        let tag = Some(self.tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        Ok(Which::Where(Fitting { site, tag, device_type }))
    }

    /// What the command is told.
    fn arguments(&self) -> Result<BTreeMap<String, Given>, ApiError> {
        let lines = self.arguments.lines().map(str::trim).filter(|line| !line.is_empty());
        let pair = |line: &str| match line.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), Given::Text(value.trim().to_owned()))),
            None => Err(wrong(format!("{line:?} tells a command nothing; write a line such as by=display"))),
        };
        lines.map(pair).collect()
    }

    fn within_s(&self) -> Result<u64, ApiError> {
        match self.within.trim() {
            "" => Ok(AN_HOUR),
            text => match text.parse::<u64>() {
                Ok(minutes) => Ok(minutes.saturating_mul(60)),
                Err(_) => Err(wrong(format!("{text:?} is no number of minutes; try 60"))),
            },
        }
    }

    pub(super) fn works(&self) -> [(&'static str, &'static str); 7] {
        WORKS
    }

    /// Whether it asks devices something.
    pub(super) fn asks(&self) -> bool {
        !matches!(self.work.as_str(), "" | "read" | "discover")
    }

    pub(super) fn types(&self) -> [(&'static str, &'static str); 7] {
        TYPES
    }

    pub(super) fn discovers(&self) -> bool {
        self.work == "discover"
    }

    pub(super) fn skips(&self) -> bool {
        self.missed == "skip"
    }
}

/// What a request takes at most where nothing is said, in seconds.
const AN_HOUR: u64 = 3_600;

const POWER: [(&str, PowerWish); 3] =
    [("wake", PowerWish::Wake), ("sleep", PowerWish::Sleep), ("power-cycle", PowerWish::PowerCycle)];

const WORKS: [(&str, &str); 7] = [
    ("read", "read devices"),
    ("counters", "fetch counters of devices"),
    ("command", "have devices do a command"),
    ("wake", "wake devices"),
    ("sleep", "put devices to sleep"),
    ("power-cycle", "switch devices off and on"),
    ("discover", "search networks"),
];

fn word_of(wish: PowerWish) -> &'static str {
    POWER.into_iter().find(|(_, known)| *known == wish).map_or("wake", |(word, _)| word)
}

fn said(given: &Given) -> String {
    match given {
        Given::Boolean(boolean) => boolean.to_string(),
        Given::Integer(number) => number.to_string(),
        Given::Text(text) => text.clone(),
    }
}

fn wrong(why: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, why)
}

const TYPES: [(&str, &str); 7] = [
    ("", "any type"),
    ("mfp", "MFP"),
    ("printer", "printer"),
    ("scanner", "scanner"),
    ("appliance", "appliance"),
    ("vending-machine", "vending machine"),
    ("other", "other"),
];

fn kind_of(word: &str) -> Option<hostler_core::reading::DeviceType> {
    serde_json::from_value(word.into()).ok()
}

/// What a field says; nothing where it is empty.
fn read<T: FromStr<Err = hostler_core::BadId>>(field: &str, text: &str) -> Result<Option<T>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |why: hostler_core::BadId| ApiError::new(StatusCode::BAD_REQUEST, format!("“{field}”: {why}"));
    text.parse().map(Some).map_err(wrong)
}

impl SchedulesPage {
    fn rests(&self, view: &ScheduleView) -> bool {
        view.standing == Standing::Paused
    }
}

impl SchedulePage {
    /// What became of each device that the last run asked.
    fn each(&self) -> &[Became] {
        self.view.last.as_ref().map_or(&[], |last| &last.outcome.each)
    }

    fn rests(&self) -> bool {
        self.view.standing == Standing::Paused
    }
}
