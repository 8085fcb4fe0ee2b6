//! A plug-in that does what no plug-in should: what, says the setting `behaviour`.
//!
//! The tests of the plug-in host iterate [`Behaviour::ALL`] and match it without a wildcard, so that a behaviour
//! without an expectation doesn't compile. `behaviour` is the list, `floods` and `greed` are what it takes to misbehave,
//! `offers` is what it exports beside `driver`.

mod behaviour;
mod floods;
mod greed;
mod offers;
mod traces;

pub use behaviour::Behaviour;
use hostler_plugin::types::{
    Action, Certainty, DeviceType, Failure, Identity, Outcome, Reading, Recognition, Report, Severity, Status, Value,
};
use hostler_plugin::{Driver, cache, events, http, log, random, settings, snmp, unnamed};

/// The object that is asked for where any will do: sysUpTime.0 (RFC 3418).
const OBJECT: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// The driver.
pub struct Hostile;

impl Driver for Hostile {
    fn recognise() -> Result<Option<Recognition>, Failure> {
        behave()?;
        let recognition =
            Recognition { certainty: Certainty::Possible, device_type: DeviceType::Other, title: "Hostile".to_owned() };
        Ok(Some(recognition))
    }

    fn identify() -> Result<Identity, Failure> {
        behave()?;
        Ok(unnamed(DeviceType::Other))
    }

    fn read() -> Result<Outcome, Failure> {
        behave()
    }
}

hostler_plugin::export_driver!(Hostile);

fn behaviour() -> Result<Behaviour, Failure> {
    let name = settings::get("behaviour").unwrap_or_default();
    Behaviour::named(&name).ok_or_else(|| Failure::Unsupported(format!("{name:?} is no behaviour of this build")))
}

fn behave() -> Result<Outcome, Failure> {
    match behaviour()? {
        Behaviour::WellBehaved
        | Behaviour::ManyCommands
        | Behaviour::BadCommand
        | Behaviour::DescribeWithDevice
        | Behaviour::ManyLamps
        | Behaviour::TalkativeDeed => {}
        Behaviour::Loop => greed::compute(),
        Behaviour::Recurse => return Ok(counted("depth", greed::recurse(0))),
        Behaviour::RecurseAndAsk => return Ok(counted("depth", greed::recurse_and_ask(0))),
        Behaviour::Grow => return Ok(counted("megabytes", greed::grow())),
        Behaviour::GrowPolitely => return Ok(counted("megabytes", greed::grow_politely())),
        Behaviour::Trap => greed::trap(),
        Behaviour::LogThenTrap => {
            log::warn("the last words");
            greed::trap();
        }
        Behaviour::LogFlood => floods::log(),
        Behaviour::EventFlood => floods::events(),
        Behaviour::HostBytesFlood => floods::state(),
        Behaviour::LinkFlood => floods::link(),
        Behaviour::WalkFlood => floods::walks(),
        Behaviour::ManyObjects => drop(snmp::get(&vec![OBJECT.to_vec(); 100_000])),
        Behaviour::LongObject => return told(snmp::get(&[vec![1; 1_000_000]]).map(|found| found.len())),
        Behaviour::OverlongObject => return told(snmp::get(&[vec![1; 129]]).map(|found| found.len())),
        Behaviour::ImpossibleObject => return told(snmp::get(&[vec![9, 99, 7], vec![]]).map(|found| found.len())),
        Behaviour::ManyArcs => drop(snmp::get(&vec![vec![1; 100_000]; 30])),
        Behaviour::LongWalk => return told(snmp::walk(&[1, 3, 6, 1], u32::MAX).map(|found| found.len())),
        Behaviour::EmptyWalk => return told(snmp::walk(&OBJECT, 0).map(|found| found.len())),
        Behaviour::WaitForDevice => return told(snmp::get(&[OBJECT.to_vec()]).map(|found| found.len())),
        Behaviour::SetUngranted => return told(snmp::set(&[binding()]).map(|()| 1)),
        Behaviour::ActUngranted => return Ok(acting(Action::SnmpSet(vec![binding()]))),
        Behaviour::ActWithForeignCredential => {
            return Ok(acting(Action::HttpSend(http::Request {
                credential: Some("another's".to_owned()),
                ..http::get("/")
            })));
        }
        Behaviour::ActWithOwnCredential => {
            return Ok(acting(Action::HttpSend(http::Request {
                credential: Some("own".to_owned()),
                ..http::get("/")
            })));
        }
        Behaviour::ActionFlood => return Ok(floods::actions()),
        Behaviour::StateThenTrap => {
            traces::leave();
            greed::trap();
        }
        Behaviour::StateThenLoop => {
            traces::leave();
            greed::compute();
        }
        Behaviour::StateThenFail => {
            traces::leave();
            return Err(Failure::Refused("no".to_owned()));
        }
        Behaviour::StateThenAnswer => traces::leave(),
        Behaviour::RewriteState => traces::rewrite(),
        Behaviour::BigStateValue => traces::big_value(),
        Behaviour::BigState => traces::big_values(),
        Behaviour::ManyStateKeys => traces::many_keys(),
        Behaviour::BadStateKey => traces::bad_key(),
        Behaviour::HugeReport => return Ok(floods::huge_report()),
        Behaviour::LongReport => return Ok(floods::long_report()),
        Behaviour::ManyReadings => return Ok(outcome(vec![floods::row(); 1_001])),
        Behaviour::ManyAlerts => return Ok(floods::alerts(&["hostile"; 1_001])),
        Behaviour::ManyLines => return Ok(floods::lines(21)),
        Behaviour::ManyAttributes => return Ok(outcome(vec![floods::row_with_attributes(21)])),
        Behaviour::BadReadingName => return Ok(outcome(vec![Reading::new("Hostile row", Value::Counter(1))])),
        Behaviour::BadAlertCode => return Ok(floods::alerts(&["hostile..alert"])),
        Behaviour::BadEventName => {
            traces::leave();
            events::emit("hostile/event", Severity::Info, "misnamed");
        }
        Behaviour::TooMuchRandom => drop(random::bytes(1 << 20)),
    }
    Ok(outcome(cache::text("seen").map(|seen| Reading::new("hostile.cache", Value::Text(seen))).into_iter().collect()))
}

fn binding() -> snmp::Binding {
    snmp::Binding { oid: OBJECT.to_vec(), value: snmp::Value::Integer(1) }
}

fn outcome(readings: Vec<Reading>) -> Outcome {
    Report { status: Status::Ready, readings, alerts: vec![], console: vec![] }.into()
}

fn counted(what: &str, count: u64) -> Outcome {
    outcome(vec![Reading::new(&format!("hostile.{what}"), Value::Counter(count))])
}

fn acting(action: Action) -> Outcome {
    Outcome { actions: vec![action], ..outcome(vec![]) }
}

/// What the link said, as a reading: how many bindings it brought, or the error. That a request is refused is no reason
/// to fail.
fn told(answer: Result<usize, snmp::Error>) -> Result<Outcome, Failure> {
    let text = answer.map_or_else(|error| format!("{error:?}"), |count| count.to_string());
    Ok(outcome(vec![Reading::new("hostile.told", Value::Text(text))]))
}
