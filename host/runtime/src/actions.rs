//! What a plug-in wants done to the thing once its traces are stored. It may do no more afterwards than during the call.

use crate::call::{Answer, Failure, Trouble};
use crate::convert::{PlainRequest, PlainValue};
use crate::engine::Loaded;
use crate::limits::Exceeded;
use hostler_core::plugin::Capability;
use serde::{Deserialize, Serialize};

/// Actions of one call at most: each is stored, and each is a request to the device.
const ACTIONS: usize = 100;

/// What to do to the thing once the call's traces are stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Write these objects: dotted identifiers and BER-free values.
    SnmpSet(Vec<(String, PlainValue)>),
    /// Send this request.
    HttpSend(PlainRequest),
}

/// What a plug-in did for somebody who asked for it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deed {
    /// What to tell them.
    pub lines: Vec<String>,
    /// What to do to the thing once the call's traces are stored.
    pub actions: Vec<Action>,
}

/// Whether everything that is to be done may be done.
pub(crate) fn check(plugin: &Loaded, answer: &Result<Answer, Failure>) -> Result<(), Trouble> {
    let (Ok(Answer::Report(Some((_, actions)))) | Ok(Answer::Did(Deed { actions, .. }))) = answer else {
        return Ok(());
    };
    if actions.len() > ACTIONS {
        return Err(Trouble::Exceeded(Exceeded::Actions(ACTIONS)));
    }
    actions.iter().try_for_each(|action| permitted(plugin, action).map_err(Trouble::Overstepped))
}

fn permitted(plugin: &Loaded, action: &Action) -> Result<(), String> {
    let needed = match action {
        Action::SnmpSet(_) => Capability::SnmpWrite,
        Action::HttpSend(_) => Capability::Http,
    };
    if !plugin.grant.has(&needed) {
        return Err(format!("it wants to {}, which was not granted", needed.question()));
    }
    let Action::HttpSend(PlainRequest { credential: Some(name), .. }) = action else { return Ok(()) };
    if plugin.grant.has_credential(name) {
        return Ok(());
    }
    let name: String = name.chars().take(80).collect();
    Err(format!("it wants to use the credential {name:?}, which its manifest does not ask for"))
}
