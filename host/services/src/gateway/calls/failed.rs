//! Why a call brought nothing.

use crate::catalogue::NotReady;
use hostler_core::command::BadArguments;
use hostler_core::message::REPORT_LIMIT;
use hostler_core::reading::Hindrance;
use hostler_core::{DeviceId, PluginName};
use hostler_runtime::{CallError, Exceeded, Failure};
use hostler_store::StoreError;

/// Why a call brought nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallFailed {
    /// The plug-in isn't there, or wasn't granted what it needs.
    #[error("{0}")]
    NoPlugin(NotReady),
    /// There is no such device here.
    #[error("there is no device {0} at this node; it was let go, or another node has it")]
    NoDevice(DeviceId),
    /// There is no such command.
    #[error("plug-in {plugin} has no command {name:?}; {}", there_are(.known))]
    NoCommand {
        /// Which plug-in.
        plugin: PluginName,
        /// What was asked for.
        name: String,
        /// The commands that it has.
        known: Vec<String>,
    },
    /// A command can't be done with what it was given.
    #[error(transparent)]
    Arguments(#[from] BadArguments),
    /// The thing couldn't be asked.
    #[error("{0}")]
    Thing(Failure),
    /// The plug-in crashed or was stopped.
    #[error(transparent)]
    Plugin(#[from] CallError),
    /// What it reported is more than is passed on. Nothing of the call is kept.
    #[error(
        "plug-in {plugin} reported {bytes} bytes, more than the {REPORT_LIMIT} that are taken of a device; tell its maker"
    )]
    TooLarge {
        /// Which plug-in.
        plugin: PluginName,
        /// How many.
        bytes: usize,
    },
    /// What it left could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CallFailed {
    /// Whether the thing is to blame, or something on our side. A plug-in that computes too long is stopped by another
    /// limit: one that takes too long waits for the thing.
    pub(crate) fn is_of_the_thing(&self) -> bool {
        matches!(self, Self::Thing(_) | Self::Plugin(CallError::Stopped { exceeded: Exceeded::Wall(_), .. }))
    }

    /// What hindered, where the thing isn't to blame.
    pub(crate) fn hindrance(&self) -> Hindrance {
        match self {
            Self::NoPlugin(why) => why.hindrance,
            _ => Hindrance::Other,
        }
    }
}

fn there_are(known: &[String]) -> String {
    if known.is_empty() { "it has none".to_owned() } else { format!("there are {}", known.join(", ")) }
}
