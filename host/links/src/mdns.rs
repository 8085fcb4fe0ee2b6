//! What announces itself in the gateway's network (RFC 6762, RFC 6763).

use mdns_sd::{ServiceDaemon, ServiceEvent};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// The services by which printers and scanners announce themselves.
pub const SERVICES: [&str; 5] = [
    "_ipp._tcp.local.",
    "_ipps._tcp.local.",
    "_pdl-datastream._tcp.local.",
    "_printer._tcp.local.",
    "_uscan._tcp.local.",
];

/// The network can't be listened to.
#[derive(Debug, thiserror::Error)]
#[error("announcements (mDNS) can't be received: {0}")]
pub struct MdnsError(#[from] mdns_sd::Error);

/// Listens for `patience` and returns the addresses that announced one of [`SERVICES`].
///
/// # Errors
/// The system gives no multicast socket.
pub async fn announced(patience: Duration) -> Result<BTreeSet<IpAddr>, MdnsError> {
    let daemon = ServiceDaemon::new()?;
    let heard = listen(&daemon, patience).await;
    // Nobody hears it end, and nobody has to.
    let _ = daemon.shutdown();
    heard
}

async fn listen(daemon: &ServiceDaemon, patience: Duration) -> Result<BTreeSet<IpAddr>, MdnsError> {
    let receivers = SERVICES.iter().map(|service| daemon.browse(service)).collect::<Result<Vec<_>, _>>()?;
    tokio::time::sleep(patience).await;
    let mut addresses = BTreeSet::new();
    for receiver in receivers {
        while let Ok(event) = receiver.try_recv() {
            if let ServiceEvent::ServiceResolved(service) = event {
                addresses.extend(service.get_addresses().iter().map(mdns_sd::ScopedIp::to_ip_addr));
            }
        }
    }
    Ok(addresses)
}

#[cfg(test)]
#[path = "../../../sdk/plugin/src/testing/skipped.rs"]
mod skipped;

#[cfg(test)]
mod tests {
    use super::skipped::cannot;
    use super::*;
    use mdns_sd::ServiceInfo;

    /// A real responder on this machine, which announces a printer at this address.
    fn responder(service: &str, address: IpAddr) -> Result<ServiceDaemon, mdns_sd::Error> {
        let daemon = ServiceDaemon::new()?;
        let name = format!("hostler test {}", std::process::id());
        let host = format!("hostler-test-{}.local.", std::process::id());
        let properties: &[(&str, &str)] = &[("ty", "Example Fern 300")];
        daemon.register(ServiceInfo::new(service, &name, &host, address, 631, properties)?)?;
        Ok(daemon)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_announces_itself_is_heard() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let strangers = match responder("_ipp._tcp.local.", address) {
            Ok(responder) => responder,
            Err(error) => return cannot(&format!("this machine has no multicast: {error}")),
        };
        // Whether multicast gets from one socket to another here at all, asked by the library alone.
        let control = ServiceDaemon::new().unwrap();
        let heard = control.browse("_ipp._tcp.local.").unwrap();
        let resolved = async {
            while let Ok(event) = heard.recv_async().await {
                if matches!(event, ServiceEvent::ServiceResolved(_)) {
                    return;
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), resolved).await.is_err() {
            return cannot("multicast doesn't come back on this machine");
        }
        let addresses = announced(Duration::from_secs(3)).await.unwrap();
        assert!(addresses.contains(&address), "{addresses:?}");
        for daemon in [strangers, control] {
            let _ = daemon.shutdown();
        }
    }
}
