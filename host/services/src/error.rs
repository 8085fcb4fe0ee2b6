//! What a service answers when it can't.

use hostler_store::StoreError;
use std::time::Duration;

/// Why a service didn't do what it was asked for. The text is for people: what happened, why, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There is no such thing, or not for whoever asks.
    #[error("{0}")]
    NotFound(String),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// It doesn't fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// It can't be.
    #[error("{0}")]
    Invalid(String),
    /// Too often.
    #[error("{text}")]
    TooMany {
        /// For people.
        text: String,
        /// When to come again.
        retry_after: Duration,
    },
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
    /// Something broke here.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Conflict(error.to_string()),
            StoreError::OutboxFull { .. } => Self::Unavailable(error.to_string()),
            StoreError::InUse { .. }
            | StoreError::TooNew { .. }
            | StoreError::Storage(_)
            | StoreError::Garbled { .. }
            | StoreError::Closed
            | StoreError::Damaged { .. } => {
                tracing::error!(%error, "the store failed");
                Self::Internal(error.to_string())
            }
        }
    }
}
