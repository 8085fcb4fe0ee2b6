//! A device node that somebody else wrote: it speaks the enrollment protocol over SNMP and HTTP, and asks the manager.

use async_snmp::message::{CommunityMessage, CommunityPdu};
use async_snmp::pdu::{ErrorIndex, OutboundErrorStatus, PduBody, ResponsePdu, StandardPduType};
use async_snmp::{DecodeConfig, Oid, Value, VarBind, Version};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use hostler_tests::{Api, Foreign, Place};
use reqwest::Method;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, UdpSocket};

/// What goes wrong with a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// It has no SNMP agent.
    pub no_agent: bool,
    /// Somebody was entered at it whose PIN this isn't.
    pub others: bool,
    /// Its answer to a SET is lost.
    pub loses_answers: bool,
}

/// A device in a place.
#[derive(Clone)]
pub struct Device(Arc<Shared>);

struct Shared {
    id: String,
    manager: Api,
    key: String,
    request: String,
    faults: Faults,
    now: Mutex<Now>,
}

#[derive(Clone, Default)]
struct Now {
    state: &'static str,
    manager: String,
    why: String,
    window: u32,
    brought: u32,
}

impl Device {
    /// Starts one at this address, with the ports that all devices of the place have; nothing where there is no openssl or curl.
    pub async fn start(
        place: &Place,
        at: Ipv4Addr,
        (snmp, http): (u16, u16),
        id: &str,
        manager: &Api,
        faults: Faults,
    ) -> Option<Self> {
        let Foreign { request, fingerprint: key, .. } = Foreign::make(place, id)?;
        let now = Now { state: "not-connected", window: 120, ..Now::default() };
        let (id, manager) = (id.to_owned(), manager.with_token(None));
        let device = Self(Arc::new(Shared { id, manager, key, request, faults, now: Mutex::new(now) }));
        if !faults.no_agent {
            let socket = UdpSocket::bind(SocketAddr::from((at, snmp))).await.unwrap();
            tokio::spawn(device.clone().answer(socket));
        }
        let pages = axum::Router::new()
            .route("/state", get(async |State(device): State<Device>| device.page()))
            .route("/enroll", post(async |State(device): State<Device>, body: String| device.posted(&body)))
            .with_state(device.clone());
        let listener = TcpListener::bind(SocketAddr::from((at, http))).await.unwrap();
        tokio::spawn(async { axum::serve(listener, pages).await });
        Some(device)
    }

    /// How often something was brought to it.
    pub fn brought(&self) -> u32 {
        self.now().brought
    }

    /// How far it is.
    pub fn state(&self) -> &'static str {
        self.now().state
    }

    fn now(&self) -> Now {
        self.0.now.lock().unwrap().clone()
    }

    fn page(&self) -> String {
        let now = self.now();
        json!({
            "device": self.0.id, "node": self.0.id.to_lowercase(), "state": now.state, "manager": now.manager,
            "why": now.why, "takes_pin_for_s": now.window,
        })
        .to_string()
    }

    fn posted(&self, body: &str) -> (StatusCode, String) {
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        match body["pin"].as_str() {
            Some(pin) if self.take(pin) => (StatusCode::ACCEPTED, json!({ "state": "connecting" }).to_string()),
            Some(_) => {
                (StatusCode::CONFLICT, json!({ "error": "It takes none now.", "code": "no-window" }).to_string())
            }
            None => (StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": "This is no PIN." }).to_string()),
        }
    }

    /// Takes a PIN and asks the manager, if it is its time.
    fn take(&self, pin: &str) -> bool {
        let mut now = self.0.now.lock().unwrap();
        now.brought += 1;
        if now.state != "not-connected" || now.window == 0 {
            return false;
        }
        now.state = "connecting";
        let (device, pin) = (self.clone(), pin.to_owned());
        tokio::spawn(async move { device.connect(&pin).await });
        true
    }

    async fn connect(&self, pin: &str) {
        let Shared { id, manager, key, request, faults, .. } = &*self.0;
        let user = faults.others.then_some("somebody@example.org");
        let proof = json!({ "pin": pin });
        let knock = json!({
            "connection": { "device": id, "node": id.to_lowercase(), "proof": proof, "key": key, "user": user },
            "certificate-request": request,
        });
        let answer =
            manager.send(Method::POST, "/node/v1/connect", "application/json", knock.to_string()).await.unwrap();
        let said = answer.json();
        let mut now = self.0.now.lock().unwrap();
        if answer.status.is_success() {
            *now = Now { state: "connected", manager: said["manager"].as_str().unwrap().to_owned(), ..now.clone() };
        } else {
            *now = Now { state: "not-connected", why: said["error"].as_str().unwrap().to_owned(), ..now.clone() };
        }
    }

    async fn answer(self, socket: UdpSocket) {
        let mut buffer = vec![0; 4_096];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
            if let Some(answer) = self.reply(&buffer[..length]) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    }

    fn reply(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let message = CommunityMessage::decode(datagram.to_vec().into(), DecodeConfig::DEFAULT).ok()?.value;
        let (_, community, pdu) = message.into_parts();
        let CommunityPdu::Standard(pdu) = pdu else { return None };
        if !community.matches("office") {
            return None;
        }
        let (id, body, asked) = pdu.into_raw_parts();
        let PduBody::Standard { pdu_type, .. } = body else { return None };
        let response = match pdu_type {
            StandardPduType::GetRequest => {
                let found = asked.iter().map(|binding| VarBind::new(binding.oid.clone(), self.object(&binding.oid)));
                ResponsePdu::success(Version::V2c, id, found.collect()).unwrap()
            }
            StandardPduType::SetRequest => {
                let pin = asked.iter().find_map(|binding| match (arc(&binding.oid), &binding.value) {
                    (Some(8), Value::OctetString(pin)) => std::str::from_utf8(pin).ok().map(str::to_owned),
                    _ => None,
                });
                let taken = pin.is_some_and(|pin| self.take(&pin));
                if self.0.faults.loses_answers {
                    return None;
                }
                if taken {
                    ResponsePdu::success(Version::V2c, id, asked).unwrap()
                } else {
                    let index = ErrorIndex::new(1, asked.len()).unwrap();
                    let status = OutboundErrorStatus::InconsistentValue;
                    ResponsePdu::new(Version::V2c, id, status, Some(index), asked).unwrap()
                }
            }
            _ => return None,
        };
        Some(CommunityMessage::v2c(community, response).unwrap().encode().unwrap().to_vec())
    }

    fn object(&self, oid: &Oid) -> Value {
        let now = self.now();
        let text = |text: &str| Value::OctetString(text.as_bytes().to_vec().into());
        match arc(oid) {
            Some(1) => text("hostler-enrollment 1"),
            Some(2) => text(&self.0.id),
            Some(3) => text(now.state),
            Some(4) => text(&now.manager),
            Some(6) => text(&now.why),
            Some(7) => Value::Gauge32(now.window),
            Some(5 | 8 | 9) => text(""),
            _ => Value::NoSuchObject,
        }
    }
}

/// The number of an enrollment object.
fn arc(oid: &Oid) -> Option<u32> {
    let [rest @ .., number, 0] = oid.arcs() else { return None };
    (rest == [1, 3, 6, 1, 4, 1, 99999, 10]).then_some(*number)
}
