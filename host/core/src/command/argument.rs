//! What a command was given: taken once, as people and programs give it, into values that fit the description.

use super::describe::shortened;
use super::{Choice, Command, Kind, Parameter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something given for a parameter, before anybody knows whether it fits. A form and a command line give text, a program
/// gives what it means.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Given {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Anything as text.
    Text(String),
}

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A value of a parameter. As JSON: `{"text":"Hello"}`, `{"integer":3}`, `{"choice":"display"}`, `{"boolean":true}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Argument {
    /// For [`Kind::Text`].
    Text(String),
    /// For [`Kind::Integer`].
    Integer(i64),
    /// For [`Kind::Choice`]: the choice's value.
    Choice(String),
    /// For [`Kind::Boolean`].
    Boolean(bool),
}

/// The arguments of a command, by the names of its parameters, with the defaults of what wasn't given.
///
/// They fitted the description that they were taken by. Whoever gets them from elsewhere, where another release of the
/// plug-in may run, checks them again by [`Command::check`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Arguments(BTreeMap<String, Argument>);

impl Arguments {
    /// The argument of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Argument> {
        self.0.get(name)
    }

    /// Each parameter that has a value, and the value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Argument)> {
        self.0.iter().map(|(name, argument)| (name.as_str(), argument))
    }
}

/// Why a command can't be done with what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadArguments {
    /// There is no such parameter.
    #[error("{command} has no parameter {name:?}; {}", there_are(.known))]
    Unknown {
        /// Which command.
        command: String,
        /// What was given, shortened.
        name: String,
        /// The parameters that it has.
        known: Vec<String>,
    },
    /// Given more than once.
    #[error("{name} was given more than once; give it once")]
    Twice {
        /// Which parameter.
        name: String,
    },
    /// Not given, and there is no default.
    #[error("{name} is missing ({title}); give {takes}")]
    Missing {
        /// Which parameter.
        name: String,
        /// What it is called.
        title: String,
        /// What it takes, in words.
        takes: String,
    },
    /// Given, and not what the parameter takes.
    #[error("{name} can't be {given:?}; give {takes}")]
    Unfit {
        /// Which parameter.
        name: String,
        /// What was given, shortened.
        given: String,
        /// What it takes, in words.
        takes: String,
    },
}

fn there_are(known: &[String]) -> String {
    if known.is_empty() { "it takes none".to_owned() } else { format!("there are {}", known.join(", ")) }
}

impl Command {
    /// Takes what somebody gave. An empty text counts as nothing given, but for an optional text parameter.
    ///
    /// # Errors
    /// The first thing that doesn't fit: which parameter, what was given, what it takes.
    pub fn take(&self, given: impl IntoIterator<Item = (String, Given)>) -> Result<Arguments, BadArguments> {
        let mut taken = BTreeMap::new();
        for (name, given) in given {
            let parameter = self.parameter(&name)?;
            if taken.contains_key(&name) {
                return Err(BadArguments::Twice { name });
            }
            let nothing = matches!(&given, Given::Text(text) if text.is_empty());
            let may_be_empty = matches!(parameter.kind, Kind::Text { .. }) && !parameter.required;
            let argument = if nothing && !may_be_empty { None } else { Some(parameter.parse(given)?) };
            taken.insert(name, argument);
        }
        self.filled(taken.into_iter().filter_map(|(name, argument)| Some((name, argument?))).collect())
    }

    /// Checks arguments that were taken elsewhere, and fills in what this description has a default for.
    ///
    /// # Errors
    /// As [`Command::take`].
    pub fn check(&self, arguments: Arguments) -> Result<Arguments, BadArguments> {
        for (name, argument) in &arguments.0 {
            self.parameter(name)?.check(argument)?;
        }
        self.filled(arguments.0)
    }

    fn parameter(&self, name: &str) -> Result<&Parameter, BadArguments> {
        self.parameters.iter().find(|parameter| parameter.name == name).ok_or_else(|| BadArguments::Unknown {
            command: self.name.clone(),
            name: shortened(name),
            known: self.parameters.iter().map(|parameter| parameter.name.clone()).collect(),
        })
    }

    fn filled(&self, mut taken: BTreeMap<String, Argument>) -> Result<Arguments, BadArguments> {
        for parameter in &self.parameters {
            let missing = !taken.contains_key(&parameter.name);
            match &parameter.default {
                Some(default) if missing => {
                    taken.insert(parameter.name.clone(), default.clone());
                }
                None if missing && parameter.required => {
                    let (name, title) = (parameter.name.clone(), parameter.title.clone());
                    return Err(BadArguments::Missing { name, title, takes: parameter.kind.takes() });
                }
                _ => {}
            }
        }
        Ok(Arguments(taken))
    }
}

impl Parameter {
    fn parse(&self, given: Given) -> Result<Argument, BadArguments> {
        let argument = match (&self.kind, given) {
            (Kind::Text { .. }, Given::Text(text)) => Argument::Text(text),
            (Kind::Text { .. }, Given::Integer(number)) => Argument::Text(number.to_string()),
            (Kind::Integer { .. }, Given::Integer(number)) => Argument::Integer(number),
            (Kind::Integer { .. }, Given::Text(text)) => match text.trim().parse() {
                Ok(number) => Argument::Integer(number),
                Err(_) => return Err(self.unfit(&text)),
            },
            (Kind::Choice(_), Given::Text(text)) => Argument::Choice(text),
            (Kind::Boolean, Given::Boolean(boolean)) => Argument::Boolean(boolean),
            (Kind::Boolean, Given::Text(text)) => match text.trim() {
                // What a browser sends of a box that is ticked is "on".
                "true" | "yes" | "on" => Argument::Boolean(true),
                "false" | "no" | "off" => Argument::Boolean(false),
                _ => return Err(self.unfit(&text)),
            },
            (_, Given::Boolean(boolean)) => return Err(self.unfit(&boolean.to_string())),
            (_, Given::Integer(number)) => return Err(self.unfit(&number.to_string())),
        };
        self.check(&argument)?;
        Ok(argument)
    }

    fn unfit(&self, given: &str) -> BadArguments {
        BadArguments::Unfit { name: self.name.clone(), given: shortened(given), takes: self.kind.takes() }
    }

    /// Whether an argument is of this parameter's kind and within it.
    pub(super) fn check(&self, argument: &Argument) -> Result<(), BadArguments> {
        let fits = match (&self.kind, argument) {
            (Kind::Text { longest }, Argument::Text(text)) => {
                let longest = usize::try_from(*longest).unwrap_or(usize::MAX);
                text.chars().nth(longest).is_none() && !text.chars().any(char::is_control)
            }
            (Kind::Integer { min, max, .. }, Argument::Integer(number)) => (min..=max).contains(&number),
            (Kind::Choice(choices), Argument::Choice(value)) => choices.iter().any(|choice| choice.value == *value),
            (Kind::Boolean, Argument::Boolean(_)) => true,
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.unfit(&argument.to_string())) }
    }
}

impl std::fmt::Display for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) | Self::Choice(text) => f.pad(text),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(boolean) => boolean.fmt(f),
        }
    }
}

impl Kind {
    /// What it takes, in words: "a whole number from 1 to 10 (s)".
    #[must_use]
    pub fn takes(&self) -> String {
        match self {
            Self::Text { longest } => format!("text of at most {longest} characters, without control characters"),
            Self::Integer { min, max, unit: None } => format!("a whole number from {min} to {max}"),
            Self::Integer { min, max, unit: Some(unit) } => format!("a whole number from {min} to {max} ({unit})"),
            Self::Choice(choices) => one_of(choices),
            Self::Boolean => "yes or no".to_owned(),
        }
    }
}

fn one_of(choices: &[Choice]) -> String {
    const SHOWN: usize = 20;
    let values: Vec<&str> = choices.iter().take(SHOWN).map(|choice| choice.value.as_str()).collect();
    let more = if choices.len() > SHOWN { ", …" } else { "" };
    format!("one of {}{more}", values.join(", "))
}
