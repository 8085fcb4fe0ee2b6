//! The pages. Each asks the API's handlers and draws what they return; a form posts to a page's own address and comes
//! back by a redirect, so that everything works without script. The script then makes it quick and live.

mod account;
mod device;
mod discovered;
mod enrolled;
mod events;
mod fleet;
mod login;
#[cfg(test)]
mod made_up;
mod node_log;
mod nodes;
mod pace;
mod panel;
mod plugins;
mod readings;
mod registration;
mod registrations;
mod requests;
mod schedules;
mod shell;
mod terminal;
#[cfg(test)]
mod tests;

use crate::auth::{Who, is_for_programs};
use crate::error::{ApiError, PageError, Problem};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

pub(crate) use shell::{Bare, Section, Shell};

/// What a page's handler returns.
type Drawn = Result<Html<String>, PageError>;

pub(crate) fn router() -> Router<Web> {
    Router::new()
        .merge(login::router())
        .merge(fleet::router())
        .merge(device::router())
        .merge(registrations::router())
        .merge(registration::router())
        .merge(enrolled::router())
        .merge(discovered::router())
        .merge(plugins::router())
        .merge(schedules::router())
        .merge(nodes::router())
        .merge(node_log::router())
        .merge(pace::router())
        .merge(requests::router())
        .merge(panel::router())
        .merge(events::router())
        .merge(terminal::router())
        .merge(account::router())
}

fn draw(page: &impl Template) -> Drawn {
    match page.render() {
        Ok(text) => Ok(Html(text)),
        Err(why) => Err(ApiError::internal(format!("the page could not be drawn: {why}")).into()),
    }
}

/// A page whose form was refused. What broke here is none of the form's, and stays a page of its own.
async fn again(error: ApiError, page: impl Future<Output = Drawn>) -> Result<Response, PageError> {
    if error.status().is_server_error() {
        return Err(error.into());
    }
    Ok((error.status(), page.await?).into_response())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    bare: shell::Bare,
    status: StatusCode,
    problem: Problem,
}

/// An error as a page. It has no menu: who asks may not be known.
pub(crate) fn failed(error: &ApiError) -> Html<String> {
    let page = ErrorPage { bare: shell::Bare::default(), status: error.status(), problem: error.for_people() };
    Html(page.render().unwrap_or_else(|_| error.for_people().error.replace(['<', '&'], "")))
}

/// What is nowhere is hidden behind the log-in like the rest.
pub(crate) async fn not_found(OriginalUri(uri): OriginalUri, _: Who) -> Response {
    nothing_at(uri.path()).respond(uri.path())
}

fn nothing_at(path: &str) -> ApiError {
    let said = match path {
        program if is_for_programs(program) && program.ends_with('/') => "the address ends where a name is expected",
        program if is_for_programs(program) => "there is no such endpoint",
        _ => "there is no such page",
    };
    ApiError::new(StatusCode::NOT_FOUND, said)
        .advising("Start from the devices.", "Name the thing that is meant; /api/v1/openapi.json lists every endpoint.")
}
