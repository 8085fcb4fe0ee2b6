//! What every page has around it.

use crate::assets;
use crate::auth::Who;
use crate::error::ApiError;
use crate::extract::Sent;
use crate::state::{Offer, Web};
use crate::words::{self, When};
use axum::http::StatusCode;
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
    Registrations,
    Discovered,
    Schedules,
    Plugins,
    Nodes,
    Requests,
    Events,
    Account,
}

impl Section {
    /// The menu of somebody with this right, in its order.
    fn all(right: Right, offer: Offer) -> &'static [Self] {
        match right {
            _ if offer == Offer::Registrar => &[Self::Registrations, Self::Account],
            Right::Own => &[Self::Registrations, Self::Fleet, Self::Account],
            Right::See | Right::Operate | Right::Administer => &[
                Self::Fleet,
                Self::Registrations,
                Self::Discovered,
                Self::Schedules,
                Self::Plugins,
                Self::Nodes,
                Self::Requests,
                Self::Events,
                Self::Account,
            ],
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fleet => "Devices",
            Self::Registrations => "Register",
            Self::Discovered => "Discovered",
            Self::Schedules => "Schedules",
            Self::Plugins => "Plug-ins",
            Self::Nodes => "Gateways",
            Self::Requests => "Requests",
            Self::Events => "Events",
            Self::Account => "Account",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Fleet => "/",
            Self::Registrations => "/registrations",
            Self::Discovered => "/discovered",
            Self::Schedules => "/schedules",
            Self::Plugins => "/plugins",
            Self::Nodes => "/nodes",
            Self::Requests => "/requests",
            Self::Events => "/events",
            Self::Account => "/account",
        }
    }
}

/// What was done before the page was loaded. Only these sentences can be shown, so no link can put words in our mouth.
const NOTES: [(&str, &str); 25] = [
    ("read", "The device is being read. What it says appears here by itself."),
    ("waits", "Its gateway is away. This is done when it returns."),
    ("placed", "Saved."),
    ("trusted", "Your answer is on its way to the gateway. How the device is known appears here by itself."),
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
    ("withdrawn", "No further device comes in by this registration. Those that came in stay."),
    ("returns", "The device may connect anew, by a new PIN of its owner. What it had has ended."),
    ("barred", "The device is barred. What it had has ended, and no PIN lets it in."),
    ("unbarred", "The bar is lifted. The device may connect anew, by a new PIN of its owner."),
    ("scheduled", "The schedule is made."),
    ("runs", "It runs now. How it ends appears here by itself."),
    ("paused", "It rests until somebody resumes it."),
    ("resumed", "It runs again. What was due meanwhile wasn't missed."),
    ("unscheduled", "The schedule was removed."),
    ("left", "The device has no owner any more. Any user's PIN lets it in."),
];

/// A form that was refused: it is drawn again with what was typed, and what is wrong beside it.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    form: &'static str,
    said: String,
    typed: Vec<(String, String)>,
}

/// Fields that aren't sent back.
const SECRET: [&str; 3] = ["password", "old", "new"];

/// What every page knows besides its own content.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub bare: Bare,
    pub viewer: Viewer,
    pub node: NodeId,
    pub here: Section,
    /// Whether devices are registered at this node: it is a manager.
    pub registers: bool,
    pub offer: Offer,
    pub now: Timestamp,
    pub note: Option<&'static str>,
    pub refused: Option<Refused>,
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
        let registers = web.services.enrollment.is_some();
        let offer = web.options.offer;
        Self { bare: Bare::default(), viewer, node, here, registers, offer, now: now(), note: None, refused: None }
    }

    /// With a sentence about what was done.
    pub(crate) fn after(self, done: &Done) -> Self {
        Self { note: done.note(), ..self }
    }

    /// With a form that was refused.
    pub(crate) fn refusing(self, form: &'static str, error: &ApiError, sent: Sent) -> Self {
        let problem = error.for_people();
        let wait = error.status() == StatusCode::TOO_MANY_REQUESTS;
        let said = if wait { format!("{} {}", problem.error, problem.what_to_do) } else { problem.error };
        let typed = sent.0.into_iter().filter(|(field, _)| !SECRET.contains(&field.as_str())).collect();
        Self { refused: Some(Refused { form, said, typed }), ..self }
    }

    /// Why this form was refused, where it was.
    pub(crate) fn refused(&self, form: &str) -> Option<&str> {
        self.refused.as_ref().filter(|refused| refused.form == form).map(|refused| refused.said.as_str())
    }

    /// What stands in a field: what was typed where the form was refused.
    pub(crate) fn typed<'a>(&'a self, form: &str, field: &str, otherwise: &'a str) -> &'a str {
        let Some(refused) = self.refused.as_ref().filter(|refused| refused.form == form) else { return otherwise };
        let typed = refused.typed.iter().find(|(name, _)| name == field);
        typed.map_or("", |(_, value)| value.as_str())
    }

    /// Whether this is what a field's choice stands at.
    pub(crate) fn is_chosen(&self, form: &str, field: &str, otherwise: &str, word: &str) -> bool {
        self.typed(form, field, otherwise) == word
    }

    pub(crate) fn menu(&self) -> impl Iterator<Item = &'static Section> {
        let registers = self.registers;
        let all = Section::all(self.viewer.right, self.offer).iter();
        all.filter(move |section| registers || **section != Section::Registrations)
    }

    /// A time, as how long ago it was.
    pub(crate) fn when(&self, at: &Timestamp) -> When {
        When { at: *at, now: self.now }
    }

    /// The day that a time falls on.
    pub(crate) fn day(&self, at: &Timestamp) -> String {
        words::day(*at)
    }

    /// How long it lasts.
    pub(crate) fn long(&self, since: &Timestamp) -> String {
        words::span(self.now.since(*since).as_secs())
    }

    /// Whether all of this node is offered, and not what a registrar hands on.
    pub(crate) fn whole(&self) -> bool {
        self.offer == Offer::Whole
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
