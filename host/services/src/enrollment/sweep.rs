//! Registrations that ended long ago are forgotten, with their invitations. What a connected device came in by stays: it
//! shows whose the device is and by what.

use super::Enrollment;
use crate::error::ServiceError;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::Invitation;
use hostler_core::{RegistrationId, Timestamp};
use hostler_store::{StoreError, Versioned};
use std::collections::HashMap;

impl Enrollment {
    /// Forgets what ended longer ago than it is kept. Returns how many registrations that was.
    ///
    /// # Errors
    /// The store's; what was forgotten before stays so.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, ServiceError> {
        let old = self.store.registrations()?.into_iter();
        let old: Vec<_> = old.filter(|row| row.value.expires_at.plus(self.rules.keep) < now).collect();
        if old.is_empty() {
            return Ok(0);
        }
        let mut invitations: HashMap<RegistrationId, Vec<Versioned<Invitation>>> = HashMap::new();
        for row in self.store.all_invitations()? {
            invitations.entry(row.value.registration.clone()).or_default().push(row);
        }
        let mut swept = 0;
        for row in old {
            let own = invitations.remove(&row.value.id).unwrap_or_default();
            if own.iter().any(|invitation| self.is_remembered(&invitation.value)) {
                continue;
            }
            let gone = own.into_iter().map(|row| {
                let (digest, expect) = (row.value.digest, Expect::Version(row.version));
                Change::Invitation { digest, expect, value: None }
            });
            let (id, expect) = (row.value.id, Expect::Version(row.version));
            let changes: Changes = gone.chain([Change::Registration { id, expect, value: None }]).collect();
            match self.store.commit(changes).await {
                Ok(()) => swept += 1,
                // It is old enough to wait for the next time.
                Err(StoreError::Conflict { what }) => {
                    tracing::debug!(%what, "an old registration is looked at again the next time")
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(swept)
    }

    /// Whether a connected device came in by this, and may ask by it again.
    fn is_remembered(&self, invitation: &Invitation) -> bool {
        self.roll.came_by(&invitation.digest).iter().any(|row| row.living().is_some())
    }
}
