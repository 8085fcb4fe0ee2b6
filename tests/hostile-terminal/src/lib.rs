//! A terminal plug-in that does what none should. What, says the PIN of each parcel: a word, and what belongs to it. What it
//! was told comes back as the reason of a refusal.

use hostler_plugin::http::Method;
use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::terminal::{
    Delivery, LanError, Order, Outcome, Parcel, Secret, Verdict, WebRequest, lan, objects, progress,
};
use hostler_plugin::types::Failure;

/// The plug-in.
pub struct HostileTerminal;

impl Delivery for HostileTerminal {
    fn deliver(parcels: Vec<Parcel>) -> Result<Vec<Outcome>, Failure> {
        let outcome = |parcel: Parcel| {
            let said = behave(&parcel);
            Outcome { address: parcel.address, verdict: Verdict::Refused(said), by: None }
        };
        Ok(parcels.into_iter().map(outcome).collect())
    }
}

hostler_plugin::export_delivery!(HostileTerminal);

fn behave(parcel: &Parcel) -> String {
    let (Secret::Pin(word) | Secret::Key(word)) = &parcel.secret;
    let (word, more) = word.split_once(' ').unwrap_or((word, ""));
    let address = parcel.address.clone();
    match word {
        "get" => told(lan::get(&[address], &[objects::STATE.to_vec()])),
        "set" => {
            let binding = Binding { oid: objects::PIN.to_vec(), value: Value::Octets(b"x".to_vec()) };
            told(lan::set(&[Order { address, bindings: vec![binding] }]))
        }
        "send" => {
            let path = more.to_owned();
            let request = WebRequest { address, method: Method::Get, path, headers: vec![], body: vec![] };
            told(lan::send(&[request]).into_iter().map(|page| page.map(|page| page.status)).collect())
        }
        "get-at" => told(lan::get(&[more.to_owned()], &[objects::STATE.to_vec()])),
        "loop" => loop {
            std::hint::black_box(&address);
        },
        "grow" => {
            let mut kept = Vec::new();
            loop {
                kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        "ask" => loop {
            let _ = lan::get(&vec![address.clone(); 100], &[objects::STATE.to_vec()]);
        },
        "report" => loop {
            progress::report(0, 1, &"x".repeat(10_000));
        },
        "wait" => loop {
            lan::pause(u32::MAX);
        },
        other => format!("{other:?} is no behaviour"),
    }
}

fn told<T: std::fmt::Debug>(results: Vec<Result<T, LanError>>) -> String {
    results.into_iter().map(|result| format!("{result:?}")).collect()
}
