//! D7, discovery without a range: a gateway listens for what announces itself (mDNS), and finds that and nothing else.

use hostler_tests::{Network, Node, Place, Setup, cannot, until};
use mdns_sd::{ServiceDaemon, ServiceEvent, ServiceInfo};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

const SERVICE: &str = "_ipp._tcp.local.";

/// A real responder on this machine, which announces a printer at this address.
fn announce(address: IpAddr) -> Result<ServiceDaemon, mdns_sd::Error> {
    let daemon = ServiceDaemon::new()?;
    let name = format!("hostler story {}", std::process::id());
    let host = format!("hostler-story-{}.local.", std::process::id());
    let properties: &[(&str, &str)] = &[("ty", "Example Orchid")];
    daemon.register(ServiceInfo::new(SERVICE, &name, &host, address, 631, properties)?)?;
    Ok(daemon)
}

/// Whether another program of this machine hears it, asked by the library alone: not every machine has multicast.
async fn is_heard(address: IpAddr) -> bool {
    let Ok(daemon) = ServiceDaemon::new() else { return false };
    let Ok(heard) = daemon.browse(SERVICE) else { return false };
    let resolved = async {
        while let Ok(event) = heard.recv_async().await {
            if let ServiceEvent::ServiceResolved(service) = event
                && service.get_addresses().iter().any(|found| found.to_ip_addr() == address)
            {
                return;
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(60), resolved).await.is_ok();
    let _ = daemon.shutdown();
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_announces_itself_is_found_without_a_range() {
    let place = Place::new(98);
    let fleet = place.printers(2).await;
    let [announced, quiet] = fleet.devices() else { panic!("two devices") };
    let responder = match announce(announced.address.ip()) {
        Ok(responder) => responder,
        Err(error) => return cannot(&format!("this machine has no multicast: {error}")),
    };
    if !is_heard(announced.address.ip()).await {
        return cannot("multicast doesn't come back on this machine");
    }
    let network = Network { ranges: Vec::new(), mdns: true, ..Network::of("office", &fleet) };
    let node = Node::start(Setup::alone(&place).networks([network]).adopting("mfp")).await;
    node.install("mfp").await;
    let view = node.until_read(1).await.remove(0);
    assert_eq!(view["device"]["identity"]["serial"], announced.serial.as_str(), "{view:#}");
    assert_eq!(view["device"]["reach"]["address"], json!(announced.address.ip()));

    // Searched often enough to have found the other, which answers and was never announced.
    let before = node.log().matches("searching").count();
    until("it was searched again", async || (node.log().matches("searching").count() > before + 1).then_some(())).await;
    assert_eq!(node.devices().await.unwrap().len(), 1);
    assert_eq!(node.api().get("candidates").await.unwrap(), json!([]));
    assert_eq!(quiet.control.requests(), 0, "somebody asked who didn't announce itself");
    let _ = responder.shutdown();
}
