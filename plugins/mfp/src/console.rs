//! A printer's console (RFC 3805, 2.2.12): the lines of its display, which may be written, and its lights.

use crate::objects::{CONSOLE_COLUMNS, CONSOLE_TEXT, LIGHT_COLOUR, LIGHT_OFF, LIGHT_ON, LIGHT_TITLE};
use crate::printer;
use hostler_plugin::oid::join;
use hostler_plugin::panel::{Colour, Lamp, LampState, PanelView};
use hostler_plugin::snmp::{Binding, Value};
use hostler_plugin::types::{Action, Deed, Failure};
use hostler_plugin::{Answers, text};

/// Lines of a display that are of use, and lights.
const LINES: usize = 20;
const LIGHTS: usize = 50;

/// What the device tells of its console.
pub(crate) struct Console {
    /// Characters of a line, where it says.
    columns: Option<usize>,
    /// The lines' instances, and what each shows.
    lines: Vec<(Vec<u32>, String)>,
    pub(crate) lights: Vec<Light>,
}

/// A light.
pub(crate) struct Light {
    pub(crate) instance: Vec<u32>,
    lamp: Lamp,
}

impl Console {
    /// Asks for everything of it.
    pub(crate) fn ask() -> Result<Self, Failure> {
        let device = printer()?;
        let columns = join(CONSOLE_COLUMNS, &[device]);
        // The first is asked for in any case, so that a device that is gone is noticed.
        let mut answers = Answers::get(&[&columns])?;
        for column in [CONSOLE_TEXT, LIGHT_ON, LIGHT_OFF, LIGHT_COLOUR, LIGHT_TITLE] {
            answers.walk_more(&join(column, &[device]), 64)?;
        }
        let at = |column: &[u32], suffix: &[u32]| join(column, &join(&[device], suffix));
        let of = |column: &[u32]| -> Vec<Vec<u32>> {
            answers.below(&join(column, &[device])).map(|(suffix, _)| suffix.to_vec()).collect()
        };
        let line = |suffix: Vec<u32>| {
            let shown = answers.octets(&at(CONSOLE_TEXT, &suffix)).map(text::clean).unwrap_or_default();
            (join(&[device], &suffix), shown)
        };
        let light = |(suffix, number): (Vec<u32>, usize)| Light {
            lamp: Lamp {
                title: answers.text(&at(LIGHT_TITLE, &suffix)).unwrap_or_else(|| format!("Light {number}")),
                state: state(answers.integer(&at(LIGHT_ON, &suffix)), answers.integer(&at(LIGHT_OFF, &suffix))),
                colour: colour(answers.integer(&at(LIGHT_COLOUR, &suffix))),
            },
            instance: join(&[device], &suffix),
        };
        Ok(Self {
            columns: answers.integer(&columns).and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0),
            lines: of(CONSOLE_TEXT).into_iter().take(LINES).map(line).collect(),
            lights: of(LIGHT_ON).into_iter().take(LIGHTS).zip(1..).map(light).collect(),
        })
    }
}

/// What it shows.
pub(crate) fn look() -> Result<PanelView, Failure> {
    let console = Console::ask()?;
    if console.lines.is_empty() && console.lights.is_empty() {
        return Err(Failure::Unsupported("this model tells nothing of its panel over SNMP (RFC 3805)".to_owned()));
    }
    Ok(PanelView {
        lines: console.lines.into_iter().map(|(_, shown)| shown).collect(),
        lamps: console.lights.into_iter().map(|light| light.lamp).collect(),
        keys: vec![],
    })
}

/// Writes lines from the first on (prtConsoleDisplayBufferText); the others stay.
pub(crate) fn show(lines: &[String]) -> Result<Deed, Failure> {
    let console = Console::ask()?;
    if console.lines.is_empty() {
        return Err(Failure::Unsupported("this model tells of no display over SNMP (RFC 3805)".to_owned()));
    }
    if lines.len() > console.lines.len() {
        let why = format!("its display has {} lines, and {} were to be shown", console.lines.len(), lines.len());
        return Err(Failure::Unsupported(why));
    }
    if let Some(columns) = console.columns
        && lines.iter().any(|line| line.chars().count() > columns)
    {
        return Err(Failure::Unsupported(format!("a line of its display has {columns} characters; shorten the text")));
    }
    let line = |((instance, _), line): (&(Vec<u32>, String), &String)| Binding {
        oid: join(CONSOLE_TEXT, instance),
        value: Value::Octets(line.as_bytes().to_vec()),
    };
    let written = console.lines.iter().zip(lines).map(line).collect();
    Ok(Deed::told("It is shown until the printer shows something else.").and_then(Action::SnmpSet(written)))
}

/// Has a light be on and off in turn, for so many milliseconds each.
pub(crate) fn light(instance: &[u32], on: i32, off: i32) -> [Binding; 2] {
    let binding = |column, time| Binding { oid: join(column, instance), value: Value::Integer(time) };
    [binding(LIGHT_ON, on), binding(LIGHT_OFF, off)]
}

/// prtConsoleOnTime and prtConsoleOffTime, as RFC 3805 combines them.
fn state(on: Option<i64>, off: Option<i64>) -> LampState {
    match (on, off) {
        (None, _) => LampState::Unknown,
        (Some(..=0), _) => LampState::Off,
        (Some(_), Some(1..)) => LampState::Blinking,
        (Some(_), _) => LampState::On,
    }
}

/// PrtConsoleColorTC.
fn colour(number: Option<i64>) -> Colour {
    match number {
        Some(1) => Colour::Other,
        Some(3) => Colour::White,
        Some(4) => Colour::Red,
        Some(5) => Colour::Green,
        Some(6) => Colour::Blue,
        Some(7) => Colour::Cyan,
        Some(8) => Colour::Magenta,
        Some(9) => Colour::Yellow,
        Some(10) => Colour::Orange,
        _ => Colour::Unknown,
    }
}
