//! A PIN or key is brought.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hostler_core::enrollment::device::{By, Decline};
use hostler_services::Member;
use hostler_services::membership::{MembershipError, Offered, Status};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a terminal or a person brings.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Brought {
    Pin(hostler_core::Secret),
    Key(hostler_core::Secret),
}

/// Why it wasn't taken.
#[derive(Serialize)]
struct NotTaken {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// Who asks: somebody with a browser, or a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    Person,
    Program,
}

/// `GET /enroll?pin=PIN`
pub(super) async fn by_address(
    State(member): State<Arc<Member>>,
    method: Method,
    RawQuery(query): RawQuery,
    head: HeaderMap,
) -> Response {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Json(member.status()).into_response() };
    // What a page loads or fetches beforehand without a person who chose it brings no PIN, nor does who only looks (HEAD).
    if method != Method::GET || !is_chosen(&head) {
        let error = "a PIN is brought by opening its address, not from within another page".to_owned();
        member.say_not_taken(&error);
        return (StatusCode::FORBIDDEN, Json(NotTaken { error, code: None })).into_response();
    }
    let pin =
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "pin").map(|(_, pin)| pin.into_owned());
    let offered = pin.ok_or_else(|| "the address has no PIN: it ends with ?pin= and the PIN".to_owned());
    let offered = offered.and_then(|pin| pin.parse().map(Offered::Pin).map_err(|why| format!("{why}")));
    answer(&member, offered, asker(&head)).await
}

/// `POST /enroll`
pub(super) async fn by_body(State(member): State<Arc<Member>>, head: HeaderMap, body: Bytes) -> Response {
    let kind = head.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return answer(&member, from_json(&body), Asker::Program).await;
    }
    if is_foreign(&head) {
        let error = "this form was sent from another site; enter the PIN on this device's own page".to_owned();
        member.say_not_taken(&error);
        return (StatusCode::FORBIDDEN, Json(NotTaken { error, code: None })).into_response();
    }
    let pin = url::form_urlencoded::parse(&body).find(|(name, _)| name == "pin").map(|(_, pin)| pin.into_owned());
    let offered = pin.ok_or_else(|| "the form has no field `pin`".to_owned());
    let offered = offered.and_then(|pin| pin.parse().map(Offered::Pin).map_err(|why| format!("{why}")));
    answer(&member, offered, asker(&head)).await
}

/// `GET /state`
pub(super) async fn state(State(member): State<Arc<Member>>) -> Json<Status> {
    Json(member.status())
}

fn from_json(body: &[u8]) -> Result<Offered, String> {
    match serde_json::from_slice(body) {
        Ok(Brought::Pin(pin)) => pin.expose().parse().map(Offered::Pin).map_err(|why| format!("{why}")),
        Ok(Brought::Key(key)) => {
            let why = "a key has 64 lower-case hexadecimal digits; bring it as the registration page gave it";
            key.expose().parse().map(Offered::Key).map_err(|_| why.to_owned())
        }
        Err(_) => Err(r#"the body is {"pin":"PIN"} or {"key":"KEY"}"#.to_owned()),
    }
}

async fn answer(member: &Member, offered: Result<Offered, String>, asker: Asker) -> Response {
    let offered = match offered {
        Ok(offered) => offered,
        Err(error) => return not_a_pin(member, error, asker),
    };
    match (member.offer(offered, By::Network).await, asker) {
        (Ok(()), Asker::Person) => Redirect::to("/").into_response(),
        (Ok(()), Asker::Program) => (StatusCode::ACCEPTED, Json(member.status())).into_response(),
        (Err(MembershipError::Declined(why)), Asker::Person) => {
            Redirect::to(&format!("/?said={}", code(why))).into_response()
        }
        (Err(MembershipError::Declined(why)), Asker::Program) => {
            let not_taken = NotTaken { error: why.to_string(), code: Some(code(why)) };
            (StatusCode::CONFLICT, Json(not_taken)).into_response()
        }
        (Err(error), asker) => {
            tracing::error!(%error, "a PIN or key could not be taken");
            if asker == Asker::Person {
                return Redirect::to("/?said=not-stored").into_response();
            }
            let error = "this device can't store what it is told now; try again, and see its log".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, Json(NotTaken { error, code: None })).into_response()
        }
    }
}

fn not_a_pin(member: &Member, error: String, asker: Asker) -> Response {
    member.say_not_taken(&error);
    match asker {
        Asker::Person => Redirect::to("/?said=no-pin").into_response(),
        Asker::Program => (StatusCode::UNPROCESSABLE_ENTITY, Json(NotTaken { error, code: None })).into_response(),
    }
}

/// As programs and the page's own address have it.
pub(super) fn code(why: Decline) -> &'static str {
    match why {
        Decline::NoWindow => "no-window",
        Decline::Connected => "connected",
        Decline::Connecting => "connecting",
    }
}

fn asker(head: &HeaderMap) -> Asker {
    let accepts = head.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") { Asker::Person } else { Asker::Program }
}

