//! What a node is by itself where it joins by a PIN or key: its membership, its agent, its display.

use crate::config::{Config, DeviceConfig};
use crate::node::StartError;
use hostler_services::Member;
use hostler_services::membership::{self, Settings};
use hostler_store::Store;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinHandle;
use toml::Spanned;

/// The file of the display, in the data folder.
const DISPLAY: &str = "display";

/// The membership, where the configuration says that this node joins.
pub(crate) async fn member(config: &Config, store: &Arc<dyn Store>) -> Result<Option<Arc<Member>>, StartError> {
    let fingerprint = config.parent.as_ref().and_then(|parent| Some((parent, parent.fingerprint.as_ref()?)));
    let (Some((parent, fingerprint)), Some(device)) = (fingerprint, &config.device) else { return Ok(None) };
    let settings = Settings {
        device: device.id.clone(),
        node: config.node.id.clone(),
        model: device.model.clone(),
        manager: parent.url.get_ref().clone(),
        gateway: parent.gateway.as_ref().map(|gateway| gateway.get_ref().clone()),
        fingerprint: fingerprint.get_ref().clone(),
        window: device.window.get_ref().0,
    };
    let member = Member::open(Arc::clone(store), &config.node.data, settings).await?;
    // Who was entered at the device stays, and so does whoever it is connected for.
    let status = member.status();
    match (&device.user, &status.user) {
        (Some(_), None) if status.owner.is_none() => member.set_user(device.user.clone()).await?,
        (Some(configured), Some(entered)) if configured != entered => {
            tracing::warn!(%configured, %entered, "this device's user is the one who was entered; `hostler join user` changes that");
        }
        _ => {}
    }
    Ok(Some(member))
}

/// What runs beside it for as long as the node does.
pub(crate) async fn tend(
    member: &Arc<Member>,
    device: &DeviceConfig,
    data: &Path,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let renewing = Arc::clone(member);
    let mut tasks = vec![tokio::spawn(async move { renewing.renew_forever().await })];
    let display = device.display.clone().unwrap_or_else(|| data.join(DISPLAY));
    tasks.push(tokio::spawn(membership::keep_display(Arc::clone(member), display)));
    if let Some(agent) = device.snmp.clone().map(Spanned::into_inner) {
        let (address, serving) = membership::serve_agent(member, agent).await?;
        tracing::info!(%address, "the SNMP agent answers");
        tasks.push(tokio::spawn(serving));
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_store::RedbStore;

    #[tokio::test]
    async fn e06_who_was_entered_at_the_device_stays_whatever_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[node]\nid = \"mfp-1\"\ndata = {:?}\nroles = [\"device\"]\n[listen]\naddress = \"127.0.0.1:0\"\n[parent]\n\
             url = \"https://127.0.0.1:9\"\nfingerprint = \"{}\"\n[device]\nid = \"SN-1\"\nuser = \"ann@example.com\"\n",
            folder.path(),
            "ab".repeat(32)
        );
        let config = Config::parse(&text, Path::new("hostler.toml")).unwrap();
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let user = |member: &Member| member.status().user.map(|user| user.to_string());
        let first = member(&config, &store).await.unwrap().unwrap();
        assert_eq!(user(&first).as_deref(), Some("ann@example.com"), "nobody was entered");
        first.set_user(Some("bob@example.com".parse().unwrap())).await.unwrap();
        let again = member(&config, &store).await.unwrap().unwrap();
        assert_eq!(user(&again).as_deref(), Some("bob@example.com"));
    }
}
