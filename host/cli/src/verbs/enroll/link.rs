//! The `hostler:` link of a registration page. It comes from wherever the user clicked, so it is foreign input: it names a
//! manager and a registration, carries no credential, and is followed only to a manager that the user knows.

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use hostler_core::RegistrationId;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use url::Url;

/// Characters of a link at most.
const LONGEST: usize = 2_000;

/// What links begin with.
const SCHEME: &str = "hostler";

/// The desktop entry that opens links.
const ENTRY: &str = "hostler.desktop";

/// A link: `hostler://enroll?manager=https://…&registration=r-…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    /// Which manager.
    pub(super) manager: Url,
    /// Which registration's PINs to bring; without one, devices are looked for.
    pub(super) registration: Option<RegistrationId>,
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("this is no link of a registration page: {why}");
        if text.len() > LONGEST {
            return Err(wrong("it is too long"));
        }
        let link = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let verb = link.host_str().unwrap_or(link.path());
        if link.scheme() != SCHEME || verb != "enroll" {
            return Err(wrong("it begins with hostler://enroll"));
        }
        let (mut manager, mut registration) = (None, None);
        for (name, value) in link.query_pairs() {
            let before = match name.as_ref() {
                "manager" | "url" => manager.replace(manager_at(&value).map_err(|why| wrong(&why))?).is_some(),
                "registration" => {
                    let id = value.parse().map_err(|error: hostler_core::id::BadId| wrong(&error.to_string()))?;
                    registration.replace(id).is_some()
                }
                other => return Err(wrong(&format!("{other:?} has no meaning in one"))),
            };
            if before {
                return Err(wrong(&format!("it says {name} twice")));
            }
        }
        Ok(Self { manager: manager.ok_or_else(|| wrong("it names no manager"))?, registration })
    }
}

/// The address of a manager, and nothing besides.
pub(super) fn manager_at(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("its manager is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("a manager's address begins with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a link carries no user and no password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a manager's address has no ? and no #".to_owned());
    }
    Ok(url)
}

/// Makes this program open `hostler:` links: writes the desktop entry (freedesktop.org) and makes it the one in use.
pub(super) fn register() -> Result<String> {
    let folders = etcetera::choose_base_strategy().context("your home folder can't be found")?;
    let folder = folders.data_dir().join("applications");
    let program = std::env::current_exe().context("this program can't be found")?;
    let file = folder.join(ENTRY);
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, entry(&program)?))
        .with_context(|| format!("{} can't be written", file.display()))?;
    let chosen = Command::new("xdg-mime").args(["default", ENTRY, &format!("x-scheme-handler/{SCHEME}")]).output();
    Ok(match chosen {
        Ok(output) if output.status.success() => {
            format!("{SCHEME}: links are opened by {} ({})", program.display(), file.display())
        }
        _ => format!(
            "{} was written; `xdg-mime` (package xdg-utils) couldn't be run to make it the one in use, which your desktop \
             may do by itself",
            file.display()
        ),
    })
}

/// The desktop entry. A program's path is quoted as the Desktop Entry Specification says.
fn entry(program: &Path) -> std::io::Result<String> {
    let odd = || std::io::Error::other("this program's path can't stand in a desktop entry");
    let path = program.to_str().filter(|path| !path.chars().any(char::is_control)).ok_or_else(odd)?;
    let mut quoted = String::new();
    for c in path.chars() {
        match c {
            // Once for the quotes, and a backslash once more for the file.
            '"' | '`' | '$' => quoted.extend(["\\\\", c.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=hostler\nComment=Enrolls devices\nExec=\"{quoted}\" enroll --wait %u\n\
         Terminal=true\nNoDisplay=true\nMimeType=x-scheme-handler/{SCHEME};\n"
    ))
}

/// Refuses to send a password where others can read it.
pub(super) fn private(manager: &Url) -> Result<()> {
    let loopback = match manager.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if manager.scheme() == "https" || loopback {
        return Ok(());
    }
    bail!("a password would go to {manager} for everybody on the way to read; give its https:// address, or a token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_links_name_a_manager_and_a_registration() {
        let link: Link =
            "hostler://enroll?manager=https%3A%2F%2Fm.example%3A8600&registration=r-4f1c09d2a7b3e856".parse().unwrap();
        assert_eq!(link.manager.as_str(), "https://m.example:8600/");
        assert_eq!(link.registration.unwrap().as_str(), "r-4f1c09d2a7b3e856");
        assert!("hostler:enroll?url=http://127.0.0.1:8600".parse::<Link>().unwrap().registration.is_none());
    }

    #[test]
    fn e11_what_else_a_link_could_carry_is_refused() {
        for text in [
            "",
            "https://m.example",
            "hostler://enroll",
            "hostler://other?manager=https://m.example",
            "hostler://enroll?manager=file:///etc/passwd",
            "hostler://enroll?manager=javascript:alert(1)",
            "hostler://enroll?manager=https://u:p@m.example",
            "hostler://enroll?manager=https://m.example&manager=https://n.example",
            "hostler://enroll?manager=https://m.example&token=x",
            "hostler://enroll?manager=https://m.example&yes=true",
            "hostler://enroll?manager=https://m.example&registration=../../users",
        ] {
            assert!(text.parse::<Link>().is_err(), "{text}");
        }
        assert!(format!("hostler://enroll?manager=https://{}", "m".repeat(LONGEST)).parse::<Link>().is_err());
    }

    #[test]
    fn e11_a_desktop_entry_quotes_the_program() {
        let made = entry(Path::new("/opt/a \"b\" $c/hostler")).unwrap();
        assert!(made.contains("Exec=\"/opt/a \\\\\"b\\\\\" \\\\$c/hostler\" enroll --wait %u\n"), "{made}");
        assert!(entry(Path::new("/opt/a\nExec=evil")).is_err());
    }
}
