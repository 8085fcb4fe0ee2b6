//! Envelopes: what of a call is a matter of SOAP itself, whatever is called.

use super::Version;
use super::body;
use super::describe::{Operation, Service};
use super::fault::Fault;
use super::xml::{Element, Limits, Name, read};
use serde_json::Value;

/// Only who is addressed so is meant by a header (SOAP 1.1 §4.2.2, SOAP 1.2 part 1 §2.2): the next one, or the last.
const NEXT: [&str; 3] = [
    "http://schemas.xmlsoap.org/soap/actor/next",
    "http://www.w3.org/2003/05/soap-envelope/role/next",
    "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
];

/// How a call says that it is one, before its body is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announced {
    /// The version of its envelope.
    pub version: Version,
    /// The action that it names.
    action: Option<String>,
}

/// What is called.
#[derive(Debug)]
pub struct Call {
    /// Which operation.
    pub operation: &'static Operation,
    /// What is given, as JSON.
    pub input: Value,
}

impl Announced {
    /// By the headers of the call.
    ///
    /// # Errors
    /// The fault, and the version in which it is said.
    pub fn by(content_type: Option<&str>, soap_action: Option<&str>) -> Result<Self, (Version, Fault)> {
        let Some(content_type) = content_type else {
            let why = "the call says no Content-Type; send text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2)";
            return Err((Version::V11, Fault::sender("content-type", why).with_status(415)));
        };
        let mut parts = content_type.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let version = match media.as_str() {
            "text/xml" => Version::V11,
            "application/soap+xml" => Version::V12,
            "multipart/related" | "application/xop+xml" => {
                let why = "the call has attachments (multipart/related or MTOM), and those aren't taken";
                let fault =
                    Fault::sender("attachment", why).advising("Send the envelope alone; no operation needs more.");
                return Err((Version::V11, fault.with_status(415)));
            }
            _ => {
                let why = format!(
                    "“{media}” is no SOAP; send text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2) in UTF-8"
                );
                return Err((Version::V11, Fault::sender("content-type", why).with_status(415)));
            }
        };
        let mut action = soap_action.map(|action| action.trim().trim_matches('"').to_owned());
        if version == Version::V12 {
            action = None;
        }
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" if !value.eq_ignore_ascii_case("utf-8") => {
                    let why = format!("the call is in {value}, and only UTF-8 is read");
                    return Err((version, Fault::sender("encoding", why).advising("Send it in UTF-8.")));
                }
                "action" if version == Version::V12 => action = Some(value.to_owned()),
                _ => {}
            }
        }
        if version == Version::V11 && action.is_none() {
            let why = "the call has no SOAPAction header, which SOAP 1.1 wants (§6.1.1); an empty one, \"\", will do";
            return Err((version, Fault::sender("action", why)));
        }
        Ok(Self { version, action: action.filter(|action| !action.is_empty()) })
    }

    /// Reads what is called of this service.
    ///
    /// # Errors
    /// The fault.
    pub fn read(&self, bytes: &[u8], limits: Limits, service: &'static Service) -> Result<Call, Fault> {
        let body = self.body(read(bytes, limits)?)?;
        if body.name.namespace != service.namespace {
            let why = format!(
                "“{}” of the namespace “{}” isn't offered here; this service's namespace is {}",
                body.name.local, body.name.namespace, service.namespace
            );
            return Err(Fault::sender("operation", why));
        }
        let operation = service.operations.iter().find(|operation| operation.name == body.name.local);
        let operation = operation.ok_or_else(|| {
            let known: Vec<&str> = service.operations.iter().map(|operation| operation.name).collect();
            let why = format!("there is no operation “{}”; there is {}", body.name.local, known.join(", "));
            Fault::sender("operation", why)
        })?;
        if let Some(action) = self.action.as_ref().filter(|action| **action != service.action(operation)) {
            let why = format!("the call names the action “{action}”, and its body calls {}", service.action(operation));
            return Err(Fault::sender("action", why));
        }
        let input = body::read(&body, service.namespace, operation.input)?;
        Ok(Call { operation, input })
    }

    /// The one element in the body of an envelope.
    fn body(&self, envelope: Element) -> Result<Element, Fault> {
        let ns = self.version.namespace();
        if !envelope.name.is(ns, "Envelope") {
            let known = Version::ALL.iter().find(|version| envelope.name.is(version.namespace(), "Envelope"));
            return Err(Fault::version(match known {
                Some(other) => format!(
                    "the envelope is of {}, and the Content-Type says {}; send it as {}",
                    other.as_str(),
                    self.version.as_str(),
                    other.content_type()
                ),
                None => format!(
                    "the message is “{}” of the namespace “{}”; only envelopes of SOAP 1.1 ({}) and SOAP 1.2 ({}) are read",
                    envelope.name.local,
                    envelope.name.namespace,
                    Version::V11.namespace(),
                    Version::V12.namespace()
                ),
            }));
        }
        let not_understood: Vec<Name> = envelope
            .all(ns, "Header")
            .flat_map(|header| &header.children)
            .filter(|header| self.must_be_understood(header))
            .map(|header| header.name.clone())
            .collect();
        if !not_understood.is_empty() {
            return Err(Fault::headers(not_understood));
        }
        let mut bodies = envelope.children.into_iter().filter(|child| child.name.is(ns, "Body"));
        let (Some(body), None) = (bodies.next(), bodies.next()) else {
            return Err(Fault::sender("body", "the envelope has no body, or several; one is wanted"));
        };
        let mut calls = body.children.into_iter();
        match (calls.next(), calls.next()) {
            (Some(call), None) => Ok(call),
            (None, _) => Err(Fault::sender("body", "the body is empty; nothing is called")),
            (Some(_), Some(_)) => {
                Err(Fault::sender("body", "the body calls more than one operation; call them one after the other"))
            }
        }
    }

    /// Whether we have to understand this header. None is understood: a call is whole in its body.
    fn must_be_understood(&self, header: &Element) -> bool {
        let ns = self.version.namespace();
        let role = match self.version {
            Version::V11 => header.attribute(ns, "actor"),
            Version::V12 => header.attribute(ns, "role"),
        };
        let ours = role.is_none_or(|role| role.is_empty() || NEXT.contains(&role));
        let must = header.attribute(ns, "mustUnderstand").map(str::trim);
        ours && matches!(must, Some("1" | "true"))
    }
}