/// Whether another site's page sent a form, or one that doesn't say whose it is (`Origin: null`). A program says nothing.
///
/// The name under which the device is reached isn't looked at, here or for an address with a PIN: it is reached by any name
/// that its network gives it (E3), and it doesn't know these names. A site that makes its own name point to the device
/// still has to know a PIN, and to find the window open.
pub(super) fn is_foreign(head: &HeaderMap) -> bool {
    let said = head.contains_key(header::ORIGIN) || head.contains_key("sec-fetch-site");
    said && !crate::csrf::permits(&axum::http::Method::POST, head)
}

/// Whether a browser's user went here, as far as can be told, or a program did. The window at the device, and the owner's
/// name on its page and display, are what protects it beyond that.
fn is_chosen(head: &HeaderMap) -> bool {
    let says = |name: &str, words: &[&str]| {
        let said = head.get(name).and_then(|value| value.to_str().ok());
        said.is_none_or(|said| words.contains(&said))
    };
    let beforehand = |name: &str| head.get(name).is_some_and(|value| value.as_bytes().starts_with(b"prefetch"));
    // Who follows a link says nothing of an origin.
    !head.contains_key(header::ORIGIN)
        && says("sec-fetch-dest", &["document"])
        && says("sec-fetch-mode", &["navigate"])
        && !beforehand("sec-purpose")
        && !beforehand("purpose")
        && accepts_a_page(head)
}

/// Whether what is accepted is what somebody who went here, or a program, accepts. Over plain HTTP browsers don't say what
/// they load something for, but they ask for text where they show it, and otherwise for pictures, style sheets or, as for
/// scripts, anything.
fn accepts_a_page(head: &HeaderMap) -> bool {
    let text = |name| head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(accepts) = text(header::ACCEPT) else { return true };
    let browser = text(header::USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"));
    // A script can say that it accepts a page, but not that it would rather have it secure, as browsers do who open one.
    let opens = !browser || head.contains_key(header::UPGRADE_INSECURE_REQUESTS) || head.contains_key("sec-fetch-dest");
    (accepts.contains("text/html") && opens)
        || !browser && (accepts.contains("application/json") || accepts.trim() == "*/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn e06_what_a_page_loads_brings_no_pin() {
        assert!(
            is_chosen(&head(&[]))
                && is_chosen(&head(&[("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")]))
        );
        for bad in [
            [("sec-fetch-dest", "image"), ("sec-fetch-mode", "no-cors")],
            [("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate")],
            [("sec-fetch-dest", "empty"), ("sec-fetch-mode", "cors")],
            [("sec-fetch-dest", "document"), ("sec-purpose", "prefetch;prerender")],
            [("sec-fetch-dest", "document"), ("purpose", "prefetch")],
            [("origin", "http://evil.example"), ("user-agent", "curl/8.14.1")],
            [("user-agent", "Mozilla/5.0 (X11)"), ("accept", "image/avif,image/*,*/*;q=0.8")],
            [("user-agent", "Mozilla/5.0 (X11)"), ("accept", "*/*")],
        ] {
            assert!(!is_chosen(&head(&bad)), "{bad:?}");
        }
    }

    #[test]
    fn e06_over_plain_http_what_is_accepted_tells_a_page_from_a_picture() {
        let browser = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        let page = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert!(is_chosen(&head(&[("accept", page), browser, ("upgrade-insecure-requests", "1")])));
        assert!(!is_chosen(&head(&[("accept", page), browser])), "a script that says what it likes");
        for program in ["*/*", "application/json", "application/json, text/plain;q=0.5"] {
            assert!(is_chosen(&head(&[("accept", program), ("user-agent", "curl/8.14.1")])), "{program}");
        }
        for picture in ["image/avif,image/webp,image/png,*/*;q=0.8", "image/*,*/*;q=0.8", "text/css,*/*;q=0.1", ""] {
            assert!(!is_chosen(&head(&[("accept", picture)])), "{picture}");
        }
        assert!(!is_chosen(&head(&[("accept", "*/*"), browser])), "a script, or what one loads");
    }

    #[test]
    fn e06_a_form_of_another_page_brings_no_pin() {
        let host = ("host", "192.0.2.7");
        assert!(!is_foreign(&head(&[host])), "a program");
        assert!(!is_foreign(&head(&[host, ("origin", "http://192.0.2.7")])));
        for foreign in ["http://evil.example", "null", "http://192.0.2.7:8080"] {
            assert!(is_foreign(&head(&[host, ("origin", foreign)])), "{foreign}");
        }
        assert!(is_foreign(&head(&[host, ("sec-fetch-site", "cross-site")])));
    }

    #[test]
    fn e06_the_body_has_a_fixed_format() {
        assert!(matches!(from_json(br#"{"pin":"0123-ABCD"}"#), Ok(Offered::Pin(_))));
        assert!(matches!(from_json(format!(r#"{{"key":"{}"}}"#, "0a".repeat(32)).as_bytes()), Ok(Offered::Key(_))));
        for bad in [r#"{"pin":"!"}"#, r#"{"key":"0a"}"#, r#"{"pin":"0123ABCD","key":""}"#, "", "[]", r#"{"pin":7}"#] {
            assert!(from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
