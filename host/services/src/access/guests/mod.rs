//! Guests: user IDs that come from somewhere else, a file or a directory, and may register without an administrator.

mod directory;
mod file;

pub use directory::{Directory, DirectoryError};
pub use file::GuestFile;

use crate::error::ServiceError;
use hostler_core::UserName;

/// Who may register without an administrator.
#[derive(Debug, Default)]
pub enum SelfRegistration {
    /// Nobody.
    #[default]
    Off,
    /// Who is on the guest list.
    Guests(Box<Guests>),
    /// Whoever gets to the log-in page.
    Anyone,
}

/// The guest list: whoever is in one of its sources is on it.
#[derive(Debug, Default)]
pub struct Guests {
    /// A file, where there is one.
    pub file: Option<GuestFile>,
    /// A directory, where there is one.
    pub directory: Option<Directory>,
}

impl SelfRegistration {
    /// Whether somebody with this user ID may register.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when the guest list can't be asked; nobody may then.
    pub(super) async fn admits(&self, user: &UserName) -> Result<bool, ServiceError> {
        match self {
            Self::Off => Ok(false),
            Self::Anyone => Ok(true),
            Self::Guests(guests) => guests.has(user).await,
        }
    }
}

impl Guests {
    async fn has(&self, user: &UserName) -> Result<bool, ServiceError> {
        // A directory that is away doesn't keep those out whom the file has.
        let in_file = match &self.file {
            Some(file) => file.has(user).await,
            None => Ok(false),
        };
        match (in_file, &self.directory) {
            (Ok(true), _) => Ok(true),
            (in_file, None) => in_file,
            (in_file, Some(directory)) => {
                let found = directory.has(user).await.map_err(|error| {
                    tracing::error!(%error, directory = %directory.url, "the directory of guests can't be asked");
                    away()
                })?;
                if found { Ok(true) } else { in_file }
            }
        }
    }
}

/// What who wants to register is told; what is wrong is for the log.
fn away() -> ServiceError {
    let why = "the guest list can't be looked at now, so nobody new can register; tell whoever runs this manager if it stays so";
    ServiceError::Unavailable(why.to_owned())
}
