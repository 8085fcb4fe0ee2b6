//! The commands that plug-ins describe. A component always describes the same, so it is asked once.

use super::Catalogue;
use crate::gateway::CallFailed;
use hostler_core::PluginName;
use hostler_core::command::Command;
use hostler_core::plugin::Offer;
use hostler_engine::now;
use hostler_runtime::{Answer, Call, Question};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What was described, by plug-in, and the digest of the component that did.
#[derive(Default)]
pub(super) struct Described(RwLock<BTreeMap<PluginName, OfRelease>>);

/// The digest of a release, and the commands that it describes.
type OfRelease = (String, Arc<[Command]>);

impl Catalogue {
    /// The commands that a plug-in describes; none where it exports no `commands`. No device is asked.
    ///
    /// # Errors
    /// The plug-in isn't ready, or describes what it may not.
    pub async fn commands(&self, name: &PluginName) -> Result<Arc<[Command]>, CallFailed> {
        let loaded = self.ready(name).map_err(CallFailed::NoPlugin)?;
        if !loaded.component.offers(Offer::Commands) {
            return Ok(Arc::default());
        }
        let digest = &loaded.component.digest;
        let known = self.described.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some((_, commands)) = known.filter(|(of, _)| of == digest) {
            return Ok(commands);
        }
        let call = Call::without_device(now());
        let done = self.runtime.call(&loaded, call, Question::DescribeCommands).await?;
        let commands: Arc<[Command]> = match done.answer.map_err(CallFailed::Thing)? {
            Answer::Commands(commands) => commands.into(),
            _ => Arc::default(),
        };
        let mut described = self.described.0.write().unwrap_or_else(PoisonError::into_inner);
        described.insert(name.clone(), (digest.clone(), Arc::clone(&commands)));
        Ok(commands)
    }
}
