//! What this node is asked of its own upkeep, and does.

use super::Requests;
use super::doing::Done;
use crate::gateway::Gateway;
use hostler_core::DeviceId;
use hostler_core::changes::{Change, Changes};
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::request::{Answer, Failing};
use hostler_core::upkeep::{IntervalWish, Intervals};
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
        let (changes, told) = gateway.pace().change(device, wish).map_err(|why| (Failing::Refused, why.to_string()))?;
        // Stored first, so that the answer says how it is then. Once more, it would be the same.
        self.store.commit(changes).await.map_err(|error| (Failing::Refused, error.to_string()))?;
        let (name, whose) = match device {
            Some(device) => ("device.interval-set", format!("{device} is asked")),
            None => ("node.intervals-set", format!("node {} asks", self.node.id)),
        };
        let text = format!("{whose} from now on as was set from above: {}", told.join(", "));
        Ok((gateway.pace().view(device), self.noted(device, name, text)))
    }
}
