//! The API for programs that speak SOAP: the same handlers, called by what an envelope says.
//!
//! Nothing is decided here. Who calls shows a token or a password and never a cookie, so no other site acts with a
//! browser's session; what a call says becomes the JSON that the API would have got.

mod describe;

pub use describe::SERVICE;

use crate::BODY_LIMIT;
use crate::api::account::{Credentials, enter};
use crate::api::commands::{self, Told};
use crate::api::events::{self, Behind, Span};
use crate::api::{candidates, devices, nodes, requests};
use crate::auth::{Who, bearer};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::plain::plain;
use crate::state::Web;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hostler_core::command::Given;
use hostler_core::event::Filter;
use hostler_core::{DeviceId, RequestId, Secret};
use hostler_services::soap::{Asked, Call, Fault, Limits, Version, Whose, asked, done, failed};
use hostler_services::{Entered, EventsPage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Where programs call.
pub(crate) const PATH: &str = "/soap/operator";

/// What a browser says of the page that makes it send something.
const FROM_A_PAGE: [HeaderName; 2] = [HeaderName::from_static("sec-fetch-site"), HeaderName::from_static("origin")];

pub(crate) fn router() -> Router<Web> {
    Router::new().route(PATH, any(call))
}

/// Whether a page in a browser sent this: pages don't speak SOAP, and a browser may add a password that it knows.
pub(crate) fn is_from_a_page(headers: &HeaderMap) -> bool {
    FROM_A_PAGE.iter().any(|name| headers.contains_key(name))
}

async fn call(State(web): State<Web>, ConnectInfo(from): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let announced = match asked(&parts, &SERVICE, web.options.scheme) {
        Asked::Call(announced) => announced,
        Asked::Answered(response) => return response,
    };
    let version = announced.version;
    let done = async {
        let who = who(&web, &parts.headers, from).await?;
        let limits = Limits::of(BODY_LIMIT);
        let Call { operation, input } = announced.read(&read(body).await?, limits, &SERVICE)?;
        let output = perform(web, who, operation.name, input).await?;
        Ok::<_, Refused>(done(version, &SERVICE, operation, &output))
    };
    done.await.unwrap_or_else(|refused| refused.respond(version))
}

/// Why a call isn't done: as SOAP says it, and what goes beside it.
struct Refused {
    fault: Box<Fault>,
    retry_after: Option<HeaderValue>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault: Box::new(fault), retry_after: None }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let (status, problem) = (error.status(), error.problem());
        let code = match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not-found",
            StatusCode::CONFLICT => "conflict",
            StatusCode::TOO_MANY_REQUESTS => "too-many",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            status if status.is_client_error() => "invalid",
            _ => "internal",
        };
        let whose = if status.is_client_error() { Fault::sender } else { Fault::receiver };
        let fault = whose(code, problem.error.clone()).advising(problem.what_to_do.clone());
        let retry_after = crate::error::headers(&error).remove(RETRY_AFTER);
        let fault = match status {
            // By these a program's HTTP part knows what to do, whatever it makes of the fault.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                fault.with_status(status.as_u16())
            }
            _ => fault,
        };
        Self { fault: Box::new(fault), retry_after }
    }
}

impl Refused {
    fn respond(self, version: Version) -> Response {
        // What is away or too much at the time is no fault of this node.
        if self.fault.whose == Whose::Receiver && self.fault.code == "internal" {
            tracing::error!("by SOAP: {}", self.fault.reason);
        }
        let mut response = failed(version, &self.fault);
        if response.status() == StatusCode::UNAUTHORIZED {
            let ways = "Bearer, Basic realm=\"hostler\", charset=\"UTF-8\"";
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(ways));
        }
        response.headers_mut().extend(self.retry_after.map(|after| (RETRY_AFTER, after)));
        response
    }
}

/// Who calls: by a token, or by a password. A password's session ends as it began: there is nothing to keep it in.
async fn who(web: &Web, headers: &HeaderMap, from: SocketAddr) -> Result<Who, ApiError> {
    if let Some(token) = bearer(headers) {
        let viewer = web.services.access.viewer(token).map_err(|_| ApiError::unauthorized())?;
        return Ok(Who { viewer, token: Secret::new(token.to_owned()) });
    }
    let credentials = basic(headers).ok_or_else(ApiError::unauthorized)?;
    let Entered::In(token) = enter(web, from, credentials).await? else { return Err(ApiError::unauthorized()) };
    let viewer = web.services.access.viewer(token.expose());
    web.services.access.log_out(token.expose()).await?;
    Ok(Who { viewer: viewer?, token })
}

/// User and password of an `Authorization: Basic` header (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let said = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    let said = Secret::new(String::from_utf8(said).ok()?);
    let (user, password) = said.expose().split_once(':')?;
    Some(Credentials { user: user.to_owned(), password: Secret::new(password.to_owned()) })
}

async fn read(body: Body) -> Result<Vec<u8>, Fault> {
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(_) => {
            let why = format!("the call didn't come whole, or has more than {BODY_LIMIT} bytes");
            Err(Fault::sender("too-large", why).advising("Send less.").with_status(413))
        }
    }
}

