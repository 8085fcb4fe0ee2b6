//! What is known of each device that came in, and what its owner or an administrator may do with that.

use super::pin::PinDigest;
use crate::access::{Child, TokenDigest};
use crate::id::{DeviceId, KeyFingerprint, NodeId, Serial, UserName};
use crate::reading::Identity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest reason for barring, in characters; what is longer is cut.
const LONGEST_REASON: usize = 200;

/// A device that came in.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// Which device.
    pub device: DeviceId,
    /// What it calls itself in the tree.
    pub node: NodeId,
    /// Whose it is; of a released one, whose it was.
    pub owner: UserName,
    /// Its public key.
    pub key: KeyFingerprint,
    /// The invitation by which it came in.
    pub invitation: PinDigest,
    /// The newest attempt with this key that was granted.
    pub attempt: u64,
    /// What it got last. It is good while the device is connected, and only then: see [`Enrolled::living`].
    pub issued: Issued,
    /// The certificate before the last renewal. It is good too, for a device that never got the renewed one; the next renewal
    /// ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Serial>,
    /// When it took its place.
    pub at: Timestamp,
    /// How it stands.
    pub state: Standing,
    /// The gateway that it calls, where that isn't the manager. It is let in by no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<NodeId>,
}

/// What a device gets when it is let in, without the secret part.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Issued {
    /// The token's digest.
    pub token: TokenDigest,
    /// The certificate's serial number.
    pub serial: Serial,
    /// The device's public key (its SubjectPublicKeyInfo in DER), in hexadecimal digits: what secrets are sealed to. One that
    /// an earlier release let in has it with its next renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// How a device stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its token and certificate are good.
    Connected,
    /// Its token and certificate have ended; another invitation of its owner lets it in, with whatever key.
    MayReturn {
        /// Since when.
        since: Timestamp,
    },
    /// Its token and certificate have ended; nothing lets it in.
    Barred {
        /// Since when.
        since: Timestamp,
        /// Why, for who looks after it; the device isn't told.
        why: String,
    },
    /// Nobody owns it; anybody's invitation lets it in. The row stays, so that a request that comes late is known as one.
    Released {
        /// Since when.
        since: Timestamp,
    },
}

/// A token and certificate that end with a change.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ended {
    /// The node that had them.
    pub node: NodeId,
    /// Which.
    pub issued: Issued,
}

/// What a change of a device's standing does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// The row afterwards.
    pub next: Enrolled,
    /// What ends with it, in the same commit.
    pub ends: Option<Ended>,
}

/// Why a device's standing can't be changed so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrongStanding {
    /// It is barred.
    #[error("the device is barred; lift that first")]
    Barred,
    /// It isn't barred.
    #[error("the device isn't barred, so there is nothing to lift")]
    NotBarred,
    /// Nobody owns it.
    #[error("the device was released and has no owner; any user's PIN connects it")]
    Released,
}

/// A certificate isn't renewed: it isn't one of those that the device has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this certificate isn't one that the device has now; its owner can let it connect anew")]
pub struct NotRenewed;

impl Enrolled {
    /// Whether a node is this device's: it has the device's token, or had the last one.
    #[must_use]
    pub fn holds(&self, child: &Child) -> bool {
        child.id == self.node && (child.token == self.issued.token || child.token == TokenDigest::ended(&self.device))
    }

    /// Whether a thing is this very device: it says the serial number or hardware address that the device came in by.
    #[must_use]
    pub fn is(&self, thing: &Identity) -> bool {
        is_device(&self.device, thing)
    }

    /// What is good of what was issued to it.
    #[must_use]
    pub fn living(&self) -> Option<Ended> {
        let connected = self.state == Standing::Connected;
        connected.then(|| Ended { node: self.node.clone(), issued: self.issued.clone() })
    }

