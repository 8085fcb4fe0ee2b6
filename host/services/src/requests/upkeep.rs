//! What this node is asked of its own upkeep, and does.

use super::{Done, Requests};
use crate::gateway::Gateway;
use crate::node_log::{LogError, NodeLog};
use hostler_core::DeviceId;
use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::request::{Answer, Failing};
use hostler_core::upkeep::{IntervalWish, Intervals, LevelWish, LogFrom};
use hostler_engine::now;
use std::sync::Arc;

impl Requests {
    /// The gateway that this node is, for itself or for one of its devices.
    fn gateway_for(&self, device: Option<&DeviceId>) -> Result<&Arc<Gateway>, (Failing, String)> {
        let Some(gateway) = self.inventory.own_gateway() else {
            return Err((Failing::Refused, format!("{} speaks for no devices", self.node.id)));
        };
        let own = |device| self.inventory.known(device).is_some_and(|(known, _)| known.gateway == self.node.id);
        match device.filter(|device| !own(device)) {
            Some(device) => Err((Failing::Refused, format!("{} doesn't speak for {device}", self.node.id))),
            None => Ok(gateway),
        }
    }

    /// What happened, for here and for above.
    fn noted(&self, device: Option<&DeviceId>, name: &str, text: String) -> Changes {
        let (at, name, severity) = (now(), name.to_owned(), Severity::Info);
        let event = Event { at, node: None, device: device.cloned(), name, severity, text };
        Changes::from(Change::Happened(event.clone())).telling(self.parent.as_ref(), Method::EventHappened(event))
    }

    pub(super) fn intervals(&self, device: Option<&DeviceId>) -> Done {
        Ok(Answer::Intervals { intervals: self.gateway_for(device)?.pace().view(device) })
    }

    /// What was set is stored before it is answered.
    pub(super) async fn set_intervals(&self, device: Option<&DeviceId>, wish: IntervalWish) -> (Done, Changes) {
        match self.with_intervals(device, wish).await {
            Ok((intervals, noted)) => (Ok(Answer::Intervals { intervals }), noted),
            Err(why) => (Err(why), Changes::none()),
        }
    }

    async fn with_intervals(
        &self,
        device: Option<&DeviceId>,
        wish: IntervalWish,
    ) -> Result<(Intervals, Changes), (Failing, String)> {
        let gateway = self.gateway_for(device)?;
        let (changes, told) = gateway.pace().change(device, wish).map_err(refused)?;
        // Stored first, so that the answer says how it is then. Once more, it would be the same.
        self.store.commit(changes).await.map_err(refused)?;
        let (name, whose) = match device {
            Some(device) => ("device.interval-set", format!("{device} is asked")),
            None => ("node.intervals-set", format!("node {} asks", self.node.id)),
        };
        let text = format!("{whose} from now on as was set from above: {}", told.join(", "));
        Ok((gateway.pace().view(device), self.noted(device, name, text)))
    }

    fn own_log(&self) -> Result<&NodeLog, (Failing, String)> {
        self.log.get().map(|log| &**log).ok_or_else(|| refused(LogError::None))
    }

    pub(super) async fn log_piece(&self, from: LogFrom) -> Done {
        Ok(Answer::Log { piece: self.own_log()?.read(from).await.map_err(refused)? })
    }

    pub(super) fn log_levels(&self) -> Done {
        Ok(Answer::LogLevels { levels: self.own_log()?.levels() })
    }

    pub(super) fn set_log_level(&self, wish: &LevelWish) -> (Done, Changes) {
        let set = self.own_log().and_then(|log| log.set_level(wish).map_err(refused));
        let levels = match set {
            Ok(levels) => levels,
            Err(why) => return (Err(why), Changes::none()),
        };
        let target = wish.target.as_str();
        let text = match wish.level {
            Some(level) => format!("says {} of {target} for {} s, as was set from above", level.as_str(), wish.for_s),
            None => format!("says as much as usual of {target} again, as was set from above"),
        };
        let text = format!("the log of node {} {text}", self.node.id);
        (Ok(Answer::LogLevels { levels }), self.noted(None, "node.log-level-set", text))
    }
}

fn refused(why: impl std::fmt::Display) -> (Failing, String) {
    (Failing::Refused, why.to_string())
}