fn given<T: DeserializeOwned>(input: Value) -> Result<T, Fault> {
    serde_json::from_value(input).map_err(|error| Fault::sender("invalid", plain(&error.to_string())))
}

fn told(answer: impl serde::Serialize) -> Result<Value, Refused> {
    Ok(serde_json::to_value(answer).map_err(|error| ApiError::internal(error.to_string()))?)
}

/// Which device.
#[derive(Deserialize)]
struct OfDevice {
    id: DeviceId,
}

/// A command.
#[derive(Deserialize)]
struct AskCommand {
    question: OfCommand,
    within_s: Option<u64>,
}

/// Which, and what it is told.
#[derive(Deserialize)]
struct OfCommand {
    device: DeviceId,
    name: String,
    #[serde(default)]
    arguments: BTreeMap<String, Given>,
}

/// Which request.
#[derive(Deserialize)]
struct OfRequest {
    id: RequestId,
    #[serde(flatten)]
    wait: requests::Wait,
}

/// Which events.
#[derive(Deserialize)]
struct OfEvents {
    #[serde(flatten)]
    span: Span,
    #[serde(flatten)]
    filter: Filter,
}

async fn perform(web: Web, who: Who, operation: &str, input: Value) -> Result<Value, Refused> {
    let web = State(web);
    match operation {
        "ListDevices" => told(devices::list(web, who, Query(given(input)?)).await?.0),
        "GetDevice" => told(devices::show(web, who, Path(given::<OfDevice>(input)?.id)).await?.0),
        "ListCommands" => {
            let commands = commands::list(web, who, Path(given::<OfDevice>(input)?.id)).await?.0;
            told(serde_json::json!({ "commands": commands }))
        }
        "ReadDevice" => told(devices::read(web, who, Path(given::<OfDevice>(input)?.id)).await?.1.0),
        "ReleaseDevice" => told(devices::release(web, who, Path(given::<OfDevice>(input)?.id)).await?.1.0),
        "ListCandidates" => told(serde_json::json!({ "candidates": candidates::list(web, who).await?.0 })),
        "AdoptCandidate" => told(candidates::adopt(web, who, Json(given(input)?)).await?.1.0),
        "SearchNetworks" => {
            let _ = candidates::search(web, who, Json(given(input)?)).await?;
            Ok(Value::Object(Map::new()))
        }
        "ListNodes" => told(serde_json::json!({ "nodes": nodes::list(web, who).await?.0 })),
        "Ask" => ask(web, who, input).await,
        "GetRequest" => {
            let OfRequest { id, wait } = given(input)?;
            told(requests::show(web, who, Path(id), Query(wait)).await?.0)
        }
        "ListEvents" => {
            let OfEvents { span, filter } = given(input)?;
            let EventsPage { events, next } = events::find(&web, &who, span, Behind::default(), &filter)?;
            told(serde_json::json!({ "events": events, "next": next }))
        }
        _ => Err(Fault::receiver("internal", format!("{operation} is described, and nothing does it")).into()),
    }
}

/// Asks. A command is told as a form tells it, in texts; what it takes is known where it is described.
async fn ask(web: State<Web>, who: Who, input: Value) -> Result<Value, Refused> {
    let question = input.get("question").unwrap_or(&Value::Null);
    if question.get("ask").and_then(Value::as_str) == Some("command") {
        let AskCommand { question: OfCommand { device, name, arguments }, within_s } = given(input)?;
        return told(commands::run(web, who, Path((device, name)), Json(Told { arguments, within_s })).await?.1.0);
    }
    told(requests::ask(web, who, Json(given(as_asked(input))?)).await?.1.0)
}

/// What is asked as the API's JSON has it: a text where one is said, lines where a panel shows them, and nothing that a
/// question hasn't.
fn as_asked(mut input: Value) -> Value {
    if let Some(Value::Object(question)) = input.get_mut("question") {
        let lines = question.remove("text").unwrap_or_default();
        let said = lines.as_array().and_then(|lines| lines.first()).cloned();
        let text = if question.get("ask").is_some_and(|ask| ask == "show-on-panel") { Some(lines) } else { said };
        question.extend(text.map(|text| ("text".to_owned(), text)));
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(text: &'static str) -> Option<(String, String)> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(text))]);
        basic(&headers).map(|Credentials { user, password }| (user, password.expose().to_owned()))
    }

    #[test]
    fn d02_user_and_password_are_read_as_they_are_sent() {
        let expected = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(shown("Basic YWRhOnBhc3M6d29yZA=="), expected("ada", "pass:word"));
        assert_eq!(shown("basic YWRhOg=="), expected("ada", ""));
        for wrong in ["Basic YWRh", "Basic !", "Bearer YWRhOg==", "Basic", "Basic /w=="] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn d02_a_text_is_one_for_a_call_and_lines_for_a_panel() {
        let asked = |question: Value| as_asked(json!({ "question": question }))["question"].take();
        let lines = json!({ "ask": "show-on-panel", "text": ["a", "b"] });
        assert_eq!(asked(lines.clone()), lines);
        assert_eq!(
            asked(json!({ "ask": "user-call", "text": ["help"] })),
            json!({ "ask": "user-call", "text": "help" })
        );
        assert_eq!(asked(json!({ "ask": "alive", "text": [] })), json!({ "ask": "alive" }));
    }
}
