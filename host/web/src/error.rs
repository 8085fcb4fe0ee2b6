//! What went wrong, for programs as JSON and for people as a page.

use crate::auth::is_for_programs;
use crate::pages;
use crate::words;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use hostler_services::ServiceError;
use serde::Serialize;
use std::time::Duration;
use utoipa::{IntoResponses, ToSchema};

/// What a program reads when something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What happened, and why.
    pub error: String,
    /// What to do about it.
    pub what_to_do: String,
}

/// The answers that every endpoint may give besides its own.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "read by utoipa only")]
pub(crate) enum Problems {
    /// What was sent can't be.
    #[response(status = 400)]
    Invalid(Problem),
    /// No token, or one that doesn't hold any more.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The right is missing, or another site sent the request.
    #[response(status = 403)]
    Forbidden(Problem),
    /// There is no such thing, or it can't be seen with this right.
    #[response(status = 404)]
    NotFound(Problem),
    /// It changed meanwhile, or isn't in a state for this.
    #[response(status = 409)]
    Conflict(Problem),
    /// Something that is needed can't be had now.
    #[response(status = 503)]
    Unavailable(Problem),
}

/// An error on its way out. Answers as JSON; see [`PageError`] for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    problem: Problem,
    /// What to do for who sits before a page: other than a program, they send no headers and give no commands.
    on_a_page: String,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error with its sentence; what to do follows from the status.
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let (on_a_page, what_to_do) = advice(status);
        let problem = Problem { error: error.into(), what_to_do: what_to_do.to_owned() };
        Self { status, problem, on_a_page: on_a_page.to_owned(), retry_after: None }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "you are not logged in, or not any more")
    }

    pub(crate) fn foreign() -> Self {
        Self::new(StatusCode::FORBIDDEN, "nothing shows that one of hostler's own pages sent this").advising(
            "Open the page here and try again.",
            "Send `Authorization: Bearer` with a token instead of a cookie.",
        )
    }

    pub(crate) fn internal(error: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// With better advice than the status gives, for people and for programs.
    pub(crate) fn advising(mut self, on_a_page: &str, what_to_do: &str) -> Self {
        on_a_page.clone_into(&mut self.on_a_page);
        what_to_do.clone_into(&mut self.problem.what_to_do);
        self
    }

    /// The status that it answers with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to a program.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What it says on a page.
    pub(crate) fn for_people(&self) -> Problem {
        let error = words::sentence(&words::without_commands(&self.problem.error));
        Problem { error, what_to_do: self.on_a_page.clone() }
    }

    /// The same without a line in the log: where it is another's fault, and told there.
    pub(crate) fn respond_quietly(self, path: &str) -> Response {
        let headers = headers(&self);
        if is_for_programs(path) {
            return (self.status, headers, Json(self.problem)).into_response();
        }
        (self.status, headers, pages::failed(&self)).into_response()
    }

    /// The answer for whoever asked for this path.
    pub(crate) fn respond(self, path: &str) -> Response {
        if is_for_programs(path) { self.into_response() } else { PageError(self).into_response() }
    }
}

/// What to do, on a page and for programs.
fn advice(status: StatusCode) -> (&'static str, &'static str) {
    let both = |advice| (advice, advice);
    match status {
        StatusCode::UNAUTHORIZED => {
            ("Log in, then try again.", "Send `Authorization: Bearer` with a token that holds.")
        }
        StatusCode::FORBIDDEN => {
            ("Ask an administrator for the right.", "Use a token that has the right, or ask an administrator for it.")
        }
        StatusCode::NOT_FOUND => {
            both("Look at the list it should be in: it may be gone, misspelt, or not yours to see.")
        }
        StatusCode::CONFLICT => both("See how it is now, then decide anew."),
        StatusCode::TOO_MANY_REQUESTS => both("Wait, then try again."),
        StatusCode::PAYLOAD_TOO_LARGE => both("Send less."),
        StatusCode::SERVICE_UNAVAILABLE => both("Try again in a moment."),
        status if status.is_client_error() => both("Correct it and send it again."),
        _ => both("Try again; if it stays, look into the node's log at this time."),
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::NotFound(_) => StatusCode::NOT_FOUND,
            ServiceError::Forbidden(_) => StatusCode::FORBIDDEN,
            ServiceError::Conflict(_) => StatusCode::CONFLICT,
            ServiceError::Invalid(_) => StatusCode::BAD_REQUEST,
            ServiceError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            ServiceError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            ServiceError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let plain = Self::new(status, error.to_string());
        let ServiceError::TooMany { retry_after, .. } = error else { return plain };
        let again = format!("Try again in {}.", words::span(seconds(retry_after)));
        Self { retry_after: Some(retry_after), ..plain.advising(&again, &again) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        note(&self);
        let headers = headers(&self);
        (self.status, headers, Json(self.problem)).into_response()
    }
}

fn note(error: &ApiError) {
    if error.status.is_server_error() {
        tracing::error!(status = error.status.as_u16(), "{}", error.problem.error);
    }
}

/// Whole seconds that are long enough.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
}

/// What goes beside it.
pub(crate) fn headers(error: &ApiError) -> axum::http::HeaderMap {
    let mut headers = axum::http::HeaderMap::new();
    if let Some(wait) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    if error.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    headers
}

/// The same as a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageError(pub ApiError);

impl From<ServiceError> for PageError {
    fn from(error: ServiceError) -> Self {
        Self(error.into())
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        note(&self.0);
        let headers = headers(&self.0);
        (self.0.status, headers, pages::failed(&self.0)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_too_often_learns_when_to_come_back() {
        let text = "too many wrong passwords from this address".to_owned();
        let error = ServiceError::TooMany { text, retry_after: Duration::from_millis(2_500) };
        let response = ApiError::from(error).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "3");
    }

    #[test]
    fn when_to_come_back_is_said_once_and_well() {
        let text = "too many wrong passwords".to_owned();
        let error = ApiError::from(ServiceError::TooMany { text, retry_after: Duration::from_millis(300) });
        assert_eq!(error.problem().error, "too many wrong passwords");
        assert_eq!(error.problem().what_to_do, "Try again in 1 second.");
    }

    #[test]
    fn pages_give_no_commands_and_programs_no_advice_of_pages() {
        let text = "there is no device x; `hostler device list` shows them".to_owned();
        let error = ApiError::from(ServiceError::NotFound(text));
        assert_eq!(error.for_people().error, "There is no device x.");
        assert!(error.problem().error.contains("`hostler device list`"));
        for status in (400..=503).filter_map(|code| StatusCode::from_u16(code).ok()) {
            let (on_a_page, what_to_do) = advice(status);
            assert!(!on_a_page.contains('`') && !what_to_do.contains("page"), "{status}");
        }
    }

    #[test]
    fn programs_get_json_and_people_get_a_page() {
        let kind = |path| ApiError::foreign().respond(path).headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind("/api/v1/devices"), "application/json");
        assert_eq!(kind("/devices/x"), "text/html; charset=utf-8");
    }
}
