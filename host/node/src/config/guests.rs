//! Who may register as a user without an administrator, and where the guest list is.

use super::{EnrollmentConfig, Wrong, at, check_file};
use hostler_services::{Directory, GuestFile, Guests, SelfRegistration};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;
use url::{Host, Url};

/// Who may register as a user without an administrator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhoRegisters {
    /// Nobody.
    #[default]
    Off,
    /// Who is on the guest list.
    Guests,
    /// Whoever gets to the log-in page.
    Anyone,
}

/// Where the guest list is: in a file, a directory, or both.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GuestsConfig {
    /// A file with a user ID a line, or a CSV file with them in its first column.
    pub file: Option<Spanned<PathBuf>>,
    /// A directory.
    pub directory: Option<DirectoryConfig>,
}

/// A directory (LDAP) that has the guests.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Where it is: `ldaps://` or `ldap://`.
    pub url: Spanned<Url>,
    /// Below which entry it is searched.
    pub base: String,
    /// What is searched for; `{user}` stands for the user ID.
    #[serde(default = "by_mail")]
    pub filter: Spanned<String>,
    /// As whom it is searched; as nobody where none is given.
    pub bind_dn: Option<Spanned<String>>,
    /// A file with the password for that.
    pub password_file: Option<Spanned<PathBuf>>,
    /// A PEM file with the authority that signed its certificate; else one of the system's authorities.
    pub certificate: Option<Spanned<PathBuf>>,
}

fn by_mail() -> Spanned<String> {
    Spanned::new(0..0, "(mail={user})".to_owned())
}

impl DirectoryConfig {
    fn made(&self) -> Result<Directory, Wrong> {
        let (url, filter) = (self.url.get_ref().clone(), self.filter.get_ref().clone());
        let mut directory = Directory::new(url, self.base.clone(), filter).map_err(|why| {
            let filter = !matches!(why, hostler_services::DirectoryError::Url(_));
            if filter { at(&self.filter, why.to_string()) } else { at(&self.url, why.to_string()) }
        })?;
        match (&self.bind_dn, &self.password_file) {
            (Some(name), Some(password)) => {
                directory = directory.binding(name.get_ref().clone(), password.get_ref().clone());
            }
            (None, None) => {}
            (Some(name), None) => return Err(at(name, "`bind-dn` needs a password; add `password-file`")),
            (None, Some(file)) => return Err(at(file, "`password-file` is nobody's password; add `bind-dn`")),
        }
        if let Some(certificate) = &self.certificate {
            directory = directory.trusting(certificate.get_ref().clone());
        }
        Ok(directory)
    }

    fn check(&self) -> Result<(), Wrong> {
        let _ = self.made()?;
        let url = self.url.get_ref();
        let here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            // Of schemes that it doesn't know, `url` doesn't read the host as an address.
            Some(Host::Domain(name)) => {
                name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
            }
            None => false,
        };
        if url.scheme() == "ldap" && !here && self.bind_dn.is_some() {
            return Err(at(&self.url, "the directory's password would cross the network unencrypted; use ldaps"));
        }
        Ok(())
    }
}

impl GuestsConfig {
    /// The files that it names, with the words that name them.
    pub(super) fn files(&mut self) -> impl Iterator<Item = (&'static str, &mut Spanned<PathBuf>)> {
        let directory = self.directory.iter_mut().flat_map(|directory| {
            let password = directory.password_file.as_mut().map(|path| ("password-file", path));
            password.into_iter().chain(directory.certificate.as_mut().map(|path| ("certificate", path)))
        });
        directory.chain(self.file.as_mut().map(|path| ("file", path)))
    }
}

impl EnrollmentConfig {
    pub(super) fn check_guests(&self) -> Result<(), Wrong> {
        let (who, guests) = (&self.self_registration, &self.guests);
        let listed = guests.file.is_some() || guests.directory.is_some();
        match who.get_ref() {
            WhoRegisters::Guests if !listed => {
                let why =
                    "there is no guest list; add `file` or [enrollment.guests.directory] below [enrollment.guests]";
                return Err(at(who, why));
            }
            WhoRegisters::Anyone if listed => {
                let why =
                    "with \"anyone\" nobody looks at [enrollment.guests]; write \"guests\", or take the list away";
                return Err(at(who, why));
            }
            _ => {}
        }
        guests.directory.as_ref().map_or(Ok(()), DirectoryConfig::check)
    }

