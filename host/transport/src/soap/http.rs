//! A service over HTTP: its WSDL by GET, calls by POST, and answers.

use super::Version;
use super::body;
use super::describe::{Operation, Service};
use super::envelope::Announced;
use super::fault::Fault;
use super::xml::Element;
use crate::Scheme;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// What a request asks for.
pub enum Asked {
    /// Something is called, in this version.
    Call(Announced),
    /// It is answered already: with the WSDL, or why it isn't a call.
    Answered(Response),
}

/// Looks at a request, before anything of its body is read.
#[must_use]
pub fn asked(parts: &Parts, service: &Service, scheme: Scheme) -> Asked {
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match parts.method {
        Method::POST => {
            let announced = Announced::by(text(CONTENT_TYPE.as_str()), text("soapaction"));
            announced.map_or_else(|(version, fault)| Asked::Answered(failed(version, &fault)), Asked::Call)
        }
        Method::GET | Method::HEAD if wants_wsdl(parts.uri.query()) => {
            let host = text(HOST.as_str()).filter(|host| is_host(host)).unwrap_or("localhost");
            let address = format!("{}://{host}{}", scheme.as_str(), service.path);
            Asked::Answered(xml(StatusCode::OK, "text/xml; charset=utf-8", service.wsdl(&address)))
        }
        Method::GET | Method::HEAD => {
            let why = format!("this is a SOAP service: call it by POST; its description is at {}?wsdl\n", service.path);
            Asked::Answered((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")], why).into_response())
        }
        _ => {
            let why = "a SOAP service is called by POST\n";
            Asked::Answered((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, POST")], why).into_response())
        }
    }
}

fn wants_wsdl(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part.eq_ignore_ascii_case("wsdl")))
}

/// What stands there is whatever the caller sent.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
}

fn xml(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response()
}

fn enveloped(version: Version, inner: Element, header: Option<Element>) -> String {
    let ns = version.namespace();
    let envelope = Element::of(ns, "Envelope").with_all(header);
    envelope.with(Element::of(ns, "Body").with(inner)).document(&[(Version::PREFIX, ns)])
}

/// The answer to a call that was done.
#[must_use]
pub fn done(version: Version, service: &Service, operation: &Operation, output: &Value) -> Response {
    let answer = Element::of(service.namespace, &format!("{}Response", operation.name));
    let answer = answer.with_all(body::write(output, service.namespace, operation.output));
    xml(StatusCode::OK, version.content_type(), enveloped(version, answer, None))
}

/// The answer to one that wasn't.
#[must_use]
pub fn failed(version: Version, fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.http_status(version)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let header = header(version, fault);
    xml(status, version.content_type(), enveloped(version, fault.element(version), header))
}

/// In SOAP 1.2, headers name what wasn't understood, or which versions are (part 1 §5.4.7 and §5.4.8). Names with a prefix
/// need its declaration where they stand, so they are written with one element each.
fn header(version: Version, fault: &Fault) -> Option<Element> {
    let ns = version.namespace();
    if version == Version::V11 || (fault.not_understood.is_empty() && fault.whose != super::Whose::VersionMismatch) {
        return None;
    }
    let header = Element::of(ns, "Header");
    if fault.whose == super::Whose::VersionMismatch {
        let envelope = Element::of(ns, "SupportedEnvelope").set("qname", format!("{}:Envelope", Version::PREFIX));
        return Some(header.with(Element::of(ns, "Upgrade").with(envelope)));
    }
    Some(header.with_all(fault.not_understood.iter().map(|name| {
        let block = Element::of(ns, "NotUnderstood").set("qname", format!("h:{}", name.local));
        block.set("xmlns:h", name.namespace.clone())
    })))
}
