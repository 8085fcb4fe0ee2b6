//! `[enrollment]`: how devices come in, at the manager.

use super::{Config, Duration, GuestsConfig, Role, WhoRegisters, Wrong, at};
use hostler_core::NodeId;
use hostler_core::enrollment::addresses::Loopback;
use hostler_core::enrollment::{AnyNumber, RETRY_FOR};
use hostler_services::{NodesCall, Rules};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use toml::Spanned;

/// The longest name of an organisation: a certificate's name has 64 characters, and some words of ours.
const LONGEST_ORGANISATION: usize = 40;

/// How devices come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EnrollmentConfig {
    /// The organisation, by which the certificate authority is called.
    pub organisation: Option<Spanned<String>>,
    /// Whether there may be PINs for any number of devices.
    pub any_number: bool,
    /// Whether addresses of this machine itself are devices: for demos.
    pub loopback: bool,
    /// The port under which devices take a PIN.
    pub device_port: NonZeroU16,
    /// The longest that a PIN may live, at least an hour.
    pub longest: Spanned<Duration>,
    /// Where nodes that came in call, and show their certificates. Where it isn't there, their token is all that they show.
    pub listen: Option<Spanned<SocketAddr>>,
    /// The names and addresses under which they reach that; where it isn't there, the address that is listened on.
    pub names: Vec<Spanned<String>>,
    /// The nodes that may hand on what users ask, beside the manager's own pages.
    pub registrars: Vec<Spanned<NodeId>>,
    /// How long registrations that ended are kept for those who look, at least a day.
    pub keep: Spanned<Duration>,
    /// Who may register as a user without an administrator.
    pub self_registration: Spanned<WhoRegisters>,
    /// Where the guest list is.
    pub guests: GuestsConfig,
}

impl Default for EnrollmentConfig {
    fn default() -> Self {
        let length = |length| Spanned::new(0..0, Duration(length));
        let (longest, keep) = (length(Rules::default().longest), length(Rules::default().keep));
        let device_port = NonZeroU16::new(Rules::default().port).unwrap_or(NonZeroU16::MIN);
        let (listen, names, registrars, guests) = Default::default();
        let self_registration = Spanned::new(0..0, WhoRegisters::Off);
        Self {
            organisation: None,
            any_number: false,
            loopback: false,
            device_port,
            longest,
            keep,
            listen,
            names,
            registrars,
            self_registration,
            guests,
        }
    }
}

impl EnrollmentConfig {
    /// What an installation allows.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            any: if self.any_number { AnyNumber::Allowed } else { AnyNumber::Refused },
            loopback: if self.loopback { Loopback::Allowed } else { Loopback::Refused },
            port: self.device_port.get(),
            longest: self.longest.get_ref().0,
            nodes: if self.listen.is_some() { NodesCall::ByCertificate } else { NodesCall::ByToken },
            keep: self.keep.get_ref().0,
        }
    }

    /// The names in the certificate that nodes see.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let listened = self.listen.as_ref().map(|listen| listen.get_ref().ip().to_string());
        let named = self.names.iter().map(|name| name.get_ref().clone());
        if self.names.is_empty() { listened.into_iter().collect() } else { named.collect() }
    }
}

impl Config {
    pub(super) fn check_enrollment(&self, enrollment: &Spanned<EnrollmentConfig>) -> Result<(), Wrong> {
        if !self.has(Role::Manager) {
            let why = "devices come in at the manager only; add \"manager\" to `roles` or take away [enrollment]";
            return Err(at(enrollment, why));
        }
        enrollment.get_ref().check_guests()?;
        let EnrollmentConfig { organisation, longest, keep, listen, names, registrars, .. } = enrollment.get_ref();
        self.check_registrars(registrars)?;
        if let Some(listen) =
            listen.as_ref().filter(|listen| names.is_empty() && listen.get_ref().ip().is_unspecified())
        {
            let why =
                "nodes can't know this address; add `names`, such as [\"hostler.example\"], under which they reach it";
            return Err(at(listen, why));
        }
        if longest.get_ref().0 < std::time::Duration::from_secs(3_600) {
            return Err(at(longest, "`longest` is at least 1h: PINs live whole hours"));
        }
        if keep.get_ref().0 < RETRY_FOR {
            return Err(at(keep, "`keep` is at least 24h: so long a device may ask again for a lost answer"));
        }
        if let Some(name) = organisation {
            let (text, length) = (name.get_ref(), name.get_ref().chars().count());
            let plain = !text.chars().any(char::is_control) && text.trim() == text;
            if !plain || !(1..=LONGEST_ORGANISATION).contains(&length) {
                let why = format!(
                    "`organisation` is 1 to {LONGEST_ORGANISATION} characters, without spaces around them or line ends: \
                     certificates are called by it"
                );
                return Err(at(name, why));
            }
        }
        Ok(())
    }
}
