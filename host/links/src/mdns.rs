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
    daemon.shutdown()?;
    Ok(addresses)
}
