//! Users who register themselves, where that is allowed: nobody then has to add them.

use super::{Access, password};
use crate::error::ServiceError;
use hostler_core::access::User;
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_core::viewer::Right;
use hostler_core::{Secret, UserName};
use hostler_engine::now;
use hostler_store::{StoreError, Versioned};
use std::net::IpAddr;

use super::guests::SelfRegistration;

/// What became of a log-in.
pub enum Entered {
    /// It gave this session.
    In(Secret),
    /// Nobody has this user ID, and whoever typed it may register with it.
    MayRegister(UserName),
}

impl Access {
    /// Whether there is anybody who may register without an administrator.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.open_to, SelfRegistration::Off)
    }

    /// Logs in, or says that whoever tries is new here and may register.
    ///
    /// # Errors
    /// As [`Access::log_in`]. Where the guest list can't be looked at that is said to whoever fails to log in, known or not.
    pub async fn enter(&self, user: &str, password: Secret, from: IpAddr) -> Result<Entered, ServiceError> {
        let refused = match self.log_in(user, password, from).await {
            Ok(session) => return Ok(Entered::In(session)),
            Err(refused @ ServiceError::Forbidden(_)) if self.is_open() => refused,
            Err(other) => return Err(other),
        };
        let Ok(name) = user.parse::<UserName>() else { return Err(refused) };
        // Asked for those who have registered too: how long it takes shall not tell who has.
        match self.open_to.admits(&name).await {
            Ok(true) if self.alike(&name)?.is_none() => Ok(Entered::MayRegister(name)),
            Ok(_) => Err(refused),
            Err(ServiceError::Unavailable(why)) => Err(ServiceError::Unavailable(format!(
                "the user ID or the password is wrong, or you are new here: {why}"
            ))),
            Err(other) => Err(other),
        }
    }

    /// Registers somebody new, with the right to their own devices, and logs them in. Returns the session's token.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for who may not, [`ServiceError::Invalid`] for what can't be a user ID or a password,
    /// [`ServiceError::Conflict`] for a user ID that somebody has, or had and left something with, [`ServiceError::TooMany`] after many from one source.
    pub async fn register(&self, user: &str, password: Secret, from: IpAddr) -> Result<Secret, ServiceError> {
        if !self.is_open() {
            let why = "nobody registers themselves here";
            return Err(ServiceError::Forbidden(why.to_owned()));
        }
        let name: UserName = user.parse().map_err(|why| ServiceError::Invalid(format!("{why}")))?;
        password::check(&password)?;
        // It counts for good: who registers one after the other is slowed, whatever comes of each.
        let _counts = self.registering.admit(name.as_str(), from, now()).map_err(|error| match error {
            ServiceError::TooMany { retry_after, .. } => {
                let text = "too many registrations came from this address, or for this user ID".to_owned();
                ServiceError::TooMany { text, retry_after }
            }
            other => other,
        })?;
        if !self.open_to.admits(&name).await? {
            let why = format!("the user ID {name} isn't on the guest list; check how it is written there");
            return Err(ServiceError::Forbidden(why));
        }
        let hash = password::hash(password).await?;
        let _changing = self.changing.lock().await;
        if let Some(known) = self.alike(&name)? {
            let why = format!("there is a user {} already; log in, or choose another user ID", known.value.name);
            return Err(ServiceError::Conflict(why));
        }
        if self.left_something(&name)? {
            return Err(ServiceError::Conflict(format!(
                "{name} was somebody's user ID, and what was theirs is kept under it; choose another, or ask an \
                 administrator, who can give it again"
            )));
        }
        let user = User { name: name.clone(), password_hash: hash, right: Right::Own };
        let text = format!("{name} registered as a user, from {from}");
        let event = Event {
            at: now(),
            node: None,
            device: None,
            name: "user.registered".to_owned(),
            severity: Severity::Info,
            text,
        };
        let change = Change::User { name, expect: Expect::Absent, value: Some(user.clone()) };
        self.store.commit(Changes::from(change).and(Change::Happened(event))).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ServiceError::Conflict("somebody else just took this user ID".to_owned()),
            other => other.into(),
        })?;
        self.begin_session(user, from).await
    }

    /// Who has this user ID, or one that differs in capital and small letters only: nobody shall pass for another.
    fn alike(&self, name: &UserName) -> Result<Option<Versioned<User>>, ServiceError> {
        if let Some(same) = self.store.user(name)? {
            return Ok(Some(same));
        }
        let mut users = self.store.users()?.into_iter();
        Ok(users.find(|user| user.value.name.as_str().eq_ignore_ascii_case(name.as_str())))
    }

    /// Whether something belongs to this user ID, or to one that differs in capital and small letters only, although nobody
    /// has it: who registered with it would see, bar and release the devices of whoever was removed.
    fn left_something(&self, name: &UserName) -> Result<bool, ServiceError> {
        let theirs = |owner: &UserName| owner.as_str().eq_ignore_ascii_case(name.as_str());
        Ok(self.store.all_enrolled()?.iter().any(|row| theirs(&row.value.owner))
            || self.store.placements()?.values().any(|row| row.value.owner.as_ref().is_some_and(theirs))
            || self.store.registrations()?.iter().any(|row| theirs(&row.value.user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NewUser;
    use hostler_core::DeviceId;
    use hostler_core::access::TokenDigest;
    use hostler_core::device::Placement;
    use hostler_core::enrollment::{
        AnyNumber, Enrolled, Issued, Means, Mode, PinDigest, Registration, Standing, Terms,
    };
    use hostler_store::RedbStore;
    use std::sync::Arc;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn password() -> Secret {
        Secret::new("correct horse battery".to_owned())
    }

    /// What a user who was removed may have left: a device that came in, one that was placed, a registration.
    fn left(by: &str) -> [Change; 3] {
        let (device, owner): (DeviceId, UserName) = ("SN-1".parse().unwrap(), by.parse().unwrap());
        let enrolled = Enrolled {
            device: device.clone(),
            node: "mfp-1".parse().unwrap(),
            owner: owner.clone(),
            key: "b".repeat(64).parse().unwrap(),
            invitation: serde_json::from_str::<PinDigest>(&format!("\"{}\"", "a".repeat(64))).unwrap(),
            attempt: 1,
            issued: Issued { token: TokenDigest::of("t"), serial: "0a".parse().unwrap(), public_key: None },
            former: None,
            at: now(),
            state: Standing::Connected,
            through: None,
        };
        let terms = Terms { mode: Mode::Shared { places: 2 }, means: Means::Pin, pin_length: 26 };
        let who = ("r-0123456789abcdef".parse().unwrap(), owner.clone());
        let registration = Registration::new(who, Vec::new(), terms, AnyNumber::Refused, (now(), now())).unwrap();
        let value = Placement { owner: Some(owner), ..Placement::default() };
        [
            Change::Placement { id: device.clone(), expect: Expect::Absent, value },
            Change::Enrolled { device, expect: Expect::Absent, value: Some(Box::new(enrolled)) },
            Change::Registration {
                id: registration.id.clone(),
                expect: Expect::Absent,
                value: Some(Box::new(registration)),
            },
        ]
    }

    #[tokio::test]
    async fn e14_nobody_registers_with_a_name_that_devices_belong_to() {
        for change in left("Ann@example.com") {
            let store = Arc::new(RedbStore::in_memory().unwrap());
            let access = Access::open_to(store.clone(), ["root".parse().unwrap()], SelfRegistration::Anyone);
            access.first_user("admin".parse().unwrap()).await.unwrap();
            hostler_store::Store::commit(&*store, change.clone().into()).await.unwrap();
            for name in ["Ann@example.com", "ann@example.com"] {
                let refused = access.register(name, password(), HOME).await.unwrap_err();
                let said = matches!(&refused, ServiceError::Conflict(why) if why.contains("ask an administrator"));
                assert!(said, "{name}: {refused}, with {change:?}");
            }
            access.register("bob@example.com", password(), HOME).await.unwrap();
            let (local, _) = access.local_token(None).await.unwrap();
            let again = NewUser { name: "Ann@example.com".parse().unwrap(), password: password(), right: Right::Own };
            access.add_user(&access.person(local.expose()).unwrap(), again).await.unwrap();
        }
    }
}
