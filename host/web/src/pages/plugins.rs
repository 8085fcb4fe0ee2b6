//! The catalogue, and what each plug-in may do.

use super::shell::Done;
use super::{Drawn, Section, Shell, again, draw};
use crate::PLUGIN_LIMIT;
use crate::api::plugins::{self, Approval};
use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::extract::{Form, Json, Path, Query, Sent};
use crate::state::Web;
use crate::words;
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hostler_core::PluginName;
use hostler_core::plugin::{Grant, Release};
use hostler_core::viewer::Right;
use hostler_services::{Installed, PluginView};
use std::collections::BTreeMap;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/plugins", get(list))
        .route("/plugins/install", post(install).layer(DefaultBodyLimit::max(PLUGIN_LIMIT)))
        .route("/plugins/{name}", get(show))
        .route("/plugins/{name}/grant", post(grant))
        .route("/plugins/{name}/rollback", post(rollback))
        .route("/plugins/{name}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "plugins.html")]
pub(super) struct PluginsPage {
    pub(super) shell: Shell,
    pub(super) plugins: Vec<PluginView>,
}

#[derive(Template)]
#[template(path = "plugin.html")]
pub(super) struct PluginPage {
    pub(super) shell: Shell,
    pub(super) plugin: PluginView,
}

/// What came of an installation that nobody approved yet.
#[derive(Template)]
#[template(path = "waiting.html")]
pub(super) struct WaitingPage {
    pub(super) shell: Shell,
    pub(super) plugin: Box<PluginView>,
    pub(super) missing: Vec<String>,
}

async fn list(State(web): State<Web>, who: Who, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Plugins).after(&done);
    with(web, who, shell).await
}

async fn with(web: Web, who: Who, shell: Shell) -> Drawn {
    let axum::Json(plugins) = plugins::list(State(web), who).await?;
    draw(&PluginsPage { shell, plugins })
}

async fn show(State(web): State<Web>, who: Who, Path(name): Path<PluginName>, Query(done): Query<Done>) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Plugins).after(&done);
    let axum::Json(plugin) = plugins::show(State(web), who, Path(name)).await?;
    draw(&PluginPage { shell, plugin })
}

async fn install(
    State(web): State<Web>,
    who: Who,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let mut approval = Approval::default();
    let installed = async {
        let component = uploaded(form.map_err(|why| broken(why.status()))?, &mut approval).await?;
        plugins::install(State(web.clone()), who.clone(), Query(approval), component).await
    };
    match installed.await {
        Ok(axum::Json(Installed::Active { plugin })) => Ok(back(&plugin.record.name, "installed").into_response()),
        Ok(axum::Json(Installed::Waiting { plugin, missing, .. })) => {
            let shell = Shell::new(&web, &who, Section::Plugins);
            Ok(draw(&WaitingPage { shell, plugin, missing })?.into_response())
        }
        // The form is an administrator's.
        Err(error) if !who.viewer.may(Right::Administer) => Err(error.into()),
        Err(error) => {
            let ticked = approval.approve.then(|| ("approve".to_owned(), "true".to_owned()));
            let sent = Sent(ticked.into_iter().collect());
            let shell = Shell::new(&web, &who, Section::Plugins).refusing("install", &error, sent);
            again(error, with(web, who, shell)).await
        }
    }
}

/// What came of an upload that can't be read.
fn broken(status: StatusCode) -> ApiError {
    let said = match status {
        StatusCode::PAYLOAD_TOO_LARGE => format!("the file is longer than {}", words::bytes(PLUGIN_LIMIT as u64)),
        _ => "the file didn't arrive whole".to_owned(),
    };
    ApiError::new(status, said)
}

async fn uploaded(mut form: Multipart, approval: &mut Approval) -> Result<Bytes, ApiError> {
    let unread = |why: MultipartError| broken(why.status());
    let mut component = Bytes::new();
    while let Some(field) = form.next_field().await.map_err(unread)? {
        match field.name() {
            Some("component") => component = field.bytes().await.map_err(unread)?,
            Some("approve") => approval.approve = true,
            _ => {}
        }
    }
    if component.is_empty() {
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "no file was chosen"));
    }
    Ok(component)
}

async fn grant(
    State(web): State<Web>,
    who: Who,
    Path(name): Path<PluginName>,
    Form(ticked): Form<BTreeMap<String, String>>,
) -> Result<Redirect, PageError> {
    let capabilities: Result<_, String> = ticked.keys().map(|capability| capability.parse()).collect();
    let grant = Grant(capabilities.map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, why))?);
    let axum::Json(plugin) = plugins::grant(State(web), who, Path(name), Json(grant)).await?;
    Ok(back(&plugin.record.name, "granted"))
}

async fn rollback(State(web): State<Web>, who: Who, Path(name): Path<PluginName>) -> Result<Redirect, PageError> {
    let axum::Json(plugin) = plugins::rollback(State(web), who, Path(name)).await?;
    Ok(back(&plugin.record.name, "rolled-back"))
}

async fn remove(State(web): State<Web>, who: Who, Path(name): Path<PluginName>) -> Result<Redirect, PageError> {
    plugins::remove(State(web), who, Path(name)).await?;
    Ok(Redirect::to("/plugins?done=removed"))
}

fn back(name: &PluginName, done: &str) -> Redirect {
    Redirect::to(&format!("/plugins/{name}?done={done}"))
}

impl PluginsPage {
    fn types(&self, plugin: &PluginView) -> String {
        plugin.device_types.join(", ")
    }

    /// How many of what it asks for were granted.
    fn granted(&self, plugin: &PluginView) -> usize {
        plugin.asks.iter().filter(|ask| ask.granted).count()
    }
}

impl PluginPage {
    fn limits(&self) -> Vec<(&'static str, String)> {
        let budget = &self.plugin.budget;
        vec![
            ("Time for a call", format!("{} s", words::decimal(f64::from(budget.wall_ms) / 1000.0))),
            ("Computing", format!("{} s", words::decimal(f64::from(budget.compute_ms) / 1000.0))),
            ("Memory", words::bytes(budget.memory_bytes.into())),
            ("Data to and from the host", words::bytes(budget.host_bytes.into())),
            ("Requests to the device", words::thousands(budget.link_operations.into())),
        ]
    }

    fn releases(&self) -> Vec<(&'static str, &'static str, &Release)> {
        let record = &self.plugin.record;
        let active = std::iter::once(("in use", "fine", &record.active));
        let waiting = record.waiting.iter().map(|release| ("waits for approval", "warning", release));
        let previous = record.previous.iter().map(|release| ("before", "unknown", release));
        waiting.chain(active).chain(previous).collect()
    }

    fn size(&self) -> String {
        words::bytes(self.plugin.size)
    }
}
