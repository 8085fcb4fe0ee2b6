//! A guest list in a directory (LDAP): whoever a search finds is on it.

use hostler_core::UserName;
use ldap3::{LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// How long a question may take altogether.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long each of its steps may.
const STEP: Duration = Duration::from_secs(5);
/// So many questions are asked at a time; further ones wait.
const AT_A_TIME: usize = 8;
/// Entries that are asked for at most: one is enough.
const ENTRIES: i32 = 2;
/// What stands for the user ID in a filter.
const USER: &str = "{user}";
/// More than this was found, which is enough as well (RFC 4511 §4.1.9).
const SIZE_LIMIT_EXCEEDED: u32 = 4;

/// A directory that knows the guests.
#[derive(Debug)]
pub struct Directory {
    /// Where it is: `ldap://` or `ldaps://`, a host, and a port where it isn't the usual one.
    pub url: Url,
    base: String,
    filter: String,
    bind: Option<(String, PathBuf)>,
    /// A PEM file with the authority of its certificate; else the system's.
    certificate: Option<PathBuf>,
    places: Semaphore,
}

/// Why a directory can't be used, or can't be asked now.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A scheme that isn't LDAP's.
    #[error("{0:?} is no way to a directory; write ldaps://directory.example, or ldap:// with its host")]
    Url(String),
    /// The filter would find the same whoever is looked for.
    #[error("the filter {0:?} has no {USER} in it, so everybody would be a guest; write it like (mail={USER})")]
    NoUser(String),
    /// The filter isn't one.
    #[error("{0:?} is no LDAP filter (RFC 4515); write it like (mail={USER})")]
    Filter(String),
    /// A file that it needs.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Nothing came back in time.
    #[error("it didn't answer within {} s", PATIENCE.as_secs())]
    Late,
    /// It refused, or can't be reached.
    #[error(transparent)]
    Ldap(#[from] LdapError),
}

impl Directory {
    /// A directory whose entries below `base` are searched with a filter, in which `{user}` stands for the user ID.
    ///
    /// # Errors
    /// [`DirectoryError`] when the address or the filter can't be one.
    pub fn new(url: Url, base: String, filter: String) -> Result<Self, DirectoryError> {
        if !matches!(url.scheme(), "ldap" | "ldaps") || url.host_str().is_none_or(str::is_empty) {
            return Err(DirectoryError::Url(url.to_string()));
        }
        if !filter.contains(USER) {
            return Err(DirectoryError::NoUser(filter));
        }
        if ldap3::parse_filter(filter.replace(USER, "x")).is_err() {
            return Err(DirectoryError::Filter(filter));
        }
        let places = Semaphore::new(AT_A_TIME);
        Ok(Self { url, base, filter, bind: None, certificate: None, places })
    }

    /// Logs in there with this name and the password in a file, which is read each time.
    #[must_use]
    pub fn binding(self, name: String, password: PathBuf) -> Self {
        Self { bind: Some((name, password)), ..self }
    }

    /// Its certificate was signed by the authority in this PEM file.
    #[must_use]
    pub fn trusting(self, certificate: PathBuf) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    /// Whether it has somebody.
    ///
    /// # Errors
    /// [`DirectoryError`], when it can't be asked.
    pub(super) async fn has(&self, user: &UserName) -> Result<bool, DirectoryError> {
        tokio::time::timeout(PATIENCE, self.ask(user)).await.unwrap_or(Err(DirectoryError::Late))
    }

    async fn ask(&self, user: &UserName) -> Result<bool, DirectoryError> {
        let _place = self.places.acquire().await.map_err(|_| DirectoryError::Late)?;
        let mut settings = LdapConnSettings::new().set_conn_timeout(STEP);
        if let Some(path) = &self.certificate {
            settings = settings.set_config(Arc::new(trusting(path).await?));
        }
        let (connection, mut ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url).await?;
        let driven = tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "the connection to the directory broke");
            }
        });
        let found = async {
            if let Some((name, path)) = &self.bind {
                let password = read(path).await?;
                let password = zeroize::Zeroizing::new(String::from_utf8_lossy(&password).trim().to_owned());
                // Without a password a directory takes anybody as nobody (RFC 4513 §5.1.2).
                if password.is_empty() {
                    return Err(DirectoryError::File { path: path.clone(), why: "it has no password".to_owned() });
                }
                let _ = ldap.with_timeout(STEP).simple_bind(name, &password).await?.success()?;
            }
            let filter = self.filter.replace(USER, &ldap3::ldap_escape(user.as_str()));
            let options = SearchOptions::new().sizelimit(ENTRIES).timelimit(STEP.as_secs().try_into().unwrap_or(0));
            let ldap = ldap.with_search_options(options).with_timeout(STEP);
            // Of what is found only that it is there.
            let ldap3::SearchResult(entries, outcome) =
                ldap.search(&self.base, Scope::Subtree, &filter, ["1.1"]).await?;
            if outcome.rc != SIZE_LIMIT_EXCEEDED {
                outcome.success()?;
            }
            // Hints at other directories are no entries.
            let mut own = entries.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate());
            Ok(own.next().is_some())
        };
        let found = found.await;
        let _ = ldap.unbind().await;
        driven.abort();
        found
    }
}

async fn read(path: &PathBuf) -> Result<zeroize::Zeroizing<Vec<u8>>, DirectoryError> {
    let failed = |error: std::io::Error| DirectoryError::File { path: path.clone(), why: error.to_string() };
    tokio::fs::read(path).await.map(zeroize::Zeroizing::new).map_err(failed)
}

async fn trusting(path: &PathBuf) -> Result<rustls::ClientConfig, DirectoryError> {
    let failed = |why: String| DirectoryError::File { path: path.clone(), why };
    let blocks = pem::parse_many(&*read(path).await?).map_err(|error| failed(error.to_string()))?;
    let mut roots = rustls::RootCertStore::empty();
    for block in blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE") {
        roots.add(CertificateDer::from(block.into_contents())).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(failed("it has no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| failed(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(url: &str, filter: &str) -> Result<Directory, DirectoryError> {
        Directory::new(url.parse().unwrap(), "dc=example".to_owned(), filter.to_owned())
    }

    #[test]
    fn e14_what_is_no_directory_or_no_filter_is_said() {
        assert!(made("ldaps://directory.example", "(&(objectClass=person)(mail={user}))").is_ok());
        for (url, filter, said) in [
            ("https://directory.example", "(mail={user})", "no way to a directory"),
            ("ldap:directory", "(mail={user})", "no way to a directory"),
            ("ldap://directory", "(mail=ada)", "everybody would be a guest"),
            ("ldap://directory", "(mail={user}", "no LDAP filter"),
        ] {
            let error = made(url, filter).unwrap_err().to_string();
            assert!(error.contains(said), "{url} {filter}: {error}");
        }
    }

    #[tokio::test]
    async fn e14_a_directory_that_is_away_or_silent_lets_nobody_in_and_is_waited_for_so_long_at_most() {
        let user = "ada".parse().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = made(&format!("ldap://{}", listener.local_addr().unwrap()), "(mail={user})").unwrap();
        let begun = std::time::Instant::now();
        assert!(silent.has(&user).await.is_err());
        assert!(begun.elapsed() < PATIENCE + STEP, "{:?}", begun.elapsed());
        drop(listener);
        assert!(silent.has(&user).await.is_err());
    }
}
