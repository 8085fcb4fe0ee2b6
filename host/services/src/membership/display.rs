//! What the node's own display shows: two or three short lines, the same as its page says.

use super::member::{Connection, Member, Status};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A window that closes by itself changes what is shown without a step.
const LOOK: Duration = Duration::from_secs(1);

/// The lines.
#[must_use]
pub fn text(status: &Status) -> String {
    let mut lines = vec![match (&status.manager, status.state) {
        (Some(manager), _) => format!("Connected to {manager}"),
        (None, Connection::Connecting) => "Connecting".to_owned(),
        (None, _) => "Not connected".to_owned(),
    }];
    lines.extend(status.owner.as_ref().map(|owner| format!("Owner: {owner}")));
    lines.extend(status.why.clone());
    if status.takes_pin_for_s > 0 {
        lines.push("Takes a PIN now".to_owned());
    }
    lines.join("\n") + "\n"
}

/// Keeps the file of a display as it should be, for ever. The file is replaced as a whole.
pub async fn keep_display(member: Arc<Member>, path: PathBuf) {
    let mut seen = member.follow();
    let (mut shown, mut said) = (String::new(), String::new());
    loop {
        seen.mark_unchanged();
        let lines = text(&member.status());
        if lines != shown {
            match write(&path, &lines) {
                Ok(()) => shown = lines,
                // It is tried each second, and said once.
                Err(error) if error.to_string() == said => {}
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "the display can't be written");
                    said = error.to_string();
                }
            }
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn write(path: &Path, lines: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(lines.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
