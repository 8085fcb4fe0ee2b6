//! The plug-in in a network made of maps.

use super::PinDelivery;
use hostler_plugin::snmp::Value;
use hostler_plugin::terminal::objects::{KEY, MANAGER, PIN, PROTOCOL, STATE, WHY, WINDOW};
use hostler_plugin::terminal::{Delivery, LanError, Outcome, Parcel, Secret, Verdict, Way, WebResponse};
use hostler_plugin::testing::terminal::{Happening, Network, Reaction, Thing};

const AT: &str = "10.0.0.2";

fn device() -> Thing {
    let mut thing =
        Thing::new(&[(PROTOCOL, "hostler-enrollment 1"), (STATE, "not-connected"), (MANAGER, ""), (WHY, "")]);
    thing.objects.insert(WINDOW.to_vec(), Value::Gauge32(60));
    thing
}

fn connect(thing: &mut Thing) {
    thing.say(STATE, "connected");
    thing.say(MANAGER, "hq");
}

fn bring(network: &mut Network, secret: Secret) -> Outcome {
    let parcels = vec![Parcel { address: AT.to_owned(), secret }];
    network.call(|| PinDelivery::deliver(parcels)).unwrap().remove(0)
}

fn pin() -> Secret {
    Secret::Pin("0123ABCD".to_owned())
}

fn is_state(thing: &Thing, state: &str) -> bool {
    thing.objects.get(STATE) == Some(&Value::Octets(state.as_bytes().to_vec()))
}

/// A device that is connecting for some looks after it took something.
fn slow(mut looks: u32) -> impl FnMut(&mut Thing, Happening<'_>) -> Reaction {
    move |thing, happening| {
        match happening {
            Happening::Written(_) => thing.say(STATE, "connecting"),
            Happening::Asked if is_state(thing, "connecting") => match looks {
                0 => connect(thing),
                _ => looks -= 1,
            },
            _ => {}
        }
        Reaction::Well
    }
}

#[test]
fn e12_a_pin_is_written_once_and_the_outcome_is_what_the_device_says() {
    let mut network = Network::default();
    network.add(AT, device(), slow(5));
    let outcome = bring(&mut network, pin());
    assert_eq!(outcome.verdict, Verdict::Connected("hq".to_owned()));
    assert_eq!((outcome.by, network.thing(AT).unwrap().written), (Some(Way::Snmp), 1));
    assert!(network.paused >= 4_000);
}

#[test]
fn e13_a_key_goes_where_keys_go() {
    let mut network = Network::default();
    network.add(AT, device(), |thing, happening| {
        if let Happening::Written(binding) = happening {
            assert_eq!((binding.oid.as_slice(), &binding.value), (KEY, &Value::Octets(b"K".to_vec())));
            connect(thing);
        }
        Reaction::Well
    });
    assert_eq!(bring(&mut network, Secret::Key("K".to_owned())).verdict, Verdict::Connected("hq".to_owned()));
}

#[test]
fn e12_what_was_taken_and_whose_answer_was_lost_is_not_written_again() {
    let mut network = Network::default();
    network.add(AT, device(), |thing, happening| match happening {
        Happening::Written(binding) => {
            assert_eq!(binding.oid, PIN);
            connect(thing);
            Reaction::Fails(LanError::Timeout)
        }
        _ => Reaction::Well,
    });
    let outcome = bring(&mut network, pin());
    assert_eq!(outcome.verdict, Verdict::Connected("hq".to_owned()));
    assert_eq!(network.thing(AT).unwrap().written, 1);
}

#[test]
fn e12_what_was_lost_on_the_way_is_written_again_once_the_device_said_so() {
    let mut network = Network::default();
    let mut lost = true;
    network.add(AT, device(), move |thing, happening| match happening {
        Happening::Written(_) if std::mem::take(&mut lost) => Reaction::Fails(LanError::Timeout),
        Happening::Written(_) => {
            connect(thing);
            Reaction::Well
        }
        _ => Reaction::Well,
    });
    assert_eq!(bring(&mut network, pin()).verdict, Verdict::Connected("hq".to_owned()));
    assert_eq!(network.thing(AT).unwrap().written, 2);
}

