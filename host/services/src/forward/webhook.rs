//! Notices to a web server: a POST of JSON, signed where there is a secret.

use super::NotDelivered;
use super::notice::Letter;
use hmac::{Hmac, KeyInit, Mac};
use hostler_core::Secret;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, StatusCode};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The header with the signature over the body, as GitHub's webhooks have it: `sha256=` and the HMAC in hexadecimal.
const SIGNATURE: &str = "x-hub-signature-256";

/// So much of a refusal is read, in bytes.
const READ: usize = 1_024;

/// So much of it is shown, in characters.
const SHOWN: usize = 200;

/// A web server that takes notices.
#[derive(Clone, Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
    secret: Option<PathBuf>,
}

impl Webhook {
    /// A web server at this address. `secret` is a file with what signs, read at each delivery; `certificate` one with the
    /// authority that signed its certificate, where that isn't one of the system's.
    ///
    /// # Errors
    /// The certificate can't be used.
    pub fn new(url: Url, secret: Option<PathBuf>, certificate: Option<&Path>) -> Result<Self, String> {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Notices go where the configuration says, whatever stands in the environment of whoever started the node.
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("hostler/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = certificate {
            let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let roots = Certificate::from_pem_bundle(&pem).map_err(|error| format!("{}: {error}", path.display()))?;
            builder = builder.tls_certs_only(roots);
        }
        Ok(Self { client: builder.build().map_err(|error| error.to_string())?, url, secret })
    }

    /// Host and port; what is behind them is a secret for many services.
    pub(super) fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What the receiver says, without the parts of the address that may be secret: many say back what they were asked for.
    fn scrubbed(&self, said: &str) -> String {
        let secret = [Some(self.url.path()), self.url.query(), self.url.password()];
        secret
            .into_iter()
            .flatten()
            .filter(|part| part.len() > 1)
            .fold(said.to_owned(), |said, part| said.replace(part, "…"))
    }

    pub(super) async fn deliver(&self, letter: &Letter) -> Result<(), NotDelivered> {
        let body = serde_json::to_vec(letter).map_err(|error| NotDelivered::again(error.to_string()))?;
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(path) = &self.secret {
            request = request.header(SIGNATURE, sign(&secret_in(path).await?, &body)?);
        }
        let answer = request.body(body).send().await;
        let mut answer = answer.map_err(|error| NotDelivered::again(said(error.without_url())))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let mut text = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            text.extend_from_slice(&chunk);
            if text.len() >= READ {
                break;
            }
        }
        let text = String::from_utf8_lossy(&text);
        let text: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        let why = format!("it answered {status}");
        let about_the_body = matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_ACCEPTABLE
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        let failed = if about_the_body { NotDelivered::refused(why) } else { NotDelivered::again(why) };
        Err(failed.saying(self.scrubbed(text.trim())))
    }
}

/// An error with its causes: that a certificate isn't trusted stands in the last of them.
fn said(error: reqwest::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// What stands in a file of the configuration. One that is empty would protect nothing.
pub(super) async fn secret_in(path: &Path) -> Result<Secret, NotDelivered> {
    let read = tokio::fs::read_to_string(path).await;
    let said = read.map_err(|error| NotDelivered::again(format!("{} can't be read: {error}", path.display())))?;
    match said.trim() {
        "" => Err(NotDelivered::again(format!("{} is empty; write the secret into it", path.display()))),
        secret => Ok(Secret::new(secret.to_owned())),
    }
}

fn sign(secret: &Secret, body: &[u8]) -> Result<String, NotDelivered> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .map_err(|error| NotDelivered::again(format!("the secret can't sign: {error}")))?;
    mac.update(body);
    Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_signs_as_github_does() {
        // GitHub's own example, docs.github.com "Validating webhook deliveries".
        let secret = Secret::new("It's a Secret to Everybody".to_owned());
        assert_eq!(
            sign(&secret, b"Hello, World!").unwrap(),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn d07_what_is_secret_in_an_address_is_not_shown() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = "https://user:pass@hooks.example/services/T0/B0/secret?key=1".parse().unwrap();
        let webhook = Webhook::new(url, None, None).unwrap();
        assert_eq!(webhook.shown(), "https://hooks.example");
        assert_eq!(webhook.scrubbed("Cannot POST /services/T0/B0/secret?key=1"), "Cannot POST …?…");
    }
}
