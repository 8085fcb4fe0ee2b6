//! No other site acts for somebody who is logged in here.
//!
//! A browser attaches the session's cookie by itself, so a request that changes something must also show that one of
//! our own pages sent it. Browsers say so in `Sec-Fetch-Site`, and where they don't (plain HTTP) in `Origin`; neither
//! can be set by a page's script. A bearer token is never attached by itself, so it needs no such proof. (That the cookie
//! is `SameSite=Strict` stands beside this, not instead of it: a sibling domain is the same site and not the same origin.)

use crate::auth;
use crate::error::ApiError;
use crate::soap;
use crate::state::Web;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;

/// Middleware: refuses what another site sent.
pub async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let cookie = auth::cookie(request.headers(), web.options);
    let program = path.starts_with("/api/") && cookie.is_none();
    // A password may be added by a browser that knows it, so nothing of what a page sends may be there.
    let soap = path == soap::PATH && cookie.is_none() && !soap::is_from_a_page(request.headers());
    if program || soap || permits(request.method(), request.headers()) {
        next.run(request).await
    } else {
        ApiError::foreign().respond(request.uri().path())
    }
}

/// Whether a request may act with the cookie it carries.
#[must_use]
pub fn permits(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || auth::bearer(headers).is_some() {
        return true;
    }
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match (text("origin").and_then(authority), text("host")) {
            (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
            _ => false,
        },
    }
}

fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        permits(&Method::POST, &headers)
    }

    #[test]
    fn our_own_pages_may() {
        assert!(asks(&[("sec-fetch-site", "same-origin")]));
        assert!(asks(&[("sec-fetch-site", "none")]), "typed or reloaded by the user");
        assert!(asks(&[("origin", "http://192.0.2.1:8080"), ("host", "192.0.2.1:8080")]));
        assert!(asks(&[("origin", "https://Fleet.example"), ("host", "fleet.example")]));
    }

    #[test]
    fn others_may_not() {
        for site in ["cross-site", "same-site", "", "SAME-ORIGIN "] {
            assert!(!asks(&[("sec-fetch-site", site), ("origin", "https://a"), ("host", "a")]), "{site}");
        }
        assert!(!asks(&[("origin", "https://evil.example"), ("host", "fleet.example")]));
        assert!(!asks(&[("origin", "https://fleet.example.evil.example"), ("host", "fleet.example")]));
        assert!(!asks(&[("origin", "https://fleet.example:444"), ("host", "fleet.example")]));
        assert!(!asks(&[("origin", "null"), ("host", "null")]));
        assert!(!asks(&[("origin", "https://"), ("host", "")]));
        assert!(!asks(&[("host", "fleet.example")]), "nothing is no proof");
    }

    #[test]
    fn a_token_needs_no_proof_and_reading_neither() {
        assert!(asks(&[("authorization", "Bearer abc")]));
        assert!(!asks(&[("authorization", "Basic abc")]));
        for method in [Method::GET, Method::HEAD] {
            assert!(permits(&method, &HeaderMap::new()));
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!permits(&method, &HeaderMap::new()), "{method}");
        }
    }
}
