//! Requests: somebody asks something of a node below or of the manager, and learns how that ended.
//!
//! What is asked travels from neighbour to neighbour, and so does the answer. Each node on the way keeps a [`Flight`]: who
//! asked it, whom it asked, and until when. A node that has no answer in time says so *before* whoever asked it gives up
//! (a delay notice), and the answer follows with a later exchange. Every request ends: with an answer, with a failure that
//! somebody states, or at its limit.
//!
//! Clocks of neighbours may be hours apart, so no message names a moment: it says how much time is left.

#[cfg(test)]
mod explore;
mod flight;

pub use flight::{Asker, Context, Flight, Happening, Phase, Said, Step, Way};

use crate::command::{Arguments, PanelText, PanelView, PowerState, PowerWish};
use crate::id::{CredentialName, DeviceId, NodeId, RequestId};
use crate::reading::Reading;
use crate::time::Timestamp;
use crate::trust::{CredentialKind, Sealed};
use crate::upkeep::{IntervalWish, Intervals, LevelSet, LevelWish, LogFrom, LogPiece};
use crate::viewer::Right;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// No request takes longer than this.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// No piece of something that is fetched in many takes longer: it is asked for again, and not kept for who may come back.
pub const LONGEST_PIECE: Duration = Duration::from_secs(300);

/// No request may be shorter: a message and its answer need a moment on every level.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// Within so much an asker who said nothing else hears something: an answer, or that it takes longer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The largest question that is passed on, in bytes: what is taken of one message is several times that.
pub const LARGEST_QUESTION: usize = 8 << 10;

/// The longest reason that is passed on, in characters.
pub const LONGEST_WHY: usize = 500;

/// At most so many delay notices of one request are passed on.
pub const MOST_NOTICES: u8 = 16;

