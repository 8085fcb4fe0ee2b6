//! Between the words of `wit/` and those of the core. Text that a device or a plug-in made is shortened to what a page
//! can show, and looks it; rows that are too many and names that are none end the call.

use crate::actions::{Action, Deed};
use crate::bindings::driver;
use crate::bindings::wit::{http, snmp, types};
use crate::call::{Failure, Recognition};
use crate::limits::Overstep;
use hostler_core::device::Certainty;
use hostler_core::id::is_standard_name;
use hostler_core::reading::{Alert, Amount, DeviceType, Identity, Level, Reading, Report, Severity, Status, Value};
use hostler_links::{HttpMethod, HttpRequest, Oid, Value as SnmpValue, VarBind};
use serde::{Deserialize, Serialize};

/// Characters of one text that are kept.
const TEXT: usize = 500;

/// Readings and alerts that a report may have, of each.
const ROWS: usize = 1_000;

/// Console lines that a report, and attributes that a reading may have.
const FEW: usize = 20;

/// Without control characters, and shortened where it is too long.
pub(crate) fn text(text: String) -> String {
    if text.len() <= TEXT && !text.chars().any(char::is_control) {
        return text;
    }
    let mut clean = text.chars().filter(|c| !c.is_control());
    let mut kept: String = clean.by_ref().take(TEXT).collect();
    if clean.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// What a reading, an alert or an event is called.
pub(crate) fn name(of: &str, name: String) -> Result<String, Overstep> {
    if is_standard_name(&name) {
        return Ok(name);
    }
    let shown: String = name.chars().take(80).collect();
    Err(Overstep(format!(
        "{of} is called {shown:?}; a name is lower-case and dotted, such as \"pages.printed\", at most 100 characters"
    )))
}

pub(crate) fn at_most<T>(limit: usize, what: &str, found: Vec<T>) -> Result<Vec<T>, Overstep> {
    match found.len() {
        count if count > limit => Err(Overstep(format!("{what}: there are {count}, and there may be {limit}"))),
        _ => Ok(found),
    }
}

fn some(found: Option<String>) -> Option<String> {
    found.map(text).filter(|text| !text.trim().is_empty())
}

pub(crate) fn failure(failure: types::Failure) -> Failure {
    match failure {
        types::Failure::Unreachable(why) => Failure::Unreachable(text(why)),
        types::Failure::Garbled(why) => Failure::Garbled(text(why)),
        types::Failure::Refused(why) => Failure::Refused(text(why)),
        types::Failure::Unsupported(why) => Failure::Unsupported(text(why)),
    }
}

fn device_type(device_type: types::DeviceType) -> DeviceType {
    match device_type {
        types::DeviceType::Mfp => DeviceType::Mfp,
        types::DeviceType::Printer => DeviceType::Printer,
        types::DeviceType::Scanner => DeviceType::Scanner,
        types::DeviceType::Appliance => DeviceType::Appliance,
        types::DeviceType::VendingMachine => DeviceType::VendingMachine,
        types::DeviceType::Other => DeviceType::Other,
    }
}

pub(crate) fn recognition(found: driver::Recognition) -> Recognition {
    let certainty = match found.certainty {
        driver::Certainty::Possible => Certainty::Possible,
        driver::Certainty::Likely => Certainty::Likely,
        driver::Certainty::Certain => Certainty::Certain,
    };
    Recognition { certainty, device_type: device_type(found.device_type), title: text(found.title) }
}

pub(crate) fn identity(found: types::Identity) -> Identity {
    Identity {
        device_type: device_type(found.device_type),
        manufacturer: some(found.manufacturer),
        model: some(found.model),
        serial: some(found.serial),
        mac: some(found.mac),
        firmware: some(found.firmware),
        name: some(found.name),
        location: some(found.location),
    }
}

fn value(found: types::Value) -> Option<Value> {
    let finite = |number: f64| number.is_finite().then_some(number);
    Some(match found {
        types::Value::Counter(count) => Value::Counter(count),
        types::Value::Gauge(number) => Value::Gauge(finite(number)?),
        types::Value::Level(level) => Value::Level(Level {
            remaining: match level.remaining {
                types::Amount::Exact(left) => Amount::Exact(finite(left)?),
                types::Amount::SomeLeft => Amount::SomeLeft,
                types::Amount::Unknown => Amount::Unknown,
                types::Amount::Unlimited => Amount::Unlimited,
            },
            capacity: level.capacity.and_then(finite),
        }),
        types::Value::State(word) => Value::State(text(word)),
        types::Value::Text(words) => Value::Text(text(words)),
    })
}

/// `None` where its number is none.
fn reading(found: types::Reading) -> Result<Option<Reading>, Overstep> {
    let name = name("a reading", found.name)?;
    let attributes = at_most(FEW, "attributes of a reading", found.attributes)?;
    Ok(value(found.value).map(|value| Reading {
        name,
        instance: some(found.instance),
        label: some(found.label),
        unit: some(found.unit),
        value,
        attributes: attributes.into_iter().map(|(key, value)| (text(key), text(value))).collect(),
    }))
}

pub(crate) fn severity(found: types::Severity) -> Severity {
    match found {
        types::Severity::Info => Severity::Info,
        types::Severity::Warning => Severity::Warning,
        types::Severity::Critical => Severity::Critical,
    }
}

fn alert(found: types::Alert) -> Result<Alert, Overstep> {
    Ok(Alert {
        code: name("an alert", found.code)?,
        severity: severity(found.severity),
        part: some(found.part),
        text: some(found.text),
    })
}

fn report(found: types::Report) -> Result<Report, Overstep> {
    let status = match found.status {
        types::Status::Ready => Status::Ready,
        types::Status::Busy => Status::Busy,
        types::Status::WarmingUp => Status::WarmingUp,
        types::Status::Asleep => Status::Asleep,
        types::Status::Warning => Status::Warning,
        types::Status::Stopped => Status::Stopped,
        types::Status::Unknown => Status::Unknown,
    };
    let readings = at_most(ROWS, "readings of a report", found.readings)?.into_iter();
    let alerts = at_most(ROWS, "alerts of a report", found.alerts)?.into_iter();
    let console = at_most(FEW, "console lines of a report", found.console)?.into_iter();
    Ok(Report {
        status,
        readings: readings.filter_map(|found| reading(found).transpose()).collect::<Result<_, _>>()?,
        alerts: alerts.map(alert).collect::<Result<_, _>>()?,
        console: console.map(text).collect(),
    })
}

pub(crate) fn outcome(found: driver::Outcome) -> Result<(Report, Vec<Action>), Overstep> {
    Ok((report(found.report)?, actions(found.actions)))
}

pub(crate) fn deed(found: types::Deed) -> Result<Deed, Overstep> {
    let lines = at_most(FEW, "lines of an answer", found.lines)?.into_iter();
    Ok(Deed { lines: lines.map(text).collect(), actions: actions(found.actions) })
}

fn actions(found: Vec<types::Action>) -> Vec<Action> {
    let action = |action| match action {
        types::Action::SnmpSet(bindings) => {
            let plain =
                |binding: snmp::Binding| (Oid::from_slice(&binding.oid).to_string(), PlainValue::from(binding.value));
            Action::SnmpSet(bindings.into_iter().map(plain).collect())
        }
        types::Action::HttpSend(request) => Action::HttpSend(request_from_guest(request).into()),
    };
    found.into_iter().map(action).collect()
}

pub(crate) fn binding_to_guest(binding: &VarBind) -> snmp::Binding {
    let value = match &binding.value {
        SnmpValue::Integer(number) => snmp::Value::Integer(*number),
        SnmpValue::OctetString(octets) => snmp::Value::Octets(octets.to_vec()),
        SnmpValue::Null => snmp::Value::Null,
        SnmpValue::ObjectIdentifier(oid) => snmp::Value::ObjectId(oid.arcs().to_vec()),
        SnmpValue::IpAddress([a, b, c, d]) => snmp::Value::IpAddress((*a, *b, *c, *d)),
        SnmpValue::Counter32(count) => snmp::Value::Counter32(*count),
        SnmpValue::Gauge32(number) | SnmpValue::UInteger32(number) => snmp::Value::Gauge32(*number),
        SnmpValue::TimeTicks(ticks) => snmp::Value::TimeTicks(*ticks),
        SnmpValue::Opaque(bytes) => snmp::Value::Opaque(bytes.to_vec()),
        SnmpValue::Counter64(count) => snmp::Value::Counter64(*count),
        _ => snmp::Value::Absent,
    };
    snmp::Binding { oid: binding.oid.arcs().to_vec(), value }
}

/// A value to be written, as it is stored while it waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the types of RFC 3416 that can be written")]
pub enum PlainValue {
    Integer(i32),
    Octets(Vec<u8>),
    ObjectId(Vec<u32>),
    IpAddress([u8; 4]),
    Gauge(u32),
    TimeTicks(u32),
    Null,
}

impl From<snmp::Value> for PlainValue {
    fn from(value: snmp::Value) -> Self {
        match value {
            snmp::Value::Integer(number) => Self::Integer(number),
            snmp::Value::Octets(octets) | snmp::Value::Opaque(octets) => Self::Octets(octets),
            snmp::Value::ObjectId(arcs) => Self::ObjectId(arcs),
            snmp::Value::IpAddress((a, b, c, d)) => Self::IpAddress([a, b, c, d]),
            snmp::Value::Gauge32(number) | snmp::Value::Counter32(number) => Self::Gauge(number),
            snmp::Value::TimeTicks(ticks) => Self::TimeTicks(ticks),
            // Nothing of these can be written (RFC 3416, 4.2.5): the agent will say so.
            snmp::Value::Counter64(_) | snmp::Value::Null | snmp::Value::Absent => Self::Null,
        }
    }
}

impl From<PlainValue> for SnmpValue {
    fn from(value: PlainValue) -> Self {
        match value {
            PlainValue::Integer(number) => Self::Integer(number),
            PlainValue::Octets(octets) => Self::OctetString(octets.into()),
            PlainValue::ObjectId(arcs) => Self::ObjectIdentifier(Oid::from_slice(&arcs)),
            PlainValue::IpAddress(octets) => Self::IpAddress(octets),
            PlainValue::Gauge(number) => Self::Gauge32(number),
            PlainValue::TimeTicks(ticks) => Self::TimeTicks(ticks),
            PlainValue::Null => Self::Null,
        }
    }
}

/// A request to be sent, as it is stored while it waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields of `http.request` in wit/http.wit")]
pub struct PlainRequest {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub credential: Option<String>,
}

impl From<HttpRequest> for PlainRequest {
    fn from(request: HttpRequest) -> Self {
        let method = format!("{:?}", request.method);
        let HttpRequest { path, headers, body, credential, .. } = request;
        Self { method, path, headers, body, credential }
    }
}

impl From<PlainRequest> for HttpRequest {
    fn from(request: PlainRequest) -> Self {
        let method = match request.method.as_str() {
            "Head" => HttpMethod::Head,
            "Post" => HttpMethod::Post,
            "Put" => HttpMethod::Put,
            "Delete" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        let PlainRequest { path, headers, body, credential, .. } = request;
        Self { method, path, headers, body, credential }
    }
}

pub(crate) fn request_from_guest(request: http::Request) -> HttpRequest {
    let method = match request.method {
        http::Method::Get => HttpMethod::Get,
        http::Method::Head => HttpMethod::Head,
        http::Method::Post => HttpMethod::Post,
        http::Method::Put => HttpMethod::Put,
        http::Method::Delete => HttpMethod::Delete,
    };
    HttpRequest {
        method,
        path: request.path,
        headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        body: request.body,
        credential: request.credential,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_a_text_that_was_shortened_looks_it() {
        let long = text("\u{1f5a8}\n".repeat(501));
        assert_eq!(long.chars().count(), TEXT);
        assert!(long.ends_with("\u{1f5a8}…"));
        for whole in [String::new(), "x".repeat(TEXT), "\u{1f5a8}".repeat(TEXT)] {
            assert_eq!(text(whole.clone()), whole);
        }
        assert_eq!(text(format!("{}\r\n", "x".repeat(TEXT))), "x".repeat(TEXT), "nothing that shows is lost");
    }

    #[test]
    fn p03_a_report_may_have_as_much_as_the_contract_says() {
        let reading = types::Reading {
            name: "pages.printed".to_owned(),
            instance: None,
            label: None,
            unit: None,
            value: types::Value::Counter(1),
            attributes: (0..FEW).map(|number| (number.to_string(), String::new())).collect(),
        };
        let alert =
            types::Alert { code: "cover-open".to_owned(), severity: types::Severity::Info, part: None, text: None };
        let full = types::Report {
            status: types::Status::Ready,
            readings: vec![reading; ROWS],
            alerts: vec![alert; ROWS],
            console: vec!["Ready".to_owned(); FEW],
        };
        let taken = report(full).unwrap();
        assert_eq!((taken.readings.len(), taken.alerts.len(), taken.console.len()), (ROWS, ROWS, FEW));
        assert_eq!(taken.readings[0].attributes.iter().count(), FEW);
    }
}
