//! Tables, a registration among them, for spreadsheets and mail merges (CSV, RFC 4180).

use hostler_services::{EntryState, RegistrationView};
use std::fmt::Write;

/// The table: a line of names, then one for each address. A PIN that several share and that has no addresses stands alone.
pub(super) fn table(view: &RegistrationView) -> String {
    let mut text = String::new();
    line(&mut text, ["address", "url", "pin_or_key", "state", "device", "detail"]);
    let alone = view.shared.is_some();
    let secret = |index: usize| view.secrets.get(if alone { 0 } else { index }).and_then(Option::as_deref);
    for (index, entry) in view.entries.iter().enumerate() {
        let (state, device, detail) = said(&entry.state);
        let (url, secret) = (entry.url.as_deref().unwrap_or_default(), secret(index).unwrap_or_default());
        line(&mut text, [&entry.address, url, secret, state, device, detail]);
    }
    if let (true, Some(secret)) = (view.entries.is_empty(), secret(0)) {
        line(&mut text, ["", "", secret, "", "", ""]);
    }
    text
}

/// The word for a state that the API uses as well, the device, and what else there is to say.
fn said(state: &EntryState) -> (&'static str, &str, &str) {
    match state {
        EntryState::Waiting => ("waiting", "", ""),
        EntryState::Connected { device, node, .. } => ("connected", device.as_str(), node.as_str()),
        EntryState::Ended { device } => ("ended", device.as_str(), ""),
        EntryState::Refused { device, why, .. } => ("refused", device.as_str(), why),
        EntryState::Used => ("used", "", ""),
        EntryState::Expired => ("expired", "", ""),
        EntryState::Withdrawn { why } => ("withdrawn", "", why),
    }
}

pub(super) fn line(text: &mut String, fields: [&str; 6]) {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // What begins like a formula would be one to a spreadsheet.
        let guard = if field.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
        let quoted = field.contains([',', '"', '\r', '\n']);
        let _ = match quoted {
            true => write!(text, "\"{guard}{}\"", field.replace('"', "\"\"")),
            false => write!(text, "{guard}{field}"),
        };
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e05_what_separates_fields_is_quoted_and_what_looks_like_a_formula_is_none() {
        let mut text = String::new();
        line(&mut text, ["192.0.2.1", "a,b", "say \"no\"", "=1+1", "@x", ""]);
        assert_eq!(text, "192.0.2.1,\"a,b\",\"say \"\"no\"\"\",'=1+1,'@x,\r\n");
    }
}
