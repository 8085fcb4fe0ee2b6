//! What a registrar on a node of its own hands on to its manager: which paths, and with which headers. Both sides look here.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};

/// How browsers reach a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Plain HTTP: for a loopback address or behind something that speaks TLS.
    Http,
    /// TLS, here or in front of us. The session's cookie is bound to it.
    Https,
}

impl Scheme {
    /// As it stands in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| scheme.as_str() == name)
    }
}

/// What the user showed as `Authorization`, where the registrar's own token stands.
pub(crate) const USER_AUTHORIZATION: HeaderName = HeaderName::from_static("hostler-user-authorization");
/// From which address and port the user came.
pub(crate) const USER_ADDRESS: HeaderName = HeaderName::from_static("hostler-user-address");
/// The host that the user's browser went to.
pub(crate) const USER_HOST: HeaderName = HeaderName::from_static("hostler-user-host");
/// How it went there.
pub(crate) const USER_SCHEME: HeaderName = HeaderName::from_static("hostler-user-scheme");
/// Whose registrar it is that a gateway hands on for.
pub(crate) const REGISTRAR_NODE: HeaderName = HeaderName::from_static("hostler-registrar");
/// Stands in the manager's answer when it is one to the user, and none to the registrar.
pub(crate) const ANSWERED: HeaderName = HeaderName::from_static("hostler-answered");

/// What the manager says where users of registrars don't ask for a path.
pub(crate) const NOT_ASKED: &str = "a registrar's users don't ask for this; it is at the manager";

/// Nobody else's word is taken for these.
const OURS: [HeaderName; 6] = [USER_AUTHORIZATION, USER_ADDRESS, USER_HOST, USER_SCHEME, REGISTRAR_NODE, ANSWERED];

/// What is said to the next hop only (RFC 9110 §7.6.1), and what the next hop has to answer before the body comes.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// What users of a registrar may ask for; nothing below these.
const ALONE: [&str; 9] = [
    "/login",
    "/logout",
    "/register",
    "/account",
    "/account/password",
    "/api/v1/account/password",
    "/api/v1/register",
    "/api/v1/session",
    "/api/v1/live",
];

/// The same with everything below it.
const WITH_ALL_BELOW: [&str; 7] = [
    "/registrations",
    "/enrolled",
    "/assets",
    "/terminal",
    "/api/v1/registrations",
    "/api/v1/enrolled",
    "/api/v1/terminal",
];

/// Whether users of a registrar may ask for this path. It is compared as it was sent, which is also how it is routed.
pub(crate) fn is_handed_on(path: &str) -> bool {
    let below = |base: &&str| path.strip_prefix(*base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ALONE.contains(&path) || WITH_ALL_BELOW.iter().any(below)
}

/// The headers that go on to the other end.
pub(crate) fn end_to_end(headers: HeaderMap) -> HeaderMap {
    let mut headers = without_hops(headers);
    for name in &OURS {
        headers.remove(name);
    }
    headers
}

/// The headers that go on to the next node, with what nodes say to each other of the user.
pub(crate) fn without_hops(mut headers: HeaderMap) -> HeaderMap {
    // Where both say how long the body is, this one doesn't hold (RFC 9112 §6.3).
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> =
        named.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in HOP_BY_HOP.iter().chain(named.iter().filter(|name| !OURS.contains(name))) {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e01_a_registrar_hands_on_what_registering_needs_and_nothing_else() {
        for path in ["/login", "/registrations/r-1/withdraw", "/account/password", "/api/v1/terminal/lan-discovery"] {
            assert!(is_handed_on(path), "{path}");
        }
        for path in [
            "/",
            "/plugins",
            "/accounts",
            "/account/tokens",
            "/account/users/ada/remove",
            "/registrationsx",
            "/api/v1/users",
            "/api/v1/session/x",
            "/api/v1/membership",
            "/metrics",
            "//login",
            "/node/v1/exchange",
        ] {
            assert!(!is_handed_on(path), "{path}");
        }
    }

    #[test]
    fn e01_what_is_for_the_next_hop_or_ours_goes_no_further() {
        let sent = [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("hostler-user-address", "192.0.2.1:1"),
            ("cookie", "a=b"),
            ("host", "registrar.example"),
        ];
        let sent = sent.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let mut left: Vec<String> = end_to_end(sent).keys().map(ToString::to_string).collect();
        left.sort();
        assert_eq!(left, ["cookie", "host"]);
    }
}
