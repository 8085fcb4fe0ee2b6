//! Between the words of `commands`, `panel` and `power` in `wit/` and those of the core. What a plug-in describes beyond the
//! limits ends the call with the core's sentence for it.

use crate::bindings::{commands as wit, panel as wit_panel, power as wit_power};
use crate::convert::{at_most, text};
use crate::limits::Overstep;
use hostler_core::command::panel::{LINES, PARTS};
use hostler_core::command::{
    Argument, Arguments, Choice, Colour, Command, Effect, Engine, Key, Kind, Lamp, LampState, May, PanelView,
    Parameter, PowerMode, PowerState, PowerWish, Readiness, describe,
};

pub(crate) fn commands(found: Vec<wit::Command>) -> Result<Vec<Command>, Overstep> {
    // Before anything is made of each of very many.
    let found = at_most(describe::COMMANDS, "commands of the plug-in", found)?;
    let commands: Vec<Command> = found.into_iter().map(command).collect();
    describe::check(&commands).map_err(|bad| Overstep(bad.to_string()))?;
    Ok(commands)
}

fn command(found: wit::Command) -> Command {
    Command {
        name: found.name,
        title: found.title,
        help: found.help,
        parameters: found.parameters.into_iter().map(parameter).collect(),
        may: match found.may {
            wit::Right::Operate => May::Operate,
            wit::Right::Administer => May::Administer,
        },
        effect: match found.effect {
            wit::Effect::Repeatable => Effect::Repeatable,
            wit::Effect::Once => Effect::Once,
        },
        needs: match found.needs {
            wit::Readiness::Any => Readiness::Any,
            wit::Readiness::Awake => Readiness::Awake,
            wit::Readiness::Ready => Readiness::Ready,
        },
    }
}

fn parameter(found: wit::Parameter) -> Parameter {
    let choice = |found: wit::Choice| Choice { value: found.value, title: found.title };
    Parameter {
        name: found.name,
        title: found.title,
        required: found.required,
        kind: match found.kind {
            wit::Kind::Text(longest) => Kind::Text { longest },
            wit::Kind::Integer(wit::IntegerRange { min, max, unit }) => Kind::Integer { min, max, unit },
            wit::Kind::Choice(choices) => Kind::Choice(choices.into_iter().map(choice).collect()),
            wit::Kind::Boolean => Kind::Boolean,
        },
        default: found.default.map(|value| match value {
            wit::Value::Text(text) => Argument::Text(text),
            wit::Value::Integer(number) => Argument::Integer(number),
            wit::Value::Choice(value) => Argument::Choice(value),
            wit::Value::Boolean(boolean) => Argument::Boolean(boolean),
        }),
    }
}

pub(crate) fn arguments(given: &Arguments) -> Vec<wit::Argument> {
    let value = |argument: &Argument| match argument {
        Argument::Text(text) => wit::Value::Text(text.clone()),
        Argument::Integer(number) => wit::Value::Integer(*number),
        Argument::Choice(value) => wit::Value::Choice(value.clone()),
        Argument::Boolean(boolean) => wit::Value::Boolean(*boolean),
    };
    given.iter().map(|(name, argument)| wit::Argument { name: name.to_owned(), value: value(argument) }).collect()
}

pub(crate) fn panel(found: wit_panel::PanelView) -> Result<PanelView, Overstep> {
    let lines = at_most(LINES, "lines of a panel", found.lines)?.into_iter();
    let lamps = at_most(PARTS, "lamps of a panel", found.lamps)?.into_iter();
    let keys = at_most(PARTS, "keys of a panel", found.keys)?.into_iter();
    Ok(PanelView {
        lines: lines.map(text).collect(),
        lamps: lamps.map(lamp).collect(),
        keys: keys.map(|key| Key { name: text(key.name), title: text(key.title) }).collect(),
    })
}

fn lamp(found: wit_panel::Lamp) -> Lamp {
    Lamp {
        title: text(found.title),
        state: match found.state {
            wit_panel::LampState::Off => LampState::Off,
            wit_panel::LampState::On => LampState::On,
            wit_panel::LampState::Blinking => LampState::Blinking,
            wit_panel::LampState::Unknown => LampState::Unknown,
        },
        colour: match found.colour {
            wit_panel::Colour::Other => Colour::Other,
            wit_panel::Colour::Unknown => Colour::Unknown,
            wit_panel::Colour::White => Colour::White,
            wit_panel::Colour::Red => Colour::Red,
            wit_panel::Colour::Green => Colour::Green,
            wit_panel::Colour::Blue => Colour::Blue,
            wit_panel::Colour::Cyan => Colour::Cyan,
            wit_panel::Colour::Magenta => Colour::Magenta,
            wit_panel::Colour::Yellow => Colour::Yellow,
            wit_panel::Colour::Orange => Colour::Orange,
        },
    }
}

pub(crate) fn power(found: wit_power::PowerState) -> PowerState {
    let wish = |wish| match wish {
        wit_power::Wish::Wake => PowerWish::Wake,
        wit_power::Wish::Sleep => PowerWish::Sleep,
        wit_power::Wish::PowerCycle => PowerWish::PowerCycle,
    };
    PowerState {
        mode: match found.mode {
            wit_power::Mode::On => PowerMode::On,
            wit_power::Mode::Asleep => PowerMode::Asleep,
            wit_power::Mode::Waking => PowerMode::Waking,
            wit_power::Mode::Off => PowerMode::Off,
            wit_power::Mode::Unknown => PowerMode::Unknown,
        },
        engine: match found.engine {
            wit_power::Engine::Ready => Engine::Ready,
            wit_power::Engine::NotReady => Engine::NotReady,
            wit_power::Engine::Unknown => Engine::Unknown,
        },
        can: found.can.into_iter().map(wish).collect(),
    }
}

pub(crate) fn wish(wish: PowerWish) -> wit_power::Wish {
    match wish {
        PowerWish::Wake => wit_power::Wish::Wake,
        PowerWish::Sleep => wit_power::Wish::Sleep,
        PowerWish::PowerCycle => wit_power::Wish::PowerCycle,
    }
}
