//! Commands, panel and power: what is written, and what is said where nothing can be.

use super::{printer, status};
use crate::Mfp;
use hostler_plugin::commands::{Commands, Effect, Readiness, Right, Value as Argument};
use hostler_plugin::panel::{Colour, LampState, Panel};
use hostler_plugin::power::{Engine, Mode, Power, Wish};
use hostler_plugin::snmp::Value;
use hostler_plugin::testing::{Host, recordings};
use hostler_plugin::types::{Failure, Status};
use hostler_plugin::{Driver, oid};

const RESET: &str = "1.3.6.1.2.1.43.5.1.1.3.1";
const PAGE: &str = "1.3.6.1.4.1.99999.2.2.0";
const SWITCH: &str = "1.3.6.1.4.1.99999.2.1.0";

fn written(host: &Host) -> Vec<(String, Value)> {
    host.written.iter().map(|binding| (oid::dotted(&binding.oid), binding.value.clone())).collect()
}

fn choice(value: &str) -> Argument {
    Argument::Choice(value.to_owned())
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn d07_a_restart_is_written_once_the_call_is_stored() {
    let mut host = printer();
    host.integer(RESET, 3);
    for (command, given, value) in
        [("reset", vec![], 4), ("reset", vec![("how", choice("to-nvram"))], 5), ("factory-reset", vec![], 6)]
    {
        host.written.clear();
        let deed = host.run::<Mfp>(command, &given).unwrap();
        assert!(deed.lines[0].starts_with("It restarts"), "{deed:?}");
        assert_eq!(written(&host), [(RESET.to_owned(), Value::Integer(value))]);
        assert_eq!(deed.actions.len(), 1, "by an action, not within the call");
    }
    let described = Mfp::describe();
    let named = |name: &str| described.iter().find(|command| command.name == name).unwrap();
    assert!(named("reset").effect == Effect::Once && named("reset").may == Right::Operate);
    assert!(named("factory-reset").effect == Effect::Once && named("factory-reset").may == Right::Administer);
    assert_eq!(named("identify").effect, Effect::Repeatable);
}

#[test]
fn d20_what_the_engine_does_waits_for_the_engine_and_the_rest_does_not() {
    let described = Mfp::describe();
    let needs = |name: &str| described.iter().find(|command| command.name == name).unwrap().needs;
    assert_eq!(needs("test-page"), Readiness::Ready);
    assert_eq!(needs("identify"), Readiness::Awake, "its display is dark while it sleeps");
    assert_eq!((needs("reset"), needs("factory-reset")), (Readiness::Any, Readiness::Any));
    let mut host = printer();
    host.integer(PAGE, 1);
    let deed = host.run::<Mfp>("test-page", &[]).unwrap();
    assert_eq!((deed.actions.len(), written(&host)), (1, vec![(PAGE.to_owned(), Value::Integer(2))]));
}

#[test]
fn d07_what_a_model_does_not_have_is_said_and_not_written() {
    let mut host = printer();
    host.remove("1.3.6.1.2.1.43.16");
    let refused = [
        host.run::<Mfp>("reset", &[]).unwrap_err(),
        host.run::<Mfp>("test-page", &[]).unwrap_err(),
        host.run::<Mfp>("identify", &[]).unwrap_err(),
        host.run::<Mfp>("identify", &[("by", choice("lights"))]).unwrap_err(),
        host.call(Mfp::look).unwrap_err(),
        host.call(|| Mfp::show(&lines(&["x"]))).unwrap_err(),
        host.call(|| Mfp::set(Wish::PowerCycle)).unwrap_err(),
        host.call(|| Mfp::set(Wish::Sleep)).unwrap_err(),
    ];
    for failure in refused {
        assert!(matches!(&failure, Failure::Unsupported(why) if why.contains("model")), "{failure:?}");
    }
    assert!(host.written.is_empty());
    assert_eq!(host.call(<Mfp as Power>::state).unwrap().can, []);
    host.silent = true;
    assert!(matches!(host.run::<Mfp>("reset", &[]), Err(Failure::Unreachable(_))));
    assert!(matches!(host.call(<Mfp as Power>::state), Err(Failure::Unreachable(_))));
}

#[test]
fn d07_it_makes_itself_found_on_its_display_or_by_its_lights() {
    let mut host = printer();
    host.integer("1.3.6.1.2.1.43.17.6.1.2.1.1", 0).integer("1.3.6.1.2.1.43.17.6.1.3.1.1", 1);
    host.run::<Mfp>("identify", &[("message", Argument::Text("Room 7".to_owned()))]).unwrap();
    assert_eq!(host.call(Mfp::look).unwrap().lines, ["Room 7", ""]);
    host.run::<Mfp>("identify", &[("by", choice("lights"))]).unwrap();
    assert_eq!(host.call(Mfp::look).unwrap().lamps[0].state, LampState::Blinking);
}

#[test]
fn d07_its_panel_is_seen_and_written() {
    let mut host = printer();
    host.integer("1.3.6.1.2.1.43.5.1.1.12.1", 16);
    for (light, on, off, colour) in [(1, 1_000, 0, 5), (2, 0, 1_000, 4), (3, 500, 500, 10), (4, 0, 0, 77)] {
        let at = |column: u32| format!("1.3.6.1.2.1.43.17.6.1.{column}.1.{light}");
        host.integer(&at(2), on).integer(&at(3), off).integer(&at(4), colour);
    }
    host.text("1.3.6.1.2.1.43.17.6.1.5.1.1", "Ready");
    let seen = host.call(Mfp::look).unwrap();
    assert_eq!(seen.lines, ["Ready", ""]);
    let lamps: Vec<_> = seen.lamps.iter().map(|lamp| (lamp.title.as_str(), lamp.state, lamp.colour)).collect();
    let expected = [
        ("Ready", LampState::On, Colour::Green),
        ("Light 2", LampState::Off, Colour::Red),
        ("Light 3", LampState::Blinking, Colour::Orange),
        ("Light 4", LampState::Off, Colour::Unknown),
    ];
    assert_eq!(lamps, expected);
    let deed = host.call(|| Mfp::show(&lines(&["Out to lunch"]))).unwrap();
    host.perform(&deed.actions);
    assert_eq!(host.call(Mfp::look).unwrap().lines, ["Out to lunch", ""]);
    for (text, word) in [(lines(&["1", "2", "3"]), "2 lines"), (lines(&["seventeen letters"]), "16 characters")] {
        let refused = host.call(|| Mfp::show(&text)).unwrap_err();
        assert!(matches!(&refused, Failure::Unsupported(why) if why.contains(word)), "{refused:?}");
    }
}

#[test]
fn d20_it_tells_whether_it_sleeps_and_whether_it_could_work() {
    let mut host = printer();
    host.integer(RESET, 3);
    for (device, state, mode, engine) in [
        (2, 3, Mode::On, Engine::Ready),
        (2, 1, Mode::Asleep, Engine::NotReady),
        (5, 5, Mode::Waking, Engine::NotReady),
        (5, 2, Mode::On, Engine::NotReady),
    ] {
        status(&mut host, device, state, &[0]);
        let told = host.call(<Mfp as Power>::state).unwrap();
        assert_eq!((told.mode, told.engine), (mode, engine), "{device} {state}");
        assert_eq!(told.can, [Wish::PowerCycle]);
    }
}

#[test]
fn d20_it_is_woken_and_sent_to_sleep_where_it_can_be() {
    let mut host = printer();
    status(&mut host, 2, 1, &[0]);
    let refused = host.call(|| Mfp::set(Wish::Wake)).unwrap_err();
    assert!(matches!(&refused, Failure::Unsupported(why) if why.starts_with("this model can't")), "{refused:?}");
    host.integer(SWITCH, 2);
    assert_eq!(host.call(<Mfp as Power>::state).unwrap().can, [Wish::Wake, Wish::Sleep]);
    assert_eq!(host.call(|| Mfp::set(Wish::Sleep)).unwrap().actions, [], "it sleeps already");
    let deed = host.call(|| Mfp::set(Wish::Wake)).unwrap();
    host.perform(&deed.actions);
    assert_eq!(written(&host), [(SWITCH.to_owned(), Value::Integer(1))]);
    status(&mut host, 2, 3, &[0]);
    assert_eq!(host.call(|| Mfp::set(Wish::Wake)).unwrap().actions, [], "it is awake already");
    assert_eq!(host.call(|| Mfp::set(Wish::Sleep)).unwrap().actions.len(), 1);
}

#[test]
fn d07_real_printers_are_asked_and_nothing_is_written() {
    let Some(folder) = recordings(env!("CARGO_MANIFEST_DIR")) else {
        hostler_plugin::testing::skipped("the recordings of real devices are not here");
        return;
    };
    let mut seen = 0;
    for file in std::fs::read_dir(folder.join("snmp")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|ending| ending != "snmprec") || file.to_string_lossy().contains("scanner") {
            continue;
        }
        let mut host = Host::from_snmprec(&file).unwrap();
        let state = host.call(<Mfp as Power>::state).unwrap();
        match host.call(Mfp::look) {
            Ok(panel) => assert!(panel.lines.len() <= 20 && panel.lamps.len() <= 50, "{}", file.display()),
            Err(failure) => assert!(matches!(failure, Failure::Unsupported(_)), "{}: {failure:?}", file.display()),
        }
        let status = host.call(Mfp::read).unwrap().report.status;
        assert_eq!(state.mode == Mode::Asleep, status == Status::Asleep, "{}", file.display());
        assert!(host.written.is_empty());
        seen += 1;
    }
    assert!(seen > 0);
}