    /// Who may register, as the services want it; nobody where the configuration wasn't checked and is wrong.
    #[must_use]
    pub fn open_to(&self) -> SelfRegistration {
        match self.self_registration.get_ref() {
            WhoRegisters::Off => SelfRegistration::Off,
            WhoRegisters::Anyone => SelfRegistration::Anyone,
            WhoRegisters::Guests => SelfRegistration::Guests(Box::new(Guests {
                file: self.guests.file.as_ref().map(|path| GuestFile::new(path.get_ref().clone())),
                directory: self.guests.directory.as_ref().and_then(|directory| directory.made().ok()),
            })),
        }
    }
}

/// A guest list may be empty, other files may not.
pub(super) fn check_named(name: &str, path: &Spanned<PathBuf>) -> Result<(), Wrong> {
    let read = |path: &Path| std::fs::read(path).is_ok();
    if name == "file" && read(path.get_ref()) { Ok(()) } else { check_file(name, path) }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use std::path::Path;

    const GOOD: &str = r#"[node]
id = "manager"
data = "data"
roles = ["manager"]
[listen]
address = "127.0.0.1:0"
[enrollment]
self-registration = "guests"
[enrollment.guests]
file = "guests.csv"
[enrollment.guests.directory]
url = "ldaps://directory.example"
base = "ou=people,dc=example"
filter = "(mail={user})"
bind-dn = "cn=hostler,dc=example"
password-file = "password"
"#;

    #[test]
    fn e14_what_is_wrong_with_the_guest_list_is_said_with_its_line() {
        assert!(Config::parse(GOOD, Path::new("hostler.toml")).is_ok());
        let (list, _) = GOOD.split_once("[enrollment.guests]").unwrap();
        for (text, line, word) in [
            (list.to_owned(), 8, "no guest list"),
            (list.replace("guests", "everybody"), 8, "everybody"),
            (GOOD.replace("\"guests\"", "\"anyone\""), 8, "nobody looks at"),
            (GOOD.replace("ldaps://directory.example", "https://directory.example"), 12, "no way to a directory"),
            (GOOD.replace("ldaps:", "ldap:"), 12, "unencrypted"),
            (GOOD.replace("{user}", "ada"), 14, "everybody would be a guest"),
            (GOOD.replace("{user})", "{user}"), 14, "no LDAP filter"),
            (GOOD.replace("password-file = \"password\"\n", ""), 15, "password-file"),
            (GOOD.replace("bind-dn = \"cn=hostler,dc=example\"\n", ""), 15, "bind-dn"),
        ] {
            let error = Config::parse(&text, Path::new("hostler.toml")).unwrap_err();
            let ConfigError::Invalid { line: found, why, .. } = error else { panic!("{error}") };
            assert!(why.contains(word), "{word}: {why}");
            assert_eq!(found, line, "{why}");
        }
        let local = GOOD.replace("ldaps://directory.example", "ldap://127.0.0.1:1389");
        assert!(Config::parse(&local, Path::new("hostler.toml")).is_ok());
    }

    #[test]
    fn e14_a_guest_list_is_beside_the_configuration_and_may_be_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hostler.toml");
        std::fs::write(&file, GOOD).unwrap();
        std::fs::write(folder.path().join("password"), "secret").unwrap();
        let said = Config::read(&file).unwrap_err().to_string();
        assert!(said.contains("hostler.toml, line 10: `file`") && said.contains("can't be read"), "{said}");
        std::fs::write(folder.path().join("guests.csv"), "").unwrap();
        let read = Config::read(&file).unwrap();
        assert_eq!(read.enrollment().guests.file.unwrap().get_ref(), &folder.path().join("guests.csv"));
    }
}
