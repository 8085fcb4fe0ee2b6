//! Who asks: a browser by its session's cookie, a program by a bearer token.

use crate::error::ApiError;
use crate::extract::asked;
use crate::state::{Scheme, Web};
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use hostler_core::Secret;
use hostler_core::viewer::Viewer;
use hostler_services::Person;
use url::form_urlencoded::byte_serialize;

/// Somebody who has logged in. Handlers that take this are reached by nobody else.
#[derive(Clone, Debug)]
pub struct Who {
    /// Who, and what they may do.
    pub viewer: Viewer,
    /// The token that they showed, to end it or to see whether it still holds.
    pub token: Secret,
}

impl FromRequestParts<Web> for Who {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        // Whoever shows a token is judged by it alone: a request that `csrf` lets pass for its token must not act
        // with the cookie beside it.
        let shown = if parts.headers.contains_key(AUTHORIZATION) {
            bearer(&parts.headers)
        } else {
            cookie(&parts.headers, web.options.scheme)
        };
        let known = shown.and_then(|token| {
            let viewer = web.services.access.viewer(token).ok()?;
            Some(Self { viewer, token: Secret::new(token.to_owned()) })
        });
        known.ok_or_else(|| refuse(parts))
    }
}

impl Who {
    /// The same, where it isn't a program: for what a token may not do whatever its right.
    pub(crate) fn person(&self, web: &Web) -> Result<Person, ApiError> {
        web.services.access.person(self.token.expose()).map_err(|error| {
            let error = ApiError::from(error);
            if error.status() != StatusCode::FORBIDDEN {
                return error;
            }
            error.advising(
                "Log in with a password.",
                "Log in with a password, or use the command line on the node itself, with --data.",
            )
        })
    }
}

fn refuse(parts: &Parts) -> Response {
    let asked = asked(&parts.extensions, &parts.uri);
    if is_for_programs(asked.path()) {
        return ApiError::unauthorized().into_response();
    }
    let wanted = asked.path_and_query().filter(|_| parts.method == Method::GET).map_or("/", |wanted| wanted.as_str());
    let next: String = byte_serialize(wanted.as_bytes()).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

/// Whether errors under this path are read by programs.
pub(crate) fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || path == "/metrics"
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The session's token, from its cookie.
pub(crate) fn cookie(headers: &HeaderMap, scheme: Scheme) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == cookie_name(scheme) && !value.is_empty())
        .map(|(_, value)| value)
}

/// `__Host-` makes browsers refuse the cookie from plain HTTP and from sibling domains.
fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "__Host-hostler",
        Scheme::Http => "hostler",
    }
}

/// The header that gives a browser its session; without a token, the one that takes it away. It lasts as long as the
/// browser runs or the session holds, whichever ends first.
pub(crate) fn set_cookie(token: Option<&Secret>, scheme: Scheme) -> Result<HeaderValue, ApiError> {
    let name = cookie_name(scheme);
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    let (value, life) = token.map_or(("", "; Max-Age=0"), |token| (token.expose(), ""));
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{life}");
    let mut header =
        HeaderValue::from_str(&text).map_err(|_| ApiError::internal("the session's token fits no header"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookies))])
    }

    #[test]
    fn finds_its_cookie_among_others() {
        assert_eq!(cookie(&headers("a=b; hostler=xyz;c=d"), Scheme::Http), Some("xyz"));
        assert_eq!(cookie(&headers("a=b; hostler="), Scheme::Http), None);
        assert_eq!(cookie(&headers("xhostler=1; hostlerx=2"), Scheme::Http), None);
    }

    #[test]
    fn where_there_is_tls_a_cookie_from_plain_http_is_none() {
        assert_eq!(cookie(&headers("hostler=planted"), Scheme::Https), None);
        assert_eq!(cookie(&headers("__Host-hostler=own"), Scheme::Https), Some("own"));
        let set = set_cookie(Some(&Secret::new("t".into())), Scheme::Https).unwrap();
        assert_eq!(set, "__Host-hostler=t; Path=/; HttpOnly; SameSite=Strict; Secure");
    }

    #[test]
    fn a_token_that_would_split_the_header_is_refused() {
        assert!(set_cookie(Some(&Secret::new("a\r\nSet-Cookie: b".into())), Scheme::Http).is_err());
    }

    #[test]
    fn reads_bearer_tokens() {
        let of = |text: &'static str| {
            bearer(&HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(text))])).map(str::to_owned)
        };
        assert_eq!(of("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(of("bearer abc"), Some("abc".to_owned()));
        assert_eq!(of("Bearer "), None);
        assert_eq!(of("Basic abc"), None);
    }
}
