//! What `commands`, `panel` and `power` can do wrong. What isn't theirs alone they do like `driver`.

use crate::{Behaviour, Hostile, OBJECT, behave, behaviour};
use hostler_plugin::commands::{Arguments, Command, Commands, Parameter, Value};
use hostler_plugin::panel::{Colour, Lamp, LampState, Panel, PanelView};
use hostler_plugin::power::{Engine, Mode, Power, PowerState, Wish};
use hostler_plugin::types::{Deed, Failure};
use hostler_plugin::{cache, snmp, state};

impl Commands for Hostile {
    fn describe() -> Vec<Command> {
        let plain = Command::new("behave", "Behave", "As it was set.");
        match behaviour() {
            Ok(Behaviour::ManyCommands) => {
                (0..10_000).map(|number| Command { name: format!("c{number}"), ..plain.clone() }).collect()
            }
            Ok(Behaviour::BadCommand) => {
                let how = Parameter::choice("how", "How", &[("well", "Well")]).or(Value::Choice("badly".to_owned()));
                vec![plain.taking(how)]
            }
            Ok(Behaviour::DescribeWithDevice) => {
                state::set("new", b"1");
                cache::set("seen", b"yes");
                let help = format!("{:?} {:?}", snmp::get(&[OBJECT.to_vec()]), state::get("old"));
                vec![Command { help, ..plain }]
            }
            _ => {
                let _ = behave();
                vec![plain]
            }
        }
    }

    fn run(_name: &str, _arguments: &Arguments) -> Result<Deed, Failure> {
        deed()
    }
}

impl Panel for Hostile {
    fn look() -> Result<PanelView, Failure> {
        let report = behave()?.report;
        let lamp = Lamp { title: "Hostile".to_owned(), state: LampState::Blinking, colour: Colour::Red };
        let many = matches!(behaviour(), Ok(Behaviour::ManyLamps));
        Ok(PanelView { lines: report.console, lamps: vec![lamp; if many { 100 } else { 1 }], keys: vec![] })
    }

    fn show(_lines: &[String]) -> Result<Deed, Failure> {
        deed()
    }
}

impl Power for Hostile {
    fn state() -> Result<PowerState, Failure> {
        behave()?;
        Ok(PowerState { mode: Mode::On, engine: Engine::Ready, can: vec![Wish::Sleep] })
    }

    fn set(_wish: Wish) -> Result<Deed, Failure> {
        deed()
    }
}

hostler_plugin::export_commands!(Hostile);
hostler_plugin::export_panel!(Hostile);
hostler_plugin::export_power!(Hostile);

fn deed() -> Result<Deed, Failure> {
    let actions = behave()?.actions;
    let talkative = matches!(behaviour(), Ok(Behaviour::TalkativeDeed));
    Ok(Deed { lines: vec!["It behaved.".to_owned(); if talkative { 100 } else { 1 }], actions })
}