/// What is asked. A closed list: each says what answers it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// Of a node: is it there? [`Answer::Alive`].
    Alive,
    /// Of a device: read it now and bring what it counts. [`Answer::Counters`].
    Counters {
        /// Which device.
        device: DeviceId,
    },
    /// Of a device: carry out a command that its plug-in describes. [`Answer::Done`].
    Command {
        /// Which device.
        device: DeviceId,
        /// Which command.
        name: String,
        /// What it is told; checked again where it is carried out.
        #[serde(default)]
        arguments: Arguments,
    },
    /// Of a device: what does its panel show? [`Answer::Panel`].
    Panel {
        /// Which device.
        device: DeviceId,
    },
    /// Of a device: show this on its panel. [`Answer::Done`].
    ShowOnPanel {
        /// Which device.
        device: DeviceId,
        /// What.
        text: PanelText,
    },
    /// Of a device: how is it powered? [`Answer::Power`].
    Power {
        /// Which device.
        device: DeviceId,
    },
    /// Of a device: wake, sleep, or go off and on. [`Answer::Done`].
    SetPower {
        /// Which device.
        device: DeviceId,
        /// What.
        wish: PowerWish,
    },
    /// Of a node, or of it for one device: how often does it ask? [`Answer::Intervals`].
    Intervals {
        /// Which device, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
    },
    /// Of a node, or of it for one device: ask so often from now on. [`Answer::Intervals`], as they are then.
    SetIntervals {
        /// Which device, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// How often.
        wish: IntervalWish,
    },
    /// Of a node: a piece of its own log. [`Answer::Log`].
    Log {
        /// From where on.
        from: LogFrom,
    },
    /// Of a node: which of its parts say more or less for a while? [`Answer::LogLevels`].
    LogLevels,
    /// Of a node: have a part say so much for a while. [`Answer::LogLevels`], as they are then.
    SetLogLevel {
        /// Which, and how much.
        wish: LevelWish,
    },
    /// Of a node: reach your devices with this from now on, where they are reached with what has this name.
    /// [`Answer::Done`].
    SetCredential {
        /// What it is.
        kind: CredentialKind,
        /// Its name in the node's configuration, or in a plug-in's manifest.
        name: CredentialName,
        /// What it is, for that node alone; nothing once it was used.
        sealed: Sealed,
    },
    /// Of the manager: somebody at the device calls for help. [`Answer::CallTaken`].
    UserCall {
        /// At which device, as it calls itself.
        device: DeviceId,
        /// What they said, where they could.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

impl Question {
    /// The device that it is about.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Alive
            | Self::Log { .. }
            | Self::LogLevels
            | Self::SetLogLevel { .. }
            | Self::SetCredential { .. } => None,
            Self::Counters { device }
            | Self::Command { device, .. }
            | Self::Panel { device }
            | Self::ShowOnPanel { device, .. }
            | Self::Power { device }
            | Self::SetPower { device, .. }
            | Self::UserCall { device, .. } => Some(device),
            Self::Intervals { device } | Self::SetIntervals { device, .. } => device.as_ref(),
        }
    }

    /// Whether somebody below may ask the manager this. Nothing else is let out upwards that wasn't asked for.
    #[must_use]
    pub fn goes_up(&self) -> bool {
        matches!(self, Self::Alive | Self::UserCall { .. })
    }

    /// Whether somebody above may ask a node below this.
    #[must_use]
    pub fn goes_down(&self) -> bool {
        !matches!(self, Self::UserCall { .. })
    }

    /// What who asks it must be allowed to. A command says more in its description.
    #[must_use]
    pub fn needs(&self) -> Right {
        match self {
            // What a log says more is no longer what every operator of it was meant to read.
            Self::SetLogLevel { .. } | Self::SetCredential { .. } => Right::Administer,
            _ => Right::Operate,
        }
    }

    /// Whether its answer is a piece of something that is fetched in many: it isn't kept once its time is over.
    #[must_use]
    pub fn is_piece(&self) -> bool {
        matches!(self, Self::Log { .. })
    }

    /// No request that asks it takes longer than this.
    #[must_use]
    pub fn longest(&self) -> Duration {
        if self.is_piece() { LONGEST_PIECE } else { LONGEST }
    }

    /// What is known from its answer until it is asked again, where something is: pages show the newest.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Self::Intervals { .. } | Self::SetIntervals { .. } => Some(Topic::Intervals),
            Self::LogLevels | Self::SetLogLevel { .. } => Some(Topic::LogLevels),
            _ => None,
        }
    }

    /// Whether it may be carried out once more where nobody knows whether it was. What isn't sure of it is reported as in
    /// doubt instead.
    #[must_use]
    pub fn may_be_repeated(&self) -> bool {
        match self {
            Self::Alive
            | Self::Counters { .. }
            | Self::Panel { .. }
            | Self::ShowOnPanel { .. }
            | Self::Power { .. }
            | Self::Intervals { .. }
            | Self::SetIntervals { .. }
            | Self::Log { .. }
            | Self::LogLevels
            | Self::SetLogLevel { .. }
            | Self::SetCredential { .. }
            | Self::UserCall { .. } => true,
            Self::SetPower { wish, .. } => *wish != PowerWish::PowerCycle,
            // Which of them may be is only known where they are described.
            Self::Command { .. } => false,
        }
    }

    /// Whether this is what answers it.
    #[must_use]
    pub fn is_answered_by(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Alive, Answer::Alive { .. })
                | (Self::Counters { .. }, Answer::Counters { .. })
                | (
                    Self::Command { .. }
                        | Self::ShowOnPanel { .. }
                        | Self::SetPower { .. }
                        | Self::SetCredential { .. },
                    Answer::Done { .. }
                )
                | (Self::Panel { .. }, Answer::Panel { .. })
                | (Self::Power { .. }, Answer::Power { .. })
                | (Self::Intervals { .. } | Self::SetIntervals { .. }, Answer::Intervals { .. })
                | (Self::Log { .. }, Answer::Log { .. })
                | (Self::LogLevels | Self::SetLogLevel { .. }, Answer::LogLevels { .. })
                | (Self::UserCall { .. }, Answer::CallTaken { .. })
        )
    }

    /// What came from people or elsewhere as it may be passed on: its text without control characters, and not without end.
    #[must_use]
    pub fn sane(self) -> Self {
        match self {
            Self::UserCall { device, text } => Self::UserCall { device, text: text.map(|text| as_why(&text)) },
            other => other,
        }
    }

    /// The same when it has ended: a secret that was used, or won't be, isn't kept, sealed or not.
    #[must_use]
    pub fn ended(self) -> Self {
        match self {
            Self::SetCredential { kind, name, .. } => Self::SetCredential { kind, name, sealed: Sealed::default() },
            other => other,
        }
    }

    /// A few words for people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::SetCredential { kind, name, .. } => format!("the {} credential {name}", kind.as_str()),
            Self::Alive => "an alive check".to_owned(),
            Self::Counters { .. } => "its counters".to_owned(),
            Self::Command { name, .. } => format!("the command {name}"),
            Self::Panel { .. } => "its panel".to_owned(),
            Self::ShowOnPanel { .. } => "a text for its panel".to_owned(),
            Self::Power { .. } => "its power".to_owned(),
            Self::SetPower { wish: PowerWish::Wake, .. } => "to wake".to_owned(),
            Self::SetPower { wish: PowerWish::Sleep, .. } => "to sleep".to_owned(),
            Self::SetPower { wish: PowerWish::PowerCycle, .. } => "to go off and on".to_owned(),
            Self::Intervals { .. } => "how often it asks".to_owned(),
            Self::SetIntervals { .. } => "another interval".to_owned(),
            Self::Log { .. } => "a piece of its log".to_owned(),
            Self::LogLevels => "how much it logs".to_owned(),
            Self::SetLogLevel { .. } => "another log level".to_owned(),
            Self::UserCall { .. } => "a user's call".to_owned(),
        }
    }
}

