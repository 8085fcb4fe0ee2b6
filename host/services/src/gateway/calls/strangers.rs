//! Calls for what isn't managed yet: who recognises it, and who it is. Nothing of them is stored.

use super::{Caller, Thing, log};
use futures::future::BoxFuture;
use hostler_core::device::Reach;
use hostler_core::{DeviceId, Fingerprint, PluginName};
use hostler_engine::{Ask, AskError, Identified};
use hostler_links::{HttpLink, Lane, Oid, SnmpError};
use hostler_runtime::{Answer, Failure, Question, Recognition};

/// sysObjectID.0 (RFC 3418): what every agent has.
const SYS_OBJECT_ID: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 2, 0];

impl Caller {
    /// Whether an SNMP agent answers here to this credential. It is asked for the one object that every agent has.
    pub(crate) async fn answers(&self, reach: &Reach) -> bool {
        let Some(snmp) = &reach.snmp else { return false };
        let place = self.place(reach, Lane::Doubtful).await;
        let link = self.snmp.link(reach.address, snmp, place.lane()).await;
        let answer = match link {
            Ok(link) => link.get(&[Oid::from_slice(&SYS_OBJECT_ID)]).await,
            Err(error) => {
                tracing::warn!(address = %reach.address, %error, "there is no SNMP link");
                return false;
            }
        };
        // Most addresses are silent; whoever answers and refuses is told, or nobody would know why it isn't found.
        if let Err(error @ (SnmpError::Refused(_) | SnmpError::Garbled(_))) = &answer {
            let (address, credential) = (reach.address, &snmp.credential);
            tracing::warn!(%address, %credential, %error, "an SNMP agent answers, but can't be spoken to");
        }
        answer.is_ok()
    }

    /// Which plug-ins recognise what answers here, the surest first. Nothing of these calls is stored.
    pub(crate) async fn recognise(&self, reach: &Reach) -> Vec<(PluginName, Recognition)> {
        let mut found = Vec::new();
        for plugin in self.catalogue.all_ready() {
            let stranger = DeviceId::from_words(&["stranger", &reach.address.to_string()]);
            let place = self.place(reach, Lane::Lively).await;
            let mut call = self.call(Thing::stranger(&stranger, reach), &place, &plugin).await;
            // No password goes out before somebody has said that this is to be a device.
            call.http = call.http.map(HttpLink::anonymous);
            let name = plugin.component.manifest.name.clone();
            match self.runtime.call(&plugin, call, Question::Recognise).await {
                Ok(done) => {
                    log(&stranger, &name, &done);
                    match done.answer {
                        Ok(Answer::Recognised(Some(recognition))) => found.push((name, recognition)),
                        Ok(_) => {}
                        Err(failure) => {
                            tracing::debug!(address = %reach.address, plugin = %name, %failure, "not recognised")
                        }
                    }
                }
                Err(error) => tracing::warn!(address = %reach.address, %error, "a plug-in failed to recognise"),
            }
        }
        found.sort_by_key(|(_, recognition)| std::cmp::Reverse(recognition.certainty));
        found
    }
}

impl Ask for Caller {
    fn identify(
        &self,
        reach: Reach,
        plugin: PluginName,
        trusted: Option<Fingerprint>,
    ) -> BoxFuture<'_, Result<Identified, AskError>> {
        Box::pin(async move {
            let failed = |why: String, again: bool| AskError { why, again };
            let loaded = self.catalogue.ready(&plugin).map_err(|why| failed(why.to_string(), true))?;
            let stranger = DeviceId::from_words(&["stranger", &reach.address.to_string()]);
            let place = self.place(&reach, Lane::Lively).await;
            let thing = Thing { id: &stranger, reach: &reach, trusted: trusted.as_ref() };
            let call = self.call(thing, &place, &loaded).await;
            let trust = call.http.as_ref().and_then(HttpLink::trust).cloned();
            let done = self.runtime.call(&loaded, call, Question::Identify).await;
            let done = done.map_err(|error| failed(error.to_string(), true))?;
            log(&stranger, &plugin, &done);
            match done.answer {
                Ok(Answer::Identified(identity)) => {
                    Ok(Identified { identity, certificate: trust.and_then(|trust| trust.shown()) })
                }
                Ok(_) => Err(failed("the plug-in answered something else".to_owned(), false)),
                Err(failure) => {
                    let again = matches!(failure, Failure::Unreachable(_) | Failure::Garbled(_));
                    Err(failed(failure.to_string(), again))
                }
            }
        })
    }
}
