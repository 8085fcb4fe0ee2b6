//! Renewals: who gets another certificate, and what becomes of those before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on shall stop")]

use super::tests::{Office, Thing, viewer};
use super::*;
use crate::authority::{Identity, Standing, Standings};
use hostler_core::enrollment::{Peer, Renewal, Renewed};
use hostler_core::viewer::Right;
use hostler_core::{Serial, Timestamp};
use hostler_transport::{Refused, Shown};

const DAY: Duration = Duration::from_secs(86_400);

/// A device that came in 61 days ago, by what its certificate says.
struct Member {
    office: Office,
    thing: Thing,
}

impl Member {
    async fn new() -> Self {
        let office = Office::new(Rules::default()).with_users().await;
        let thing = Thing::new("A1", office.pin().await);
        let _ = office.knock(&thing).await.unwrap();
        Self { office, thing }
    }

    /// The serial number that it got last.
    fn serial(&self) -> Serial {
        self.office.store.enrolled(&"A1".parse().unwrap()).unwrap().unwrap().value.issued.serial
    }

    /// What a connection shows that has this certificate, which is so old.
    fn shown(&self, serial: &Serial, age: Duration) -> Shown {
        let not_before = Timestamp(now().0 - u64::try_from(age.as_millis()).unwrap());
        let (node, key) = ("mfp-a1".parse().unwrap(), self.thing.identity.fingerprint());
        let not_after = not_before.plus(crate::authority::LIFETIME);
        Shown::Certificate(Peer { node, serial: serial.clone(), key, not_before, not_after })
    }

    /// Asks as this child, showing this, for a certificate for this key.
    async fn ask(&self, child: &str, shown: &Shown, identity: &Identity) -> Result<Renewed, Refused> {
        let request = pem::Pem::new("CERTIFICATE REQUEST", identity.request().unwrap());
        let renewal = Renewal { certificate_request: pem::encode(&request) };
        self.office.enrollment.renew(&child.parse().unwrap(), shown, &renewal).await
    }

    async fn renew(&self, shown: &Shown) -> Result<Renewed, Refused> {
        self.ask("mfp-a1", shown, &self.thing.identity).await
    }

    fn stands(&self, serial: &Serial) -> Standing {
        self.office.enrollment.roll.stands(serial)
    }
}

fn why(outcome: Result<Renewed, Refused>) -> String {
    match outcome {
        Err(Refused::Forbidden(why)) => format!("forbidden: {why}"),
        Err(Refused::Invalid(why)) => format!("invalid: {why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn e08_a_certificate_is_renewed_when_it_is_due_and_a_lost_answer_is_asked_for_again() {
    let member = Member::new().await;
    let first = member.serial();
    let fresh = member.shown(&first, DAY);
    assert!(why(member.renew(&fresh).await).contains("good for a while yet"));
    assert_eq!(member.serial(), first);

    let old = member.shown(&first, 61 * DAY);
    let _ = member.renew(&old).await.unwrap();
    let second = member.serial();
    assert!(second != first && [&first, &second].map(|one| member.stands(one)) == [Standing::Good; 2]);
    // The answer was lost: it still has the first, and asks with that.
    let _ = member.renew(&old).await.unwrap();
    let third = member.serial();
    assert_eq!([&first, &third].map(|one| member.stands(one)), [Standing::Good; 2]);
    assert_ne!(member.stands(&second), Standing::Good, "whoever caught that answer has nothing");
    // It has the third: the first ends with the next renewal.
    let _ = member.renew(&member.shown(&third, 61 * DAY)).await.unwrap();
    assert_ne!(member.stands(&first), Standing::Good);
    // After its end it may be renewed as well.
    let _ = member.renew(&member.shown(&member.serial(), 100 * DAY)).await.unwrap();
}

#[tokio::test]
async fn e08_nobody_renews_what_isn_t_theirs() {
    let member = Member::new().await;
    let first = member.serial();
    let due = member.shown(&first, 61 * DAY);
    let other = Identity::make().unwrap();
    assert!(why(member.ask("mfp-a1", &due, &other).await).contains("another key"));
    // The token of another node, beside this certificate.
    let said = why(member.ask("mfp-b2", &due, &member.thing.identity).await);
    assert!(said.starts_with("forbidden") && said.contains("shows its own"), "{said}");
    for shown in [Shown::NoCertificate, Shown::NotAsked] {
        assert!(why(member.renew(&shown).await).contains("over a connection that shows it"));
    }
    let Shown::Certificate(peer) = member.shown(&"0badc0de".parse().unwrap(), 61 * DAY) else { panic!() };
    let anothers = Shown::Certificate(Peer { key: other.fingerprint(), ..peer });
    assert!(why(member.renew(&anothers).await).starts_with("forbidden"));
    let garbage = Renewal { certificate_request: "none".to_owned() };
    let outcome = member.office.enrollment.renew(&"mfp-a1".parse().unwrap(), &due, &garbage).await;
    assert!(why(outcome).contains("isn't PEM"));
    assert_eq!(member.serial(), first, "nothing came of it");
}

#[tokio::test]
async fn e08_what_a_store_that_was_put_back_forgot_is_renewed_for_the_key_that_it_knows() {
    let member = Member::new().await;
    let since = member.shown(&"0badc0de".parse().unwrap(), DAY);
    let child = "mfp-a1".parse().unwrap();
    assert!(member.office.enrollment.admits(&child, &since).is_err(), "it acts by nothing that isn't remembered");
    let _ = member.renew(&since).await.unwrap();
    assert!(member.office.enrollment.admits(&child, &member.shown(&member.serial(), DAY)).is_ok());
}

#[tokio::test]
async fn e08_who_was_barred_meanwhile_renews_nothing() {
    let member = Member::new().await;
    let (first, admin) = (member.serial(), viewer("admin", Right::Administer));
    let due = member.shown(&first, 61 * DAY);
    let device = "A1".parse().unwrap();
    member.office.enrollment.bar(&admin, &device, "stolen").await.unwrap();
    assert!(why(member.renew(&due).await).contains("revoked"));
    member.office.enrollment.unbar(&admin, &device).await.unwrap();
    assert!(why(member.renew(&due).await).contains("revoked"), "it comes in anew first");
    assert_eq!(member.serial(), first);
}