/// What stays known from an answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Topic {
    /// How often is asked.
    Intervals,
    /// How much is logged.
    LogLevels,
}

/// What answers a question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// The node is there.
    Alive {
        /// The version of its program.
        version: String,
        /// When it was started, by its own clock.
        started_at: Timestamp,
        /// How many devices it speaks for.
        devices: usize,
    },
    /// What a device counts.
    Counters {
        /// When it was read, by the clock of the node that read it.
        read_at: Timestamp,
        /// The readings that only ever grow.
        counters: Vec<Reading>,
    },
    /// What was to be done was done.
    Done {
        /// What the plug-in says, a line each.
        lines: Vec<String>,
    },
    /// What a panel shows.
    Panel {
        /// The panel.
        panel: PanelView,
    },
    /// How a device is powered.
    Power {
        /// Its power.
        power: PowerState,
    },
    /// How often a node asks, or a device is asked.
    Intervals {
        /// How often.
        intervals: Intervals,
    },
    /// A piece of a node's log.
    Log {
        /// The piece.
        piece: LogPiece,
    },
    /// Which parts of a node say more or less for a while.
    LogLevels {
        /// Each of them; the others say as much as usual.
        levels: Vec<LevelSet>,
    },
    /// The manager took the call.
    CallTaken {
        /// What is shown to who called.
        text: String,
    },
}

impl Answer {
    /// What came from elsewhere as it may be kept and shown: no later than now, and without control characters.
    #[must_use]
    pub fn sane(self, now: Timestamp) -> Self {
        match self {
            Self::Alive { version, started_at, devices } => {
                Self::Alive { version: as_why(&version), started_at: started_at.min(now), devices }
            }
            Self::Counters { read_at, counters } => Self::Counters { read_at: read_at.min(now), counters },
            Self::Done { lines } => Self::Done { lines: lines.iter().map(|line| as_why(line)).collect() },
            Self::Panel { panel } => {
                let lines = panel.lines.iter().map(|line| as_why(line)).collect();
                Self::Panel { panel: PanelView { lines, ..panel } }
            }
            Self::Power { power } => Self::Power { power },
            Self::Intervals { intervals } => Self::Intervals { intervals },
            Self::Log { piece } => Self::Log { piece: LogPiece { text: as_lines(&piece.text), ..piece } },
            Self::LogLevels { levels } => Self::LogLevels { levels },
            Self::CallTaken { text } => Self::CallTaken { text: as_why(&text) },
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failing {
    /// Whoever was asked said that it can't or won't.
    Refused,
    /// There is no way to whoever was asked, or it doesn't answer.
    Unreachable,
    /// So much waits there already that nothing more is taken.
    Full,
    /// The time was over.
    Late,
    /// It was begun, and a crash came between: whether it was done isn't known.
    InDoubt,
}

/// A request ended without an answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Which node says so.
    pub by: NodeId,
    /// What kind of failure.
    pub failing: Failing,
    /// What happened, for people.
    pub why: String,
}

/// How a request ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With an answer.
    Answered(Answer),
    /// Without.
    Failed(Failure),
}

/// Who can't answer at once says so. The answer follows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delay {
    /// Which node says so.
    pub by: NodeId,
    /// What it waits for, for people.
    pub why: String,
}

