//! Notices to people: one mail for many, by SMTP.

use super::NotDelivered;
use super::notice::Letter;
use hostler_core::Secret;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// How long each step with the server may take.
const STEP: Duration = Duration::from_secs(10);

/// The longest subject, in characters.
const SUBJECT: usize = 120;

/// How the way to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailTls {
    /// TLS from the beginning (port 465).
    Implicit,
    /// TLS before anything is said; a server that doesn't offer it gets nothing (port 587).
    StartTls,
    /// Not at all (port 25).
    None,
}

/// The mail server of a node.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name, which its certificate has.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way is protected.
    pub tls: MailTls,
    /// A PEM file with the authority that signed its certificate, where that isn't one of the system's.
    pub certificate: Option<PathBuf>,
    /// As whom it is logged in, and the file with the password, read at each delivery.
    pub login: Option<(String, PathBuf)>,
    /// Whom mails are from.
    pub from: Mailbox,
}

/// People who get notices.
#[derive(Clone, Debug)]
pub struct Mail {
    /// By which server.
    pub server: MailServer,
    /// Who.
    pub to: Vec<Mailbox>,
}

impl Mail {
    pub(super) fn shown(&self) -> String {
        self.to.iter().map(|to| to.email.to_string()).collect::<Vec<_>>().join(", ")
    }

    pub(super) async fn deliver(&self, letter: &Letter) -> Result<(), NotDelivered> {
        let message = self.message(letter).map_err(|error| NotDelivered::again(error.to_string()))?;
        let transport = self.server.transport()?;
        match transport.send(message).await {
            Ok(_) => Ok(()),
            // 552: it is larger than the server takes (RFC 5321 §4.2.2). Whatever else a server refuses, such as an address,
            // somebody can put right.
            Err(error) if error.status().is_some_and(|code| code.to_string() == "552") => {
                Err(NotDelivered::refused(said(&error)))
            }
            Err(error) => Err(NotDelivered::again(said(&error))),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        let first = letter.notices.first();
        // Of the same delivery, the same: mail programs show it once.
        let id = first.map(|first| format!("<{}@{}.hostler.invalid>", first.id, letter.node));
        let mut builder = Message::builder().from(self.server.from.clone()).subject(subject(letter)).message_id(id);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.header(ContentType::TEXT_PLAIN).body(text(letter))
    }
}

fn said(error: &lettre::transport::smtp::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

fn subject(letter: &Letter) -> String {
    let whole = match letter.notices.as_slice() {
        [only] => format!("[{}] {}", letter.node, only.text),
        many => format!("[{}] {} notices", letter.node, many.len()),
    };
    // A line end would begin another header.
    whole.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT).collect()
}

fn text(letter: &Letter) -> String {
    let mut text = String::new();
    for notice in &letter.notices {
        let device = notice.device.as_ref().map(|device| format!(", device {device}")).unwrap_or_default();
        let _ = write!(
            text,
            "{} {}\r\n{}\r\n{}, seen by {}{device}, notice {}\r\n\r\n",
            notice.time, notice.severity, notice.text, notice.name, notice.node, notice.id
        );
    }
    let _ = write!(text, "-- \r\nhostler on {}, rule {}\r\n", letter.node, letter.rule);
    text
}

impl MailServer {
    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotDelivered> {
        let tls = match self.tls {
            MailTls::Implicit => Tls::Wrapper(self.parameters()?),
            MailTls::StartTls => Tls::Required(self.parameters()?),
            MailTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server);
        builder = builder.port(self.port).tls(tls).timeout(Some(STEP));
        if let Some((user, file)) = &self.login {
            let password = std::fs::read_to_string(file).map(Secret::new);
            let password =
                password.map_err(|error| NotDelivered::again(format!("{} can't be read: {error}", file.display())))?;
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().trim().to_owned()));
        }
        Ok(builder.build())
    }

    fn parameters(&self) -> Result<TlsParameters, NotDelivered> {
        let mut builder = TlsParameters::builder(self.server.clone());
        if let Some(path) = &self.certificate {
            let broken = |why: String| NotDelivered::again(format!("{}: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
            let roots = Certificate::from_pem(&pem).map_err(|error| broken(error.to_string()))?;
            builder = builder.certificate_store(CertificateStore::None).add_root_certificate(roots);
        }
        builder.build_rustls().map_err(|error| NotDelivered::again(said(&error)))
    }
}