    /// The same after a renewal that was asked for with one of its certificates. That one stays good, because the answer may be
    /// lost; any other ends.
    ///
    /// # Errors
    /// For one that isn't connected, or shows a certificate that isn't one of its two.
    pub fn renewed(self, shown: &Serial, fresh: Serial, public_key: String) -> Result<Self, NotRenewed> {
        if self.state != Standing::Connected || (*shown != self.issued.serial && self.former.as_ref() != Some(shown)) {
            return Err(NotRenewed);
        }
        let issued = Issued { serial: fresh, public_key: Some(public_key), ..self.issued };
        Ok(Self { former: Some(shown.clone()), issued, ..self })
    }

    /// The same, with a certificate that was issued to it and that isn't remembered: the store was put back to before. It is
    /// the device's if it is for the device's key; else nothing changes.
    #[must_use]
    pub fn remembering(self, shown: &Serial, key: &KeyFingerprint) -> Self {
        if *key == self.key { Self { former: Some(shown.clone()), ..self } } else { self }
    }

    /// The certificates that are good.
    pub fn certificates(&self) -> impl Iterator<Item = &Serial> {
        let connected = self.state == Standing::Connected;
        [Some(&self.issued.serial), self.former.as_ref()].into_iter().flatten().filter(move |_| connected)
    }

    /// Its owner lets it come in anew, such as after a reset: it has another key then.
    ///
    /// # Errors
    /// For one that is barred or has no owner.
    pub fn let_return(self, now: Timestamp) -> Result<Moved, WrongStanding> {
        match self.state {
            Standing::Connected => Ok(self.to(Standing::MayReturn { since: now })),
            Standing::MayReturn { .. } => Ok(Moved { next: self, ends: None }),
            Standing::Barred { .. } => Err(WrongStanding::Barred),
            Standing::Released { .. } => Err(WrongStanding::Released),
        }
    }

    /// Nothing lets it in any more, such as when it was lost. One that is barred already stays so, for the first reason.
    #[must_use]
    pub fn bar(self, why: &str, now: Timestamp) -> Moved {
        match self.state {
            Standing::Barred { .. } => Moved { next: self, ends: None },
            _ => self.to(Standing::Barred { since: now, why: why.chars().take(LONGEST_REASON).collect() }),
        }
    }

    /// It was found: it may come in anew.
    ///
    /// # Errors
    /// For one that isn't barred.
    pub fn unbar(self, now: Timestamp) -> Result<Moved, WrongStanding> {
        match self.state {
            Standing::Barred { .. } => Ok(self.to(Standing::MayReturn { since: now })),
            _ => Err(WrongStanding::NotBarred),
        }
    }

    /// It leaves its owner, for another to take it.
    ///
    /// # Errors
    /// For one that is barred: that would lift it.
    pub fn release(self, now: Timestamp) -> Result<Moved, WrongStanding> {
        match self.state {
            Standing::Connected | Standing::MayReturn { .. } => Ok(self.to(Standing::Released { since: now })),
            Standing::Released { .. } => Ok(Moved { next: self, ends: None }),
            Standing::Barred { .. } => Err(WrongStanding::Barred),
        }
    }

    fn to(self, state: Standing) -> Moved {
        let ends = self.living();
        Moved { next: Self { state, ..self }, ends }
    }
}

/// Whether a thing is this very device: it says the device's serial number or hardware address.
#[must_use]
pub fn is_device(device: &DeviceId, thing: &Identity) -> bool {
    let own = letters(device.as_str());
    let said = [&thing.serial, &thing.mac].into_iter().flatten();
    !own.is_empty() && said.map(|said| letters(said)).any(|said| said == own)
}

