//! What a plug-in may describe. A description comes from somebody whom nobody trusts, and is kept, sent and shown: it is
//! checked whole before anybody else sees it.

use super::{Choice, Command, Kind, Parameter};
use crate::id::is_standard_name;
use std::collections::BTreeSet;

/// Commands of a plug-in.
pub const COMMANDS: usize = 50;
/// Parameters of a command.
pub const PARAMETERS: usize = 20;
/// Choices of a parameter.
pub const CHOICES: usize = 100;
/// Characters of a title.
pub const TITLE: usize = 100;
/// Characters of a help text.
pub const HELP: usize = 500;
/// Characters that a text parameter may take.
pub const LONGEST: u32 = 1_000;
/// Characters of a unit.
pub const UNIT: usize = 20;

/// Why what a plug-in describes isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDescription {
    /// More of something than there may be.
    #[error("{of} has {count} {what}, and there may be {most}")]
    TooMany {
        /// Whose.
        of: String,
        /// Of what.
        what: &'static str,
        /// How many it has.
        count: usize,
        /// How many it may have.
        most: usize,
    },
    /// A name that is none.
    #[error(
        "{of} has the name {name:?}; a name has lower-case letters, digits and hyphens, at most 63, and begins with a letter"
    )]
    Name {
        /// Whose.
        of: String,
        /// The name, shortened.
        name: String,
    },
    /// Two of a name.
    #[error("{of} has {name} twice")]
    Twice {
        /// Whose.
        of: String,
        /// The name.
        name: String,
    },
    /// A text that is missing, too long, or can't be shown.
    #[error("{what} of {of} must have {least} to {most} characters, none of them a control character")]
    Text {
        /// Whose.
        of: String,
        /// Which text.
        what: &'static str,
        /// Characters that it has at least.
        least: usize,
        /// Characters that it has at most.
        most: usize,
    },
    /// A kind that nothing fits.
    #[error("{of} can't be given: {why}")]
    Kind {
        /// Whose.
        of: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A default that can't be given.
    #[error("the default of {of} doesn't fit it: {why}")]
    Default {
        /// Whose.
        of: String,
        /// Why not.
        why: String,
    },
}

/// Checks everything that a plug-in describes.
///
/// # Errors
/// The first thing that breaks a limit, and whose it is.
pub fn check(commands: &[Command]) -> Result<(), BadDescription> {
    at_most("the plug-in", "commands", commands.len(), COMMANDS)?;
    distinct("the plug-in", commands.iter().map(|command| command.name.as_str()))?;
    commands.iter().try_for_each(command)
}

fn command(command: &Command) -> Result<(), BadDescription> {
    name("a command", &command.name)?;
    let of = format!("the command {}", command.name);
    text(&of, "the title", &command.title, 1, TITLE)?;
    text(&of, "the help text", &command.help, 1, HELP)?;
    at_most(&of, "parameters", command.parameters.len(), PARAMETERS)?;
    distinct(&of, command.parameters.iter().map(|parameter| parameter.name.as_str()))?;
    command.parameters.iter().try_for_each(|one| parameter(&of, one))
}

fn parameter(command: &str, parameter: &Parameter) -> Result<(), BadDescription> {
    name(&format!("a parameter of {command}"), &parameter.name)?;
    let of = format!("the parameter {} of {command}", parameter.name);
    text(&of, "the title", &parameter.title, 1, TITLE)?;
    let kind = |why| Err(BadDescription::Kind { of: of.clone(), why });
    match &parameter.kind {
        Kind::Text { longest: 0 } => kind("its text has no characters")?,
        Kind::Text { longest } if *longest > LONGEST => kind("its text has more than 1,000 characters")?,
        Kind::Text { .. } | Kind::Boolean => {}
        Kind::Integer { min, max, .. } if min > max => kind("its smallest number is above its largest")?,
        Kind::Integer { unit, .. } => {
            unit.iter().try_for_each(|unit| text(&of, "the unit", unit, 1, UNIT))?;
        }
        Kind::Choice(choices) => self::choices(&of, choices)?,
    }
    let Some(default) = &parameter.default else { return Ok(()) };
    parameter.check(default).map_err(|bad| BadDescription::Default { of, why: bad.to_string() })
}

fn choices(of: &str, choices: &[Choice]) -> Result<(), BadDescription> {
    if choices.is_empty() {
        return Err(BadDescription::Kind { of: of.to_owned(), why: "there is nothing to choose from" });
    }
    at_most(of, "choices", choices.len(), CHOICES)?;
    distinct(of, choices.iter().map(|choice| choice.value.as_str()))?;
    choices.iter().try_for_each(|choice| {
        name(&format!("a choice of {of}"), &choice.value)?;
        text(of, "the title of a choice", &choice.title, 1, TITLE)
    })
}

fn at_most(of: &str, what: &'static str, count: usize, most: usize) -> Result<(), BadDescription> {
    if count > most { Err(BadDescription::TooMany { of: of.to_owned(), what, count, most }) } else { Ok(()) }
}

fn distinct<'a>(of: &str, names: impl Iterator<Item = &'a str>) -> Result<(), BadDescription> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(BadDescription::Twice { of: of.to_owned(), name: shortened(name) });
        }
    }
    Ok(())
}

fn name(of: &str, name: &str) -> Result<(), BadDescription> {
    // A standard name without a dot is a single label.
    if is_standard_name(name) && !name.contains('.') {
        return Ok(());
    }
    Err(BadDescription::Name { of: of.to_owned(), name: shortened(name) })
}

fn text(of: &str, what: &'static str, text: &str, least: usize, most: usize) -> Result<(), BadDescription> {
    let length = text.chars().take(most + 1).count();
    if (least..=most).contains(&length) && !text.trim().is_empty() && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(BadDescription::Text { of: of.to_owned(), what, least, most })
}

/// What is shown of a text that is refused.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let clean = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    if text.chars().nth(SHOWN).is_none() { clean.collect() } else { clean.take(SHOWN - 1).chain(['…']).collect() }
}
