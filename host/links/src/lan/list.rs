//! A server in the user's network that lists devices' addresses: JSON or plain text.

use super::{LanError, resolve_all};
use hostler_core::enrollment::addresses::{Address, Addresses, Loopback};
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;
use url::Url;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn ask(server: &Url, limit: usize) -> Result<Vec<IpAddr>, LanError> {
    let failed = |error: reqwest::Error| LanError::Connection(format!("{server}: {}", error.without_url()));
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    let client = client.build().map_err(failed)?;
    let mut response = client.get(server.clone()).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(LanError::Status(format!("{} at {server}", response.status())));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(LanError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(body).map_err(|_| LanError::Garbled(format!("{server} answered no text")))?;
    let listed = Addresses::parse(&words(&text), Loopback::Allowed).taken;
    let addresses: Vec<Option<Address>> = listed.into_iter().map(Some).collect();
    let found: Vec<Option<IpAddr>> = resolve_all(&addresses, |_| ()).await;
    let unknown = found.iter().filter(|ip| ip.is_none()).count();
    if unknown > 0 {
        tracing::warn!("{unknown} of {} names that the server lists mean nothing here", found.len());
    }
    Ok(found.into_iter().flatten().collect())
}

/// The addresses in a list: a JSON array of texts, or of objects that have an `address`, or words of a text in which `#`
/// begins a comment.
fn words(text: &str) -> String {
    let Ok(Value::Array(all)) = serde_json::from_str(text) else {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        return lines.collect::<Vec<_>>().join("\n");
    };
    let address = |entry: &'_ Value| entry.as_str().or_else(|| entry.get("address")?.as_str()).map(str::to_owned);
    all.iter().filter_map(address).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_lists_of_every_form_are_read() {
        assert_eq!(words(r#"["10.0.0.1", {"address": "10.0.0.2", "name": "x"}, 7]"#), "10.0.0.1\n10.0.0.2");
        assert_eq!(words("10.0.0.1 # hall\n10.0.0.2"), "10.0.0.1 \n10.0.0.2");
    }
}
