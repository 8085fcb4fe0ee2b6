//! Who opens the `hostler:` links of registration pages on this desktop, and what isn't sent where a link leads.

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use hostler_core::enrollment::Link;
use std::path::Path;
use std::process::Command;
use url::Url;

/// The desktop entry that opens links.
const ENTRY: &str = "hostler.desktop";

/// Makes this program open `hostler:` links: writes the desktop entry (freedesktop.org) and makes it the one in use.
pub(super) fn register() -> Result<String> {
    let folders = etcetera::choose_base_strategy().context("your home folder can't be found")?;
    let folder = folders.data_dir().join("applications");
    let program = std::env::current_exe().context("this program can't be found")?;
    let file = folder.join(ENTRY);
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&file, entry(&program)?))
        .with_context(|| format!("{} can't be written", file.display()))?;
    let chosen =
        Command::new("xdg-mime").args(["default", ENTRY, &format!("x-scheme-handler/{}", Link::SCHEME)]).output();
    Ok(match chosen {
        Ok(output) if output.status.success() => {
            format!("{}: links are opened by {} ({})", Link::SCHEME, program.display(), file.display())
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
         Terminal=true\nNoDisplay=true\nMimeType=x-scheme-handler/{};\n",
        Link::SCHEME
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
    fn e11_a_desktop_entry_quotes_the_program() {
        let made = entry(Path::new("/opt/a \"b\" $c/hostler")).unwrap();
        assert!(made.contains("Exec=\"/opt/a \\\\\"b\\\\\" \\\\$c/hostler\" enroll --wait %u\n"), "{made}");
        assert!(entry(Path::new("/opt/a\nExec=evil")).is_err());
    }
}
