//! A device's own panel, as people see it who aren't in front of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Lines of a display.
pub const LINES: usize = 20;
/// Characters of a line that is to be shown.
pub const LINE: usize = 200;
/// Lamps, and keys, of a panel.
pub const PARTS: usize = 50;

/// What a panel shows at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct PanelView {
    /// What its display shows, a line each.
    pub lines: Vec<String>,
    /// Its lamps.
    pub lamps: Vec<Lamp>,
    /// What can be pressed, as far as the device tells of it.
    pub keys: Vec<Key>,
}

/// A lamp.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lamp {
    /// What stands beside it.
    pub title: String,
    /// Whether it shines.
    pub state: LampState,
    /// Its colour.
    pub colour: Colour,
}

/// Whether a lamp shines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LampState {
    /// It doesn't.
    Off,
    /// It does.
    On,
    /// On and off in turn.
    Blinking,
    /// It isn't told.
    Unknown,
}

/// The colours of RFC 3805 (PrtConsoleColorTC).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "they are their names")]
pub enum Colour {
    Other,
    Unknown,
    White,
    Red,
    Green,
    Blue,
    Cyan,
    Magenta,
    Yellow,
    Orange,
}

/// Something that can be pressed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// What stands on it.
    pub title: String,
}

/// Text to be shown on a panel: 1 to [`LINES`] lines of at most [`LINE`] characters, none of them a control character.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schema(value_type = Vec<String>)]
pub struct PanelText(Vec<String>);

/// Why a text can't be shown on a panel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPanelText {
    /// None, or too many.
    #[error("a panel is shown 1 to {LINES} lines, not {0}")]
    Lines(usize),
    /// Too long.
    #[error("line {0} has more than {LINE} characters; shorten it")]
    TooLong(usize),
    /// It might do more than being shown.
    #[error("line {0} has a control character; take it out")]
    Control(usize),
}

impl PanelText {
    /// Checks lines.
    ///
    /// # Errors
    /// Which line can't be shown, counted from 1, and why.
    pub fn new(lines: Vec<String>) -> Result<Self, BadPanelText> {
        if !(1..=LINES).contains(&lines.len()) {
            return Err(BadPanelText::Lines(lines.len()));
        }
        for (line, number) in lines.iter().zip(1..) {
            if line.chars().nth(LINE).is_some() {
                return Err(BadPanelText::TooLong(number));
            }
            if line.chars().any(char::is_control) {
                return Err(BadPanelText::Control(number));
            }
        }
        Ok(Self(lines))
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for PanelText {
    type Error = BadPanelText;
    fn try_from(lines: Vec<String>) -> Result<Self, BadPanelText> {
        Self::new(lines)
    }
}

impl From<PanelText> for Vec<String> {
    fn from(text: PanelText) -> Self {
        text.0
    }
}
