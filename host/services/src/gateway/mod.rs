//! A gateway's own network: what is discovered in it, adopted from it, and read in it.

mod calls;
mod discovery;
mod intervals;
mod keyring;
mod reader;

pub use calls::{CallFailed, Caller, Told, Undone};
pub use discovery::{Discovery, Network, Rule};
pub use intervals::Pace;
pub(crate) use keyring::parse as parse_credential;
pub use keyring::{Keyring, KeyringError};
pub use reader::Reader;

use crate::error::ServiceError;
use crate::inventory::Inventory;
use hostler_core::adoption::Origin;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::{Severity, Snapshot};
use hostler_core::upkeep::Standing;
use hostler_core::{DeviceId, NodeId};
use hostler_engine::{Adopter, now};
use hostler_store::Store;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// A gateway's own network.
pub struct Gateway {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: NodeId,
    pub(crate) parent: Option<NodeId>,
    pub(crate) adopter: Arc<Adopter>,
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) inventory: Arc<Inventory>,
    keyring: OnceLock<Arc<Keyring>>,
}

impl Gateway {
    /// Puts a gateway together.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        (node, parent): (NodeId, Option<NodeId>),
        adopter: Arc<Adopter>,
        discovery: Arc<Discovery>,
        reader: Arc<Reader>,
        inventory: Arc<Inventory>,
    ) -> Arc<Self> {
        let keyring = OnceLock::new();
        Arc::new(Self { store, node, parent, adopter, discovery, reader, inventory, keyring })
    }

    /// What the manager gives is kept here from now on.
    pub fn keep_with(&self, keyring: Arc<Keyring>) {
        let _ = self.keyring.set(keyring);
    }

    pub(crate) fn keyring(&self) -> Option<&Arc<Keyring>> {
        self.keyring.get()
    }

    /// Whether something is being adopted at this address.
    #[must_use]
    pub fn is_adopting(&self, address: &IpAddr) -> bool {
        self.adopter.is_adopting(address)
    }

    /// Takes an order, from here or from above; `more` says in the same commit that it was taken.
    ///
    /// # Errors
    /// The store's; the order counts as not taken then.
    pub async fn take(&self, order: Method, more: Changes) -> Result<(), ServiceError> {
        match order {
            Method::Adopt { address, plugin } => {
                let candidates = self.store.candidates()?;
                let candidate = candidates.into_iter().find(|(of, c)| *of == self.node && c.reach.address == address);
                match candidate {
                    Some((_, candidate)) => {
                        Ok(self.adopter.begin(candidate.reach, plugin, Origin::Person, more).await?)
                    }
                    None => {
                        let why = "nothing was discovered there, or it was adopted meanwhile".to_owned();
                        Ok(self.store.commit(self.tell(more, Method::AdoptionEnded { address, why })).await?)
                    }
                }
            }
            Method::Release(id) => self.release(&id, more).await,
            // Who orders that knows a device that isn't here, as after one of the two stores was put back.
            Method::ReadNow(id) if self.store.device(&id)?.is_none() => {
                Ok(self.store.commit(self.tell(more, Method::DeviceReleased(id))).await?)
            }
            Method::ReadNow(id) => {
                self.store.commit(more).await?;
                self.reader.read_now(&id, &self.inventory);
                Ok(())
            }
            Method::Trust { device, certificate } => {
                self.store.commit(self.reader.caller().trust(&device, &certificate, more)?).await?;
                self.reader.read_now(&device, &self.inventory);
                Ok(())
            }
            Method::DiscoverNow => {
                self.store.commit(more).await?;
                self.discovery.now();
                Ok(())
            }
            other => {
                tracing::warn!(?other, "an order that only goes upwards came down; it was set aside");
                Ok(self.store.commit(more).await?)
            }
        }
    }

    /// How often it asks.
    pub(crate) fn pace(&self) -> &Pace {
        self.reader.pace()
    }

    /// What calls plug-ins for this gateway's devices.
    pub(crate) fn caller(&self) -> &Caller {
        self.reader.caller()
    }

    /// Reads a device of this gateway at once, beside its schedule, and keeps what that brought. `None` where it isn't one.
    pub(crate) async fn read(&self, id: &DeviceId) -> Option<Snapshot> {
        self.reader.read_for(id, &self.inventory).await
    }

    async fn release(&self, id: &DeviceId, more: Changes) -> Result<(), ServiceError> {
        let Some(device) = self.store.device(id)? else {
            return Ok(self.store.commit(self.tell(more, Method::DeviceReleased(id.clone()))).await?);
        };
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "device.released".to_owned(),
            severity: Severity::Info,
            text: format!("{} ({id}) was let go", device.value.title()),
        };
        let changes = more
            .and(Change::Device { id: id.clone(), expect: Expect::Version(device.version), value: None })
            .and(Change::Standing { what: Standing::ReadDeviceEvery(id.clone()), value: None })
            .and(Change::Released { id: id.clone(), expect: Expect::Anything, value: Some(event.at) })
            .and(Change::Happened(event.clone()));
        let changes = self.tell(self.tell(changes, Method::DeviceReleased(id.clone())), Method::EventHappened(event));
        Ok(self.store.commit(changes).await?)
    }

    fn tell(&self, changes: Changes, method: Method) -> Changes {
        changes.telling(self.parent.as_ref(), method)
    }

    /// Runs what a gateway does by itself, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(
            Arc::clone(&self.discovery).run(Arc::clone(&self.adopter)),
            Arc::clone(&self.reader).run(Arc::clone(&self.inventory)),
        );
    }
}
