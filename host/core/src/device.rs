//! A managed thing: who it is, how it is reached, and whose it is.

use crate::certificate::Certificate;
use crate::command::{BadDescription, Command, describe};
use crate::id::{DeviceId, NodeId, PluginName, SiteId, UserName};
use crate::reading::{DeviceType, Identity};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use utoipa::ToSchema;

/// How a gateway reaches a thing. Credentials are named, never held: their values stay in the gateway's configuration.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reach {
    /// Its address in the gateway's network.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// How its SNMP agent is reached, where it has one.
    pub snmp: Option<SnmpReach>,
    /// How its web server is reached, where it has one.
    pub http: Option<HttpReach>,
}

/// How an SNMP agent is reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct SnmpReach {
    /// UDP port.
    pub port: u16,
    /// The name of the credential in the gateway's configuration.
    pub credential: String,
}

/// How a web server is reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct HttpReach {
    /// `true` for HTTPS.
    pub tls: bool,
    /// TCP port.
    pub port: u16,
}

/// Something that answered in a network and isn't managed yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// How it answered.
    pub reach: Reach,
    /// The plug-ins that recognise it, the surest first.
    pub claims: Vec<Claim>,
    /// When it answered first.
    pub seen_at: Timestamp,
}

/// A plug-in's opinion that a thing is of its type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// Whose opinion.
    pub plugin: PluginName,
    /// How sure it is.
    pub certainty: Certainty,
    /// The type it claims.
    pub device_type: DeviceType,
    /// What to show, such as the model.
    pub title: String,
}

/// How sure a plug-in is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Nothing contradicts.
    Possible,
    /// It says so.
    Likely,
    /// A known model.
    Certain,
}

impl Candidate {
    /// The plug-in to which it goes without asking: the surest, unless two are equally sure.
    #[must_use]
    pub fn undisputed(&self) -> Option<&Claim> {
        match self.claims.as_slice() {
            [only] => Some(only),
            [first, second, ..] if first.certainty > second.certainty => Some(first),
            _ => None,
        }
    }
}

/// A managed thing, as its gateway knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its name in the fleet.
    pub id: DeviceId,
    /// The gateway that adopted it and speaks for it.
    pub gateway: NodeId,
    /// The plug-in that knows its type.
    pub plugin: PluginName,
    /// Who it says that it is.
    pub identity: Identity,
    /// How its gateway reaches it.
    pub reach: Reach,
    /// The certificate of its web server, once it was spoken to over HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// When it was adopted.
    pub adopted_at: Timestamp,
    /// What it can be told to do, where it says that itself and no plug-in does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
}

/// The name that stands for a plug-in where a device speaks for itself, by SOAP. No plug-in may have it.
pub const SPEAKS_FOR_ITSELF: &str = "soap";

impl Device {
    /// Whether no plug-in knows its type, and it says itself what there is to say.
    #[must_use]
    pub fn speaks_for_itself(&self) -> bool {
        self.plugin.as_str() == SPEAKS_FOR_ITSELF
    }

    /// What it says itself of what it can be told to do, as it may be kept and shown.
    ///
    /// # Errors
    /// The first thing that breaks a limit.
    pub fn check_commands(&self) -> Result<(), BadDescription> {
        describe::check(&self.commands)
    }

    /// What to call it before people.
    #[must_use]
    pub fn title(&self) -> String {
        self.identity.title().unwrap_or_else(|| self.id.to_string())
    }
}

/// Whose a device is and where it stands: the manager's knowledge.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Placement {
    /// Who it belongs to.
    pub owner: Option<UserName>,
    /// Where it stands.
    pub site: Option<SiteId>,
    /// Words to find it by.
    pub tags: BTreeSet<String>,
}

/// The ID that a thing gets: maker and serial number where told, else the hardware address, else its address below
/// its gateway. The first two stay the same when it moves.
#[must_use]
pub fn device_id(identity: &Identity, gateway: &NodeId, address: IpAddr) -> DeviceId {
    let told =
        identity.serial.as_deref().filter(|serial| serial.chars().any(|c| c.is_ascii_alphanumeric() && c != '0'));
    match (told, &identity.mac) {
        (Some(serial), _) => {
            let maker = identity.manufacturer.as_deref().and_then(|maker| maker.split_whitespace().next());
            DeviceId::from_words(&[maker.unwrap_or("sn"), serial])
        }
        (None, Some(mac)) => DeviceId::from_words(&["mac", mac]),
        (None, None) => DeviceId::from_words(&[gateway.as_str(), &address.to_string()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(maker: Option<&str>, serial: Option<&str>, mac: Option<&str>) -> Identity {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Identity { manufacturer: own(maker), serial: own(serial), mac: own(mac), ..Identity::default() }
    }

    fn id(identity: &Identity) -> String {
        device_id(identity, &"gw".parse().unwrap(), "192.0.2.7".parse().unwrap()).to_string()
    }

    #[test]
    fn the_id_follows_from_what_is_told() {
        assert_eq!(id(&identity(Some("Example Corporation"), Some("X 12/3"), None)), "example-x-12-3");
        assert_eq!(id(&identity(None, Some("0000"), Some("00:11:22:33:44:55"))), "mac-00-11-22-33-44-55");
        assert_eq!(id(&identity(None, None, None)), "gw-192-0-2-7");
    }

    proptest! {
        #[test]
        fn whatever_a_device_says_gives_an_id(maker in "\\PC*", serial in "\\PC*", mac in "\\PC*") {
            id(&identity(Some(&maker), Some(&serial), Some(&mac)));
        }
    }
}
