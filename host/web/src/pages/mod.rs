//! The pages. Each asks the API's handlers and draws what they return; a form posts to a page's own address and comes
//! back by a redirect, so that everything works without script. The script then makes it quick and live.

mod account;
mod device;
mod discovered;
mod events;
mod fleet;
mod login;
#[cfg(test)]
mod made_up;
mod nodes;
mod plugins;
mod readings;
mod shell;
#[cfg(test)]
mod tests;

use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::state::Web;
use askama::Template;
use axum::Router;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

pub(crate) use shell::{Section, Shell};

/// What a page's handler returns.
type Drawn = Result<Html<String>, PageError>;

pub(crate) fn router() -> Router<Web> {
    Router::new()
        .merge(login::router())
        .merge(fleet::router())
        .merge(device::router())
        .merge(discovered::router())
        .merge(plugins::router())
        .merge(nodes::router())
        .merge(events::router())
        .merge(account::router())
}

fn draw(page: &impl Template) -> Drawn {
    match page.render() {
        Ok(text) => Ok(Html(text)),
        Err(why) => Err(ApiError::internal(format!("the page could not be drawn: {why}")).into()),
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    bare: shell::Bare,
    status: StatusCode,
    error: &'a ApiError,
}

/// An error as a page. It has no menu: who asks may not be known.
pub(crate) fn failed(error: &ApiError) -> Html<String> {
    let page = ErrorPage { bare: shell::Bare::default(), status: error.status(), error };
    Html(page.render().unwrap_or_else(|_| error.problem().error.replace(['<', '&'], "")))
}

/// What is nowhere is hidden behind the log-in like the rest.
pub(crate) async fn not_found(OriginalUri(uri): OriginalUri, _: Who) -> Response {
    ApiError::new(StatusCode::NOT_FOUND, "there is no such page").respond(uri.path()).into_response()
}
