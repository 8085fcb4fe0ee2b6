//! `http`: the web server of the call's one device.

use crate::bindings::wit::http::{Error, Header, Host, Request, Response};
use crate::call::Guest;
use crate::convert::request_from_guest;
use hostler_links::HttpError;
use wasmtime::Result;

impl Host for Guest {
    async fn send(&mut self, request: Request) -> Result<Result<Response, Error>> {
        self.purse.operations(1)?;
        let headers: usize = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        self.purse.bytes(request.path.len() + headers + request.body.len())?;
        if let Some(name) = request.credential.as_ref().filter(|name| !self.grant.has_credential(name)) {
            return Ok(Err(Error::Invalid(format!("the manifest does not ask for the credential {name:?}"))));
        }
        let Some(link) = &self.http else { return Ok(Err(Error::NoLink)) };
        let answer = link.send(request_from_guest(request), self.purse.bytes_left()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(HttpError::Timeout) => return Ok(Err(Error::Timeout)),
            Err(HttpError::Connection(why) | HttpError::Broken(why)) => return Ok(Err(Error::Connection(why))),
            Err(untrusted @ HttpError::Untrusted(_)) => return Ok(Err(Error::Connection(untrusted.to_string()))),
            Err(HttpError::Invalid(why)) => return Ok(Err(Error::Invalid(why))),
            Err(HttpError::TooLarge(_)) => return Ok(Err(Error::TooLarge)),
        };
        let headers: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.purse.bytes(headers + answer.body.len())?;
        let headers = answer.headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        Ok(Ok(Response { status: answer.status, headers, body: answer.body }))
    }
}
