//! Looking and bringing over the device's web server.

use crate::journey::{Brought, Seen};
use hostler_plugin::http::{Header, Method};
use hostler_plugin::terminal::{LanError, Parcel, Secret, WebRequest, WebResponse, lan, said, standing};
use serde_json::{Value, json};

/// What the devices say of themselves.
pub(crate) fn look(addresses: &[String]) -> Vec<Result<Seen, LanError>> {
    let request = |address: &String| WebRequest {
        address: address.clone(),
        method: Method::Get,
        path: "/state".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let requests: Vec<WebRequest> = addresses.iter().map(request).collect();
    lan::send(&requests).into_iter().map(|found| found.and_then(|page| seen(&page))).collect()
}

fn seen(page: &WebResponse) -> Result<Seen, LanError> {
    let other = || LanError::Garbled("its web server doesn't speak the enrollment protocol".to_owned());
    let state: Value = serde_json::from_slice(&page.body).map_err(|_| other())?;
    let text = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if page.status != 200 || text("device").is_empty() {
        return Err(other());
    }
    let window = state.get("takes_pin_for_s").and_then(Value::as_u64);
    Ok(Seen {
        standing: standing(&text("state"))?,
        manager: text("manager"),
        why: text("why"),
        window: window.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
    })
}

/// Posts what lets the devices in.
pub(crate) fn bring(parcels: &[&Parcel]) -> Vec<Brought> {
    let request = |parcel: &&Parcel| {
        let body = match &parcel.secret {
            Secret::Pin(pin) => json!({ "pin": pin }),
            Secret::Key(key) => json!({ "key": key }),
        };
        let json = Header { name: "content-type".to_owned(), value: "application/json".to_owned() };
        WebRequest {
            address: parcel.address.clone(),
            method: Method::Post,
            path: "/enroll".to_owned(),
            headers: vec![json],
            body: body.to_string().into_bytes(),
        }
    };
    let requests: Vec<WebRequest> = parcels.iter().map(request).collect();
    lan::send(&requests).into_iter().map(brought).collect()
}

fn brought(answer: Result<WebResponse, LanError>) -> Brought {
    let page = match answer {
        Ok(page) => page,
        Err(LanError::Timeout | LanError::Broken(_) | LanError::TooLarge) => return Brought::Unknown,
        Err(other) => return Brought::NoWay(said(&other)),
    };
    let body: Value = serde_json::from_slice(&page.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (page.status, text("code")) {
        (200..=299, _) => Brought::Taken,
        (409, Some("connecting")) => Brought::Busy,
        (status, _) => match text("error") {
            Some(why) => Brought::Refused(why.to_owned()),
            None => Brought::Refused(format!("its web server answered {status}")),
        },
    }
}
