//! Who asks: a browser by its session's cookie, a program by a bearer token.

use crate::error::ApiError;
use crate::extract::asked;
use crate::state::{Offer, Options, Scheme, Web};
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
        let known = shown(&parts.headers, web.options).and_then(|token| {
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
    path.starts_with("/api/") || path == "/metrics" || path == crate::soap::PATH
}

/// The token that is shown. Whoever shows one as a program is judged by it alone: a request that `csrf` lets pass for its token
/// must not act with the cookie beside it.
pub(crate) fn shown(headers: &HeaderMap, options: Options) -> Option<&str> {
    if headers.contains_key(AUTHORIZATION) { bearer(headers) } else { cookie(headers, options) }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The session's token, from its cookie.
pub(crate) fn cookie(headers: &HeaderMap, options: Options) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == cookie_name(options) && !value.is_empty())
        .map(|(_, value)| value)
}

/// `__Host-` makes browsers refuse the cookie from plain HTTP and from sibling domains. Cookies know no port: a registrar's
/// users may come to the same host as the administrators of its node, with a session of their own.
fn cookie_name(options: Options) -> &'static str {
    match (options.scheme, options.offer) {
        (Scheme::Https, Offer::Whole) => "__Host-hostler",
        (Scheme::Http, Offer::Whole) => "hostler",
        (Scheme::Https, Offer::Registrar) => "__Host-hostler-registrar",
        (Scheme::Http, Offer::Registrar) => "hostler-registrar",
    }
}

/// The header that gives a browser its session; without a token, the one that takes it away. It lasts as long as the
/// browser runs or the session holds, whichever ends first.
pub(crate) fn set_cookie(token: Option<&Secret>, options: Options) -> Result<HeaderValue, ApiError> {
    let name = cookie_name(options);
    let secure = if options.scheme == Scheme::Https { "; Secure" } else { "" };
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

    fn at(scheme: Scheme) -> Options {
        Options { scheme, offer: Offer::Whole }
    }

    #[test]
    fn e01_a_registrars_session_is_not_one_of_its_nodes_own_pages() {
        let registrar = |scheme| Options { scheme, offer: Offer::Registrar };
        for scheme in [Scheme::Http, Scheme::Https] {
            for (made_for, shown_to) in [(at(scheme), registrar(scheme)), (registrar(scheme), at(scheme))] {
                let set = set_cookie(Some(&Secret::new("t".into())), made_for).unwrap();
                let kept = HeaderMap::from_iter([(COOKIE, set)]);
                assert_eq!((cookie(&kept, made_for), cookie(&kept, shown_to)), (Some("t"), None));
            }
        }
    }

    #[test]
    fn finds_its_cookie_among_others() {
        assert_eq!(cookie(&headers("a=b; hostler=xyz;c=d"), at(Scheme::Http)), Some("xyz"));
        assert_eq!(cookie(&headers("a=b; hostler="), at(Scheme::Http)), None);
        assert_eq!(cookie(&headers("xhostler=1; hostlerx=2"), at(Scheme::Http)), None);
    }

    #[test]
    fn where_there_is_tls_a_cookie_from_plain_http_is_none() {
        assert_eq!(cookie(&headers("hostler=planted"), at(Scheme::Https)), None);
        assert_eq!(cookie(&headers("__Host-hostler=own"), at(Scheme::Https)), Some("own"));
        let set = set_cookie(Some(&Secret::new("t".into())), at(Scheme::Https)).unwrap();
        assert_eq!(set, "__Host-hostler=t; Path=/; HttpOnly; SameSite=Strict; Secure");
    }

    #[test]
    fn a_token_that_would_split_the_header_is_refused() {
        assert!(set_cookie(Some(&Secret::new("a\r\nSet-Cookie: b".into())), at(Scheme::Http)).is_err());
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
