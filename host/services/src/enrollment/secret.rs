//! What PINs and keys follow from: a secret in a file of its own, beside the database and outside of its backups.
//!
//! A user looks at their PINs more than once, so they must be had again; but only digests are stored. Each follows from
//! this secret, its registration and its number. Whoever has the database alone has none of them.

use hmac::{Hmac, KeyInit, Mac};
use hostler_core::RegistrationId;
use hostler_core::enrollment::{EnrollmentKey, Pin};
use sha2::Sha256;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// The file's name in the data folder.
pub const FILE: &str = "enrollment.key";

pub(super) struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// The seed in a file, which is made where there is none. Blocks.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match std::fs::read(path).map(Zeroizing::new) {
            Ok(bytes) => {
                let damaged = || {
                    let why = "it doesn't have the 32 bytes that hostler wrote. Remove it; no backup has it. PINs that were \
                               given out stay good then, but can't be shown again";
                    io::Error::new(io::ErrorKind::InvalidData, why)
                };
                Ok(Self(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| damaged())?)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new([0; 32]);
                getrandom::fill(bytes.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
                let folder = path.parent().unwrap_or(Path::new("."));
                // Others can't read it: so are temporary files made.
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                io::Write::write_all(&mut file, bytes.as_slice())?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|error| error.error)?;
                std::fs::File::open(folder)?.sync_all()?;
                Ok(Self(bytes))
            }
            Err(error) => Err(error),
        }
    }

    /// The PIN with this number of a registration.
    pub(super) fn pin(&self, registration: &RegistrationId, index: u32, length: usize) -> Option<Pin> {
        Pin::from_bytes(self.derive("pin", registration, index)?.as_slice(), length).ok()
    }

    /// The key with this number.
    pub(super) fn key(&self, registration: &RegistrationId, index: u32) -> Option<EnrollmentKey> {
        self.derive("key", registration, index).map(|bytes| EnrollmentKey::from_bytes(*bytes))
    }

    fn derive(&self, what: &str, registration: &RegistrationId, index: u32) -> Option<Zeroizing<[u8; 32]>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).ok()?;
        // No registration's ID has a slash.
        mac.update(format!("{what}/{registration}/{index}").as_bytes());
        Some(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e04_the_same_pins_after_a_restart_and_others_for_each_registration_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let (one, two) = ("r-1".parse().unwrap(), "r-2".parse().unwrap());
        let seed = Seed::open(&path).unwrap();
        let pins = |seed: &Seed| [(&one, 0), (&one, 1), (&two, 0)].map(|(id, n)| seed.pin(id, n, 26).unwrap().digest());
        let first = pins(&seed);
        assert_eq!(pins(&Seed::open(&path).unwrap()), first);
        assert!(first[0] != first[1] && first[0] != first[2]);
        let other = Seed::open(&folder.path().join("other")).unwrap();
        assert_ne!(pins(&other), first);
        assert_ne!(seed.key(&one, 0).unwrap().id(), seed.key(&one, 1).unwrap().id());
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "short").unwrap();
        assert!(Seed::open(&path).err().unwrap().to_string().contains("Remove it; no backup has it"));
    }
}
