//! The authority, its files, and real handshakes.

mod files;
mod handshakes;
mod issuing;

use super::*;
use hostler_core::{Fingerprint, KeyFingerprint, NodeId, Serial, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);
const START: Timestamp = Timestamp(1_790_000_000_000);

fn days(days: u32) -> Timestamp {
    START.plus(DAY * days)
}

fn names() -> Names {
    Names { manager: id("manager"), organisation: Some("Example".to_owned()) }
}

fn id(text: &str) -> NodeId {
    text.parse().unwrap()
}

/// A folder for an authority that isn't there yet.
fn place() -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("authority");
    (above, folder)
}

fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
struct At(Arc<AtomicU64>);

impl At {
    fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.0)))
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.now().0)))
    }
}

/// What a manager remembers of certificates.
#[derive(Default)]
struct Roll(Mutex<BTreeMap<Serial, Standing>>);

impl Roll {
    fn set(&self, serial: &Serial, standing: Standing) {
        self.0.lock().unwrap().insert(serial.clone(), standing);
    }
}

impl Standings for Roll {
    fn stands(&self, serial: &Serial) -> Standing {
        self.0.lock().unwrap().get(serial).copied().unwrap_or(Standing::Unknown)
    }
}
