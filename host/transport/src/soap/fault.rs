//! Faults: why a call wasn't done, for people and for programs, in both versions of SOAP.

use super::Version;
use super::xml::{Element, Name, XmlError};

/// The namespace of our codes, in a fault's detail.
pub(super) const FAULTS: &str = "urn:hostler:fault:1";

/// So many headers that aren't understood are named.
const NAMED: usize = 10;

/// Whose fault it is (SOAP 1.1 §4.4.1, SOAP 1.2 part 1 §5.4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The caller's: the same again brings the same. `Client` in SOAP 1.1.
    Sender,
    /// Ours, or the time's: the same again may bring more. `Server` in SOAP 1.1.
    Receiver,
    /// A header has to be understood, and isn't.
    MustUnderstand,
    /// It is no envelope of a version that is spoken here.
    VersionMismatch,
}

/// A fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Whose.
    pub whose: Whose,
    /// A word for programs, such as `not-found`.
    pub code: &'static str,
    /// What happened, and why.
    pub reason: String,
    /// What to do about it.
    pub what_to_do: Option<String>,
    /// The headers that aren't understood.
    pub not_understood: Vec<Name>,
    /// The status of the answer, where it isn't the one that SOAP names.
    pub status: Option<u16>,
}

impl Fault {
    fn new(whose: Whose, code: &'static str, reason: impl Into<String>) -> Self {
        Self { whose, code, reason: reason.into(), what_to_do: None, not_understood: Vec::new(), status: None }
    }

    /// The caller's.
    #[must_use]
    pub fn sender(code: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Whose::Sender, code, reason)
    }

    /// Ours.
    #[must_use]
    pub fn receiver(code: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Whose::Receiver, code, reason)
    }

    /// Another version, or none.
    #[must_use]
    pub fn version(reason: impl Into<String>) -> Self {
        Self::new(Whose::VersionMismatch, "version", reason)
    }

    /// Headers that have to be understood, and aren't.
    #[must_use]
    pub fn headers(not_understood: Vec<Name>) -> Self {
        let not_understood: Vec<Name> = not_understood.into_iter().take(NAMED).collect();
        let names: Vec<String> =
            not_understood.iter().map(|name| format!("{} of {}", name.local, name.namespace)).collect();
        let reason = format!("this service doesn't understand the header {}, and must", names.join(", "));
        let fault = Self::new(Whose::MustUnderstand, "header", reason);
        Self { not_understood, ..fault.advising("Send it without mustUnderstand, or leave it out.") }
    }

    /// With what to do about it.
    #[must_use]
    pub fn advising(self, what_to_do: impl Into<String>) -> Self {
        Self { what_to_do: Some(what_to_do.into()), ..self }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The status of the answer (SOAP 1.1 §6.2, SOAP 1.2 part 2 §7.5.2.2).
    pub(super) fn http_status(&self, version: Version) -> u16 {
        let usual = match (version, self.whose) {
            (Version::V12, Whose::Sender) => 400,
            _ => 500,
        };
        self.status.unwrap_or(usual)
    }

    /// What stands in the body of the answer.
    pub(super) fn element(&self, version: Version) -> Element {
        let ns = version.namespace();
        let part = |local| Element::of(FAULTS, local);
        let what_to_do = self.what_to_do.iter().map(|text| part("what_to_do").saying(text));
        let problem = part("problem").with(part("code").saying(self.code)).with_all(what_to_do);
        let code = |local: &str| format!("{}:{local}", Version::PREFIX);
        match version {
            Version::V11 => {
                let local = match self.whose {
                    Whose::Sender => "Client",
                    Whose::Receiver => "Server",
                    Whose::MustUnderstand => "MustUnderstand",
                    Whose::VersionMismatch => "VersionMismatch",
                };
                // In SOAP 1.1 these are in no namespace.
                let fault = Element::of(ns, "Fault").with(Element::of("", "faultcode").saying(code(local)));
                fault
                    .with(Element::of("", "faultstring").saying(&self.reason))
                    .with(Element::of("", "detail").with(problem))
            }
            Version::V12 => {
                let local = match self.whose {
                    Whose::Sender => "Sender",
                    Whose::Receiver => "Receiver",
                    Whose::MustUnderstand => "MustUnderstand",
                    Whose::VersionMismatch => "VersionMismatch",
                };
                let text = Element::of(ns, "Text").in_english().saying(&self.reason);
                Element::of(ns, "Fault")
                    .with(Element::of(ns, "Code").with(Element::of(ns, "Value").saying(code(local))))
                    .with(Element::of(ns, "Reason").with(text))
                    .with(Element::of(ns, "Detail").with(problem))
            }
        }
    }
}

impl From<XmlError> for Fault {
    fn from(error: XmlError) -> Self {
        let reason = error.to_string();
        match error {
            XmlError::TooLong(_) => Self::sender("too-large", reason).with_status(413),
            XmlError::TooDeep(_) | XmlError::TooMany(_) | XmlError::TooManyAttributes(_) | XmlError::LongName => {
                Self::sender("too-large", reason)
            }
            XmlError::Encoding => Self::sender("encoding", reason),
            _ => Self::sender("xml", reason),
        }
    }
}
