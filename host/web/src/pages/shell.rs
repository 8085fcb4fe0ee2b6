//! What every page has around it.

use crate::assets;
use crate::auth::Who;
use crate::state::Web;
use crate::words::{self, When};
use hostler_core::reading::Condition;
use hostler_core::viewer::{Right, Viewer};
use hostler_core::{NodeId, Timestamp};
use hostler_services::now;

/// Where the page's files are.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    pub style: String,
    pub script: String,
    pub icon: String,
}

impl Default for Bare {
    fn default() -> Self {
        Self { style: assets::style(), script: assets::script(), icon: assets::icon() }
    }
}

/// An entry of the menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    Fleet,
    Discovered,
    Plugins,
    Nodes,
    Events,
    Account,
}

impl Section {
    /// The menu of somebody with this right, in its order.
    fn all(right: Right) -> &'static [Self] {
        match right {
            Right::Own => &[Self::Fleet, Self::Account],
            Right::See | Right::Operate | Right::Administer => {
                &[Self::Fleet, Self::Discovered, Self::Plugins, Self::Nodes, Self::Events, Self::Account]
            }
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fleet => "Devices",
            Self::Discovered => "Discovered",
            Self::Plugins => "Plug-ins",
            Self::Nodes => "Gateways",
            Self::Events => "Events",
            Self::Account => "Account",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Fleet => "/",
            Self::Discovered => "/discovered",
            Self::Plugins => "/plugins",
            Self::Nodes => "/nodes",
            Self::Events => "/events",
            Self::Account => "/account",
        }
    }
}

/// What was done before the page was loaded. Only these sentences can be shown, so no link can put words in our mouth.
const NOTES: [(&str, &str); 14] = [
    ("read", "The device is being read. What it says appears here by itself."),
    ("waits", "Its gateway is away. This is done when it returns."),
    ("placed", "Saved."),
    ("released", "The device was let go. Its gateway may discover it again."),
    ("adopting", "The device is being adopted. It appears among the devices when its gateway has identified it."),
    ("searching", "The networks are being searched. What answers appears here by itself."),
    ("installed", "The plug-in is installed and used from the next call on."),
    ("granted", "Saved. It holds from the next call on."),
    ("rolled-back", "The release before is used again."),
    ("removed", "The plug-in was removed."),
    ("revoked", "The token doesn't hold any more."),
    ("password", "Your password was changed. Every other session and all your tokens have ended."),
    ("added", "The user can log in now."),
    ("parted", "The user is removed. Their sessions and tokens have ended."),
];

/// What every page knows besides its own content.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub bare: Bare,
    pub viewer: Viewer,
    pub node: NodeId,
    pub here: Section,
    pub now: Timestamp,
    pub note: Option<&'static str>,
}

/// Parameter of a page that was redirected to.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    /// What to say about it.
    pub(crate) fn note(&self) -> Option<&'static str> {
        NOTES.into_iter().find(|(key, _)| *key == self.done).map(|(_, text)| text)
    }
}

impl Shell {
    pub(crate) fn new(web: &Web, who: &Who, here: Section) -> Self {
        let (viewer, node) = (who.viewer.clone(), web.services.node.id.clone());
        Self { bare: Bare::default(), viewer, node, here, now: now(), note: None }
    }

    /// With a sentence about what was done.
    pub(crate) fn after(self, done: &Done) -> Self {
        Self { note: done.note(), ..self }
    }

    pub(crate) fn menu(&self) -> &'static [Section] {
        Section::all(self.viewer.right)
    }

    /// A time, as how long ago it was.
    pub(crate) fn when(&self, at: &Timestamp) -> When {
        When { at: *at, now: self.now }
    }

    /// How long it lasts.
    pub(crate) fn long(&self, since: &Timestamp) -> String {
        words::span(self.now.since(*since).as_secs())
    }

    pub(crate) fn sees(&self) -> bool {
        self.viewer.may(Right::See)
    }

    pub(crate) fn operates(&self) -> bool {
        self.viewer.may(Right::Operate)
    }

    pub(crate) fn administers(&self) -> bool {
        self.viewer.may(Right::Administer)
    }

    pub(crate) fn right(&self) -> &'static str {
        words::right(self.viewer.right)
    }

    /// A condition as a word that begins a line.
    pub(crate) fn word(&self, condition: &Condition) -> String {
        words::capital(&condition.to_string())
    }
}