/// What counts of a serial number or hardware address, which people and devices write with different marks between.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(7);

    fn connected() -> Enrolled {
        let digest = "a".repeat(64);
        let text = format!(
            r#"{{"device":"A1","node":"mfp-1","owner":"u@example","key":"{digest}","invitation":"{digest}","attempt":2,
            "issued":{{"token":"{digest}","serial":"0a"}},"at":1,"state":"connected"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn e08_whatever_ends_a_standing_ends_token_and_certificate_once() {
        let before = connected();
        let had = before.living();
        assert!(had.is_some());
        for moved in [
            before.clone().let_return(NOW).unwrap(),
            before.clone().bar("lost", NOW),
            before.clone().release(NOW).unwrap(),
        ] {
            assert_eq!((&moved.ends, moved.next.living()), (&had, None));
            assert_eq!(moved.next.bar("again", NOW).ends, None, "it has ended already");
        }
        let returning = before.let_return(NOW).unwrap().next;
        assert_eq!(returning.clone().let_return(Timestamp(8)).unwrap(), Moved { next: returning, ends: None });
    }

    #[test]
    fn e09_a_thing_is_the_device_by_its_serial_number_or_hardware_address() {
        let thing = |serial: Option<&str>, mac: Option<&str>| Identity {
            serial: serial.map(str::to_owned),
            mac: mac.map(str::to_owned),
            ..Identity::default()
        };
        let by = |id: &str| Enrolled { device: id.parse().unwrap(), ..connected() };
        assert!(connected().is(&thing(Some("a1"), None)) && !connected().is(&thing(Some("A10"), None)));
        assert!(by("00-11-22-33-44-FF").is(&thing(Some("B2"), Some("00:11:22:33:44:ff"))));
        assert!(!connected().is(&thing(None, None)) && !connected().is(&thing(Some(""), Some("-"))));
    }

    #[test]
    fn e08_a_renewal_ends_no_certificate_that_the_device_may_still_need() {
        let serial = |text: &str| -> Serial { text.parse().unwrap() };
        let good = |row: &Enrolled| row.certificates().map(ToString::to_string).collect::<Vec<_>>();
        let first = connected().renewed(&serial("0a"), serial("0b"), String::new()).unwrap();
        assert_eq!((good(&first), &first.issued.token), (vec!["0b".into(), "0a".into()], &connected().issued.token));
        let lost = first.clone().renewed(&serial("0a"), serial("0c"), String::new()).unwrap();
        assert_eq!(good(&lost), ["0c", "0a"], "the answer was lost, and it asks with what it has");
        let used = first.clone().renewed(&serial("0b"), serial("0d"), String::new()).unwrap();
        assert_eq!(good(&used), ["0d", "0b"]);
        assert_eq!(used.clone().renewed(&serial("0a"), serial("0e"), String::new()), Err(NotRenewed), "it has ended");
        let forgotten = used
            .clone()
            .remembering(&serial("7f"), &used.key)
            .renewed(&serial("7f"), serial("0e"), String::new())
            .unwrap();
        assert_eq!(good(&forgotten), ["0e", "7f"], "a store that was put back has forgotten it");
        let thief = KeyFingerprint::of(b"thief");
        assert_eq!(
            used.remembering(&serial("7f"), &thief).renewed(&serial("7f"), serial("0e"), String::new()),
            Err(NotRenewed)
        );
        let barred = first.bar("lost", NOW).next;
        assert_eq!(
            (good(&barred).len(), barred.renewed(&serial("0b"), serial("0c"), String::new())),
            (0, Err(NotRenewed))
        );
    }

    #[test]
    fn e08_a_bar_holds_until_it_is_lifted() {
        let barred = connected().bar(&"x".repeat(1_000), NOW).next;
        assert_eq!(barred.state, Standing::Barred { since: NOW, why: "x".repeat(LONGEST_REASON) });
        assert_eq!(barred.clone().let_return(NOW), Err(WrongStanding::Barred));
        assert_eq!(barred.clone().release(NOW), Err(WrongStanding::Barred));
        assert_eq!(barred.clone().bar("other", Timestamp(8)).next, barred);
        assert_eq!(barred.unbar(NOW).unwrap().next.state, Standing::MayReturn { since: NOW });
        assert_eq!(connected().unbar(NOW), Err(WrongStanding::NotBarred));
        let released = connected().release(NOW).unwrap().next;
        assert_eq!(released.clone().let_return(NOW), Err(WrongStanding::Released));
        assert_eq!(released.clone().release(Timestamp(8)).unwrap().next, released);
        assert!(matches!(released.bar("stolen", NOW).next.state, Standing::Barred { .. }));
    }
}
