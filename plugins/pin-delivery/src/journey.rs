//! One parcel on its way: what is to be done next follows from what was seen, and so does the outcome.

use hostler_plugin::terminal::{LanError, Outcome, Parcel, Standing, Verdict, Way, said};

/// Sendings of one parcel at most: one, and one more where the device is known not to have taken it.
const SENDINGS: u32 = 2;

/// Looks at a device that took the parcel and shows no sign of it, before it is believed.
const SIGNS: u32 = 3;

/// What a device says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) standing: Standing,
    pub(crate) manager: String,
    pub(crate) why: String,
    /// Seconds for which it takes a PIN; `None` where it doesn't say.
    pub(crate) window: Option<u32>,
}

/// What came of sending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Brought {
    /// It took it.
    Taken,
    /// It is connecting already, perhaps by this very parcel.
    Busy,
    /// It didn't take it: why.
    Refused(String),
    /// It takes nothing in this way.
    NoWay(String),
    /// It may have taken it.
    Unknown,
}

/// How far a parcel is.
#[derive(Clone, PartialEq, Debug)]
enum Stage {
    /// It isn't known yet how the device is reached; so far, why not.
    Sought(Option<String>),
    /// To be sent.
    Ready,
    /// Sent, and perhaps taken.
    Doubtful,
    /// Taken; it was looked so often without a sign.
    Taken(u32),
    Over(Verdict),
}

/// One parcel on its way.
pub(crate) struct Journey {
    parcel: Parcel,
    stage: Stage,
    way: Option<Way>,
    sendings: u32,
    /// What it gave as the reason before anything was sent.
    former: String,
}

impl Journey {
    pub(crate) fn begin(parcel: Parcel) -> Self {
        Self { parcel, stage: Stage::Sought(None), way: None, sendings: 0, former: String::new() }
    }

    pub(crate) fn address(&self) -> &str {
        &self.parcel.address
    }

    pub(crate) fn parcel(&self) -> &Parcel {
        &self.parcel
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    pub(crate) fn wants_look(&self, way: Way) -> bool {
        match self.stage {
            // SNMP first; its web server is asked where no agent answered.
            Stage::Sought(_) => (way == Way::Snmp) == self.way.is_none(),
            Stage::Doubtful | Stage::Taken(_) => self.way == Some(way),
            Stage::Ready | Stage::Over(_) => false,
        }
    }

    pub(crate) fn wants_sending(&self, way: Way) -> bool {
        self.stage == Stage::Ready && self.way == Some(way)
    }

    /// It was looked at.
    pub(crate) fn looked(&mut self, way: Way, seen: Result<Seen, LanError>) {
        self.stage = match (&self.stage, seen) {
            (Stage::Sought(_), Err(LanError::Forbidden(why))) => Stage::Over(Verdict::Unreachable(why)),
            (Stage::Sought(_), Err(error)) if way == Way::Snmp => {
                self.way = Some(Way::Http);
                Stage::Sought(Some(said(&error)))
            }
            (Stage::Sought(former), Err(error)) => {
                let agent = former.as_deref().unwrap_or("not asked");
                let why = format!("SNMP: {agent}; HTTP: {}", said(&error));
                Stage::Over(Verdict::Unreachable(why))
            }
            (Stage::Sought(_), Ok(seen)) => {
                self.way = Some(way);
                self.former.clone_from(&seen.why);
                match seen.standing {
                    Standing::Connected => {
                        Stage::Over(Verdict::Refused(format!("it is connected to {} already", named(&seen.manager))))
                    }
                    Standing::Connecting => Stage::Taken(0),
                    Standing::NotConnected if seen.window == Some(0) => Stage::Over(Verdict::Refused(
                        "it takes no PIN now; open its window at the device (press its key, or start it anew)"
                            .to_owned(),
                    )),
                    Standing::NotConnected => Stage::Ready,
                }
            }
            (Stage::Doubtful | Stage::Taken(_), Ok(Seen { standing: Standing::Connected, manager, .. })) => {
                Stage::Over(Verdict::Connected(named(&manager)))
            }
            (Stage::Doubtful | Stage::Taken(_), Ok(Seen { standing: Standing::Connecting, .. })) => Stage::Taken(0),
            (Stage::Doubtful, Ok(seen)) => self.untaken(&seen),
            (Stage::Taken(signs), Ok(seen)) => {
                let new = !seen.why.is_empty() && seen.why != self.former;
                match (new, *signs >= SIGNS) {
                    (false, false) => Stage::Taken(signs + 1),
                    (false, true) if seen.why.is_empty() => {
                        Stage::Over(Verdict::Refused("it took it and is not connected; it doesn't say why".to_owned()))
                    }
                    _ => Stage::Over(Verdict::Refused(seen.why)),
                }
            }
            // It is asked again as long as there is time.
            (stage, _) => stage.clone(),
        };
    }

    /// It isn't connected after something was sent whose answer was lost.
    fn untaken(&self, seen: &Seen) -> Stage {
        if !seen.why.is_empty() && seen.why != self.former {
            return Stage::Over(Verdict::Refused(seen.why.clone()));
        }
        if seen.window == Some(0) {
            return Stage::Over(Verdict::Refused("it didn't take it before its window closed".to_owned()));
        }
        if self.sendings < SENDINGS {
            return Stage::Ready;
        }
        Stage::Over(Verdict::InDoubt("it was sent twice, and the device shows no sign of it".to_owned()))
    }

    /// It was sent.
    pub(crate) fn sent(&mut self, brought: Brought) {
        self.sendings += 1;
        self.stage = match (brought, self.way) {
            (Brought::Taken | Brought::Busy, _) => Stage::Taken(0),
            (Brought::Refused(why), _) => Stage::Over(Verdict::Refused(why)),
            (Brought::Unknown, _) => Stage::Doubtful,
            // Who may read over SNMP needn't be let write.
            (Brought::NoWay(_), Some(Way::Snmp)) => {
                self.way = Some(Way::Http);
                Stage::Ready
            }
            (Brought::NoWay(why), _) => Stage::Over(Verdict::Unreachable(why)),
        };
    }

    /// What came of it.
    pub(crate) fn end(self) -> Outcome {
        let verdict = match self.stage {
            Stage::Over(verdict) => verdict,
            Stage::Taken(_) => Verdict::InDoubt("it took it, and is connecting still".to_owned()),
            Stage::Doubtful => Verdict::InDoubt("it may have taken it, and doesn't answer any more".to_owned()),
            Stage::Sought(_) | Stage::Ready => Verdict::Unreachable("there was no time to bring it".to_owned()),
        };
        let by = self.way.filter(|_| self.sendings > 0);
        Outcome { address: self.parcel.address, verdict, by }
    }
}

fn named(manager: &str) -> String {
    if manager.is_empty() { "a manager without a name".to_owned() } else { manager.to_owned() }
}