/// How much time a request had left when its message was written. Whoever gets the message subtracts what passed on the
/// sender's clock until it was sent: the two clocks need not agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// When the message was written, by the sender's clock.
    pub at: Timestamp,
    /// Milliseconds until who asks wants to hear something.
    pub notice_ms: u64,
    /// Milliseconds until who asks gives up.
    pub whole_ms: u64,
}

impl Left {
    /// What is left when the sender's clock shows this: until a notice, and until the end. `None` where it is over.
    #[must_use]
    pub fn when(&self, sent: Timestamp) -> Option<(Duration, Duration)> {
        let passed = u64::try_from(sent.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let whole = Duration::from_millis(self.whole_ms.saturating_sub(passed)).min(LONGEST);
        let notice = Duration::from_millis(self.notice_ms.saturating_sub(passed)).min(whole);
        (!whole.is_zero()).then_some((notice, whole))
    }
}

/// A request, as one node sends it to the next.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Which one. Made by who asked first, and the same on every hop.
    pub id: RequestId,
    /// What is asked.
    pub question: Question,
    /// Until when.
    pub left: Left,
}

/// What a person is shown of why something takes long or failed: without control characters, and not without end.
#[must_use]
pub fn as_why(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect()
}

/// What a person is shown of lines: without control characters but those that part them.
fn as_lines(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d04_what_is_left_follows_from_the_senders_clock_alone() {
        let left = Left { at: Timestamp(1_000_000), notice_ms: 10_000, whole_ms: 60_000 };
        let secs = |notice, whole| Some((Duration::from_secs(notice), Duration::from_secs(whole)));
        assert_eq!(left.when(Timestamp(1_000_000)), secs(10, 60));
        assert_eq!(left.when(Timestamp(1_004_000)), secs(6, 56));
        assert_eq!(left.when(Timestamp(1_030_000)), secs(0, 30), "a notice is due at once");
        assert_eq!(left.when(Timestamp(1_060_000)), None);
        assert_eq!(left.when(Timestamp(0)), secs(10, 60), "the sender's clock was set back");
        let endless = Left { whole_ms: u64::MAX, notice_ms: u64::MAX, ..left };
        assert_eq!(endless.when(left.at), Some((LONGEST, LONGEST)));
    }

    #[test]
    fn d02_questions_and_answers_have_one_form() {
        let device: DeviceId = "SN-1".parse().unwrap();
        let arguments: Arguments = serde_json::from_str(r#"{"mode":{"choice":"power-cycle"}}"#).unwrap();
        for (question, json) in [
            (Question::Alive, r#"{"ask":"alive"}"#),
            (Question::Counters { device: device.clone() }, r#"{"ask":"counters","device":"SN-1"}"#),
            (
                Question::Command { device: device.clone(), name: "reset".to_owned(), arguments },
                r#"{"ask":"command","device":"SN-1","name":"reset","arguments":{"mode":{"choice":"power-cycle"}}}"#,
            ),
            (Question::UserCall { device, text: None }, r#"{"ask":"user-call","device":"SN-1"}"#),
        ] {
            assert_eq!(serde_json::to_string(&question).unwrap(), json);
            assert_eq!(serde_json::from_str::<Question>(json).unwrap(), question);
        }
    }

    #[test]
    fn d04_a_reason_for_people_has_an_end() {
        assert_eq!(as_why("a\u{1b}[2Jb\n"), "a[2Jb");
        assert_eq!(as_why(&"x".repeat(10_000)).len(), LONGEST_WHY);
    }
}
