//! Asking the manager to be let in, and for another certificate in time.

use super::member::{Member, Offered};
use crate::authority::{AuthorityError, Gate, ServerCertificate, Standing, Standings, server_tls, should_renew};
use hostler_core::enrollment::device::Event;
use hostler_core::enrollment::pin::Claim;
use hostler_core::enrollment::{ConnectionRequest, Credential, Knock, Papers, Renewal};
use hostler_core::{Fingerprint, Serial};
use hostler_engine::now;
use hostler_transport::{CallParentError, NotOpened, ParentClient};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::time_provider::DefaultTimeProvider;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks whether its certificate should be renewed. Often, because a clock may be set meanwhile, or the machine
/// have slept.
const LOOK: Duration = Duration::from_secs(60);
/// A renewal that failed is tried again after so long.
const AGAIN: Duration = Duration::from_secs(60);
/// One that the manager wants is asked for after so long: what it refuses once it may refuse again.
const SOON: Duration = Duration::from_secs(1);

/// How certificates stand at a gateway: it knows of none that it was withdrawn. Whoever shows one acts by a token as well,
/// which ends with it.
struct ByToken;

impl Standings for ByToken {
    fn stands(&self, _: &Serial) -> Standing {
        Standing::Good
    }
}

impl Member {
    /// Asks once, and says what came of it.
    pub(super) async fn ask(&self, attempt: u64) {
        let outcome = match self.knock(attempt) {
            Ok(Some(knock)) => self.door.knock(&knock).await,
            Ok(None) => Err(NotOpened::Later("the PIN or key isn't in memory any more".to_owned())),
            Err(error) => Err(NotOpened::Later(error.to_string())),
        };
        match outcome {
            Ok(welcome) => {
                self.note_trouble(attempt, None);
                let papers = Papers {
                    attempt,
                    token: hostler_core::Secret::new(welcome.token),
                    certificate: welcome.certificate,
                    issued_at: now(),
                    ends_at: welcome.certificate_ends_at,
                };
                let (manager, owner) = (welcome.manager, welcome.owner);
                self.happened(Event::Answered { attempt, manager, owner }, Some(papers)).await;
            }
            Err(NotOpened::Refused(why)) => {
                self.note_trouble(attempt, None);
                tracing::warn!(device = %self.settings.device, attempt, code = why.code(), %why, "the manager refused");
                self.happened(Event::Refused { attempt, why }, None).await;
            }
            Err(NotOpened::Later(why)) => {
                tracing::warn!(device = %self.settings.device, attempt, %why, "no answer of the manager");
                self.note_trouble(attempt, Some(format!("{}. It is asked again.", why.trim_end_matches('.'))));
                self.happened(Event::TimedOut { attempt }, None).await;
            }
        }
    }

    fn knock(&self, attempt: u64) -> Result<Option<Knock>, AuthorityError> {
        let certificate_request = self.certificate_request()?;
        let (device, node) = (self.settings.device.clone(), self.settings.node.clone());
        let (key, user) = (self.identity.fingerprint(), self.user());
        let connection = self.with_offered(|offered| {
            let attempt = Some(attempt);
            let proof = match offered {
                Offered::Pin(pin) => Credential::Pin(pin.clone()),
                Offered::Key(secret) => {
                    let claim = Claim { device: &device, node: &node, key: &key, attempt, user: user.as_ref() };
                    Credential::Key { id: secret.id(), mac: secret.proof(&claim) }
                }
            };
            ConnectionRequest { device, node, proof, user, key, attempt }
        });
        Ok(connection.map(|connection| Knock { connection, certificate_request }))
    }

    fn certificate_request(&self) -> Result<String, AuthorityError> {
        Ok(pem::encode(&pem::Pem::new("CERTIFICATE REQUEST", self.identity.request()?)))
    }

    /// The way to the manager by these papers.
    ///
    /// # Errors
    /// [`CallParentError::Setup`] where they don't fit this node's key.
    pub fn client(&self, papers: &Papers) -> Result<ParentClient, CallParentError> {
        let base = self.settings.manager.clone();
        ParentClient::enrolled(base, self.settings.whom(), papers, self.identity.private_key())
    }

    /// How this node speaks to those below it: by the certificate that it has of its manager. `None` while it has none. Blocks.
    ///
    /// # Errors
    /// What it has can't be used.
    pub fn tls_below(&self) -> Result<Option<(ServerConfig, Arc<Gate>)>, AuthorityError> {
        let Some(papers) = self.follow().borrow().papers.clone() else { return Ok(None) };
        let chain = CertificateDer::pem_slice_iter(papers.certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(AuthorityError::crypto)?;
        let root = chain.iter().find(|one| Fingerprint::of(one) == self.settings.fingerprint).cloned();
        let root = root.ok_or_else(|| AuthorityError::crypto("the manager's root isn't among what it sent"))?;
        let gate = Arc::new(Gate::new(root, Arc::new(ByToken))?);
        let certificate = ServerCertificate { chain, key: self.identity.private_key(), not_after: papers.ends_at };
        let config = server_tls(certificate, Arc::clone(&gate), Arc::new(DefaultTimeProvider))?;
        Ok(Some((config, gate)))
    }

    /// Renews the certificate in time, for ever.
    pub async fn renew_forever(&self) {
        let mut seen = self.follow();
        let mut wanted = false;
        loop {
            let papers = seen.borrow_and_update().papers.clone();
            let due = papers.filter(|papers| wanted || should_renew(papers.ends_at, papers.issued_at, now()));
            wanted = false;
            let wait = match due {
                None => LOOK,
                Some(papers) => match self.renew(papers).await {
                    Ok(()) => LOOK,
                    Err(why) => {
                        tracing::warn!(%why, "this node's certificate can't be renewed yet");
                        AGAIN
                    }
                },
            };
            tokio::select! {
                changed = seen.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
                // Its clock may say that there is time; the manager knows better.
                () = self.renew_now.notified() => {
                    wanted = true;
                    tokio::time::sleep(SOON).await;
                }
            }
        }
    }

    async fn renew(&self, papers: Papers) -> Result<(), String> {
        let renewal = Renewal { certificate_request: self.certificate_request().map_err(|error| error.to_string())? };
        let client = self.client(&papers).map_err(|error| error.to_string())?;
        match client.renew(&renewal).await {
            Ok(renewed) => {
                let (certificate, ends_at) = (renewed.certificate, renewed.certificate_ends_at);
                tracing::info!(%ends_at, "this node's certificate was renewed");
                let renewed = Papers { certificate, ends_at, issued_at: now(), ..papers };
                self.keep_renewed(renewed).await.map_err(|error| error.to_string())
            }
            Err(CallParentError::Ended { why, .. }) => {
                self.rejected(papers.attempt, &why).await;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The manager ended what this attempt got.
    pub(super) async fn rejected(&self, attempt: u64, why: &str) {
        tracing::warn!(device = %self.settings.device, %why, "the manager ended this device's connection");
        self.happened(Event::TokenRejected { attempt }, None).await;
    }
}
