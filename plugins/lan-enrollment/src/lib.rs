//! Finds devices and brings them their PINs: `lan-discovery` and `pin-delivery` in one component.

use hostler_lan_discovery::LanDiscovery;
use hostler_pin_delivery::PinDelivery;

hostler_plugin::export_discovery!(LanDiscovery);
hostler_plugin::export_delivery!(PinDelivery);

/// Finds devices as `lan-discovery` does.
pub type Finds = LanDiscovery;
/// Brings PINs as `pin-delivery` does.
pub type Brings = PinDelivery;