#[test]
fn e12_a_device_that_vanished_after_the_writing_is_in_doubt() {
    let mut network = Network::default();
    let mut there = true;
    network.add(AT, device(), move |_, happening| match happening {
        Happening::Asked if there => Reaction::Well,
        _ => {
            there = false;
            Reaction::Fails(LanError::Timeout)
        }
    });
    let outcome = bring(&mut network, pin());
    assert!(matches!(outcome.verdict, Verdict::InDoubt(_)), "{outcome:?}");
    assert_eq!(network.thing(AT).unwrap().written, 1, "nothing is repeated blindly");
}

#[test]
fn e12_a_manager_s_refusal_is_told_and_a_former_one_is_not_mistaken_for_it() {
    let mut network = Network::default();
    let mut thing = device();
    thing.say(WHY, "a former reason");
    let mut looks = 0;
    network.add(AT, thing, move |thing, happening| {
        match happening {
            Happening::Written(_) => looks = 1,
            Happening::Asked if looks == 2 => thing.say(WHY, "this PIN was used already"),
            Happening::Asked if looks > 0 => looks += 1,
            _ => {}
        }
        Reaction::Well
    });
    assert_eq!(bring(&mut network, pin()).verdict, Verdict::Refused("this PIN was used already".to_owned()));
}

#[test]
fn e12_to_connected_devices_and_closed_windows_nothing_is_written() {
    for closed in [false, true] {
        let mut network = Network::default();
        let mut thing = device();
        if closed {
            thing.objects.insert(WINDOW.to_vec(), Value::Gauge32(0));
        } else {
            connect(&mut thing);
        }
        network.add(AT, thing, |_, _| Reaction::Well);
        assert!(matches!(bring(&mut network, pin()).verdict, Verdict::Refused(_)));
        assert_eq!(network.thing(AT).unwrap().written, 0);
    }
}

fn page(status: u16, body: &str) -> Reaction {
    Reaction::Page(WebResponse { status, headers: vec![], body: body.as_bytes().to_vec() })
}

#[test]
fn e12_where_no_agent_answers_the_web_server_gets_it() {
    let mut network = Network::default();
    let mut posted = 0;
    network.add(AT, Thing::new(&[]), move |_, happening| match happening {
        Happening::Sent(request) if request.path == "/enroll" => {
            posted += 1;
            assert_eq!((request.body.as_slice(), posted), (br#"{"pin":"0123ABCD"}"#.as_slice(), 1));
            page(202, r#"{"state":"connecting"}"#)
        }
        Happening::Sent(_) if posted == 0 => page(200, r#"{"device":"A","state":"not-connected","takes_pin_for_s":9}"#),
        Happening::Sent(_) => page(200, r#"{"device":"A","state":"connected","manager":"hq"}"#),
        _ => Reaction::Fails(LanError::Timeout),
    });
    let outcome = bring(&mut network, pin());
    assert_eq!((outcome.verdict, outcome.by), (Verdict::Connected("hq".to_owned()), Some(Way::Http)));
}

#[test]
fn e12_an_agent_that_lets_nobody_write_leads_to_the_web_server() {
    let mut network = Network::default();
    network.add(AT, device(), |_, happening| match happening {
        Happening::Written(_) => Reaction::Fails(LanError::Status("noAccess".to_owned())),
        Happening::Sent(request) if request.path == "/enroll" => {
            page(409, r#"{"error":"The window is closed.","code":"no-window"}"#)
        }
        _ => Reaction::Well,
    });
    assert_eq!(bring(&mut network, pin()).verdict, Verdict::Refused("The window is closed.".to_owned()));
}

#[test]
fn e12_where_nobody_is_nothing_was_brought() {
    let outcome = bring(&mut Network::default(), pin());
    assert!(matches!(outcome.verdict, Verdict::Unreachable(_)) && outcome.by.is_none(), "{outcome:?}");
}
