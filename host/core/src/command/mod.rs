//! What people can have a device do: commands that its plug-in describes, its panel, its power.
//!
//! A plug-in describes its commands ([`Command`]); pages and command lines offer them from that alone. What somebody gives
//! is taken once, by [`Command::take`], into [`Arguments`] that fit, or refused with a sentence that names the parameter.
//! What travelled since then meets the description that holds where it arrives, by [`Command::check`].
//!
//! One file a topic: [`describe`] is what a description may have, [`argument`] what was given, [`panel`] and [`power`] the
//! words of those two.

pub mod argument;
pub mod describe;
pub mod panel;
pub mod power;
#[cfg(test)]
mod tests;

pub use argument::{Argument, Arguments, BadArguments, Given};
pub use describe::BadDescription;
pub use panel::{BadPanelText, Colour, Key, Lamp, LampState, PanelText, PanelView};
pub use power::{Engine, PowerMode, PowerState, PowerWish, Readiness};

use crate::viewer::Right;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a device of a type can be told to do.
///
/// As JSON: `{"name":"reset","title":"Restart","help":"…","parameters":[…],"may":"operate","effect":"once",
/// "needs":"any"}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Command {
    /// Lower-case letters, digits and hyphens, such as `reset`.
    pub name: String,
    /// What it is called before people.
    pub title: String,
    /// One or a few sentences.
    pub help: String,
    /// What it has to be told.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Who may.
    pub may: May,
    /// Whether it may be done twice where nobody knows whether it was done.
    pub effect: Effect,
    /// How the device has to be before it is done.
    #[serde(default)]
    pub needs: Readiness,
}

/// Who may give a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum May {
    /// Whoever works with devices.
    Operate,
    /// Only who is responsible for them.
    Administer,
}

impl May {
    /// The right that it takes.
    #[must_use]
    pub fn right(self) -> Right {
        match self {
            Self::Operate => Right::Operate,
            Self::Administer => Right::Administer,
        }
    }
}

/// Whether a command may be repeated where nobody knows whether it was done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Twice is as good as once.
    Repeatable,
    /// It can't be asked afterwards whether it was done; it is never repeated unasked.
    Once,
}

/// Something that a command has to be told.
///
/// As JSON: `{"name":"how","title":"How","required":true,"kind":{"choice":[{"value":"display","title":"On its display"}]}}`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Parameter {
    /// Lower-case letters, digits and hyphens; each once in a command.
    pub name: String,
    /// What it is called before people.
    pub title: String,
    /// Whether somebody has to say it. Who has a default isn't asked.
    pub required: bool,
    /// What it takes.
    pub kind: Kind,
    /// What holds where nobody says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Argument>,
}

/// What a parameter takes.
///
/// As JSON: `{"text":{"longest":40}}`, `{"integer":{"min":0,"max":9,"unit":"s"}}`, `{"choice":[…]}` or `"boolean"`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Text without control characters.
    Text {
        /// In characters.
        longest: u32,
    },
    /// A whole number.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
        /// What is counted, as in a reading.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
    },
    /// One of these.
    Choice(Vec<Choice>),
    /// Yes or no.
    Boolean,
}

/// One of the things that can be chosen.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// What is passed: lower-case letters, digits and hyphens.
    pub value: String,
    /// What people choose.
    pub title: String,
}
