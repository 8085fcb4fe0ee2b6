//! The manager's door, from outside: a node that isn't known yet asks to be let in.

use crate::client::{CallParentError, body, root};
use crate::trust::{Whom, explain, node_tls};
use crate::{CONNECT, client};
use hostler_core::enrollment::{Knock, NotLetIn, Refusal, Welcome};
use reqwest::{Client, StatusCode};
use rustls::time_provider::DefaultTimeProvider;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer that is read, in bytes: a token and a chain of three certificates.
const LONGEST_ANSWER: usize = 64 << 10;

/// Why a node wasn't let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The manager says no.
    #[error("{0}")]
    Refused(Refusal),
    /// No useful answer came; the same may be asked again. The text is for the log.
    #[error("{0}")]
    Later(String),
}

/// The way to a manager that doesn't know this node yet, or to a gateway that hands on to it. Both are known by the fingerprint
/// of the manager's root.
pub struct Door {
    client: Client,
    url: Url,
    /// What answers there, for people.
    who: &'static str,
}

impl Door {
    /// Prepares the way.
    ///
    /// # Errors
    /// [`CallParentError::Setup`].
    pub fn new(base: &Url, whom: impl Into<Whom>) -> Result<Self, CallParentError> {
        let setup = |why: &dyn std::fmt::Display| CallParentError::Setup(why.to_string());
        let whom = whom.into();
        let who = if whom.gateway.is_some() { "gateway" } else { "manager" };
        let tls = node_tls(whom, None, Arc::new(DefaultTimeProvider)).map_err(|error| setup(&error))?;
        let client = client::builder().tls_backend_preconfigured(tls).build().map_err(|error| setup(&error))?;
        Ok(Self { client, url: base.join(CONNECT).map_err(|error| setup(&error))?, who })
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn knock(&self, knock: &Knock) -> Result<Welcome, NotOpened> {
        let Self { url, who, .. } = self;
        let later = |error: reqwest::Error| {
            let why = explain(&error).unwrap_or_else(|| root(&error));
            NotOpened::Later(format!("the {who} at {url} can't be reached: {why}"))
        };
        let response = self.client.post(url.clone()).json(knock).timeout(PATIENCE).send().await.map_err(later)?;
        let status = response.status();
        let answer = body(response, LONGEST_ANSWER).await.map_err(later)?;
        let answer = answer.ok_or_else(|| NotOpened::Later(format!("the {who} at {url} answered too much")))?;
        let garbled = |error| NotOpened::Later(format!("the {who} at {url} answered {status}, and nonsense: {error}"));
        if status == StatusCode::OK {
            return serde_json::from_slice(&answer).map_err(garbled);
        }
        let said: NotLetIn = serde_json::from_slice(&answer).map_err(garbled)?;
        match said.refusal {
            Some(refusal) if status == StatusCode::FORBIDDEN => Err(NotOpened::Refused(refusal)),
            _ => Err(NotOpened::Later(format!("the {who} at {url} answered {status}: {}", said.error))),
        }
    }
}
