//! By which certificate a device is known, and what it showed.

use super::{Caller, event};
use hostler_core::certificate::Certificate;
use hostler_core::changes::Changes;
use hostler_core::device::Device;
use hostler_core::event::Event;
use hostler_core::message::Method;
use hostler_core::reading::Severity;
use hostler_core::{DeviceId, Fingerprint};
use hostler_store::StoreError;

impl Caller {
    /// Stores which certificate a device showed, where that is news. That it is another than the trusted one is told once
    /// for each question; who answers for it ends that.
    pub(super) async fn showed(&self, device: &DeviceId, shown: &Fingerprint) -> Result<(), StoreError> {
        let Some(known) = self.store.device(device)? else { return Ok(()) };
        let before = known.value.certificate.as_ref();
        let after = Certificate::after(before, shown.clone());
        if before == Some(&after) {
            return Ok(());
        }
        let mut changes = Changes::none();
        let asked = before.is_some_and(|before| before.shown.is_some());
        if let Some(other) = after.shown.as_ref().filter(|_| !asked) {
            let text = format!(
                "{} shows another certificate than the one that it is known by ({other}); nothing is sent to whoever shows it \
                 until somebody trusts it",
                known.value.title()
            );
            let severity = Severity::Critical;
            changes = self.happened(changes, Event { severity, ..event(device, "device.certificate-changed", text) });
        }
        let changes = self.tell_device(changes, known.version, Device { certificate: Some(after), ..known.value });
        match self.store.commit(changes).await {
            // It moved or went at this moment; whoever reads it next sees its certificate again.
            Err(StoreError::Conflict { .. }) => Ok(()),
            stored => stored,
        }
    }

    /// Answers the question by which certificate a device is known. Where nobody asks for this one any more, that is told.
    pub(crate) fn trust(
        &self,
        device: &DeviceId,
        certificate: &Fingerprint,
        more: Changes,
    ) -> Result<Changes, StoreError> {
        let Some(known) = self.store.device(device)? else {
            return Ok(self.tell(more, Method::DeviceReleased(device.clone())));
        };
        let title = known.value.title();
        let Some(after) = known.value.certificate.as_ref().and_then(|known| known.trusting(certificate)) else {
            let text =
                format!("{title} was to be known by the certificate {certificate}, which it doesn't show any more");
            return Ok(self.happened(more, event(device, "device.certificate-stays", text)));
        };
        let text = format!("{title} is known by this certificate from now on: {certificate}");
        let event = Event { severity: Severity::Info, ..event(device, "device.certificate-trusted", text) };
        let device = Device { certificate: Some(after), ..known.value };
        Ok(self.tell_device(self.happened(more, event), known.version, device))
    }
}
