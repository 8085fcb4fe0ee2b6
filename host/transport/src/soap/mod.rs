//! SOAP 1.1 and 1.2, for devices in the field and programs that speak nothing else: a façade over the methods that nodes
//! and the API have anyway.
//!
//! A [`Service`] is described once, in code. Its WSDL follows from that, and so does how a call becomes the JSON that the
//! API or an exchange carries, and an answer XML again. What comes is read by [`read`], within [`Limits`] and without
//! anything of XML that SOAP forbids; every refusal is a [`Fault`]. The devices' service is served here (`device`), the
//! operators' by the web.

mod body;
mod describe;
pub(crate) mod device;
mod envelope;
mod fault;
mod http;
pub mod shapes;
mod write;
mod wsdl;
mod xml;

pub use describe::{Field, Form, Kind, Occurs, Operation, Service, Shape};
pub use device::SERVICE as DEVICE_SERVICE;
pub use envelope::{Announced, Call};
pub use fault::{Fault, Whose};
pub use http::{Asked, asked, done, failed};
pub use xml::{Element, Limits, Name, XmlError, read};

/// A version of SOAP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// SOAP 1.1 (W3C note of 8 May 2000).
    V11,
    /// SOAP 1.2 (W3C recommendation, second edition, of 27 April 2007).
    V12,
}

impl Version {
    /// Every version.
    pub const ALL: [Self; 2] = [Self::V11, Self::V12];

    /// The prefix that we write for its namespace.
    pub(crate) const PREFIX: &'static str = "soap";

    /// The namespace of its envelopes.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The type of its messages.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V11 => "SOAP 1.1",
            Self::V12 => "SOAP 1.2",
        }
    }
}
