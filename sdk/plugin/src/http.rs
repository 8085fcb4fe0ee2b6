//! The device's own web server: its one origin, nothing else.

use crate::types::Failure;

pub use crate::bindings::imports::hostler::plugin::http::{Error, Header, Method, Request, Response};

/// A GET without headers or credential.
#[must_use]
pub fn get(path: &str) -> Request {
    Request { method: Method::Get, path: path.to_owned(), headers: vec![], body: vec![], credential: None }
}

/// Sends a request. Redirects that leave the origin are not followed.
///
/// # Errors
/// When no answer came; an answer with an error status is an answer.
pub fn send(request: &Request) -> Result<Response, Error> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::imports::hostler::plugin::http::send(request);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::testing::link::send(request);
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout => Self::Unreachable("no answer to HTTP in time".to_owned()),
            Error::Connection(why) => Self::Unreachable(format!("no connection to its web server: {why}")),
            Error::NoLink => Self::Unsupported("HTTP was not granted or is not configured for this device".to_owned()),
            Error::Invalid(what) => Self::Garbled(format!("the plug-in sent a request that can't be: {what}")),
            Error::TooLarge => Self::Garbled("its web server answered more than one call may take".to_owned()),
        }
    }
}
