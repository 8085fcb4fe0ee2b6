//! Notices to people: one mail for many, by SMTP.

use super::notice::Letter;
use super::webhook::secret_in;
use super::{NotDelivered, NotFor};
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(10);

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
    server: MailServer,
    to: Vec<Mailbox>,
    /// Who has which letter: the last that was begun.
    taken: Arc<Mutex<(String, BTreeSet<String>)>>,
}

impl Mail {
    /// To these people, by this server.
    #[must_use]
    pub fn new(server: MailServer, to: Vec<Mailbox>) -> Self {
        Self { server, to, taken: Arc::default() }
    }

    pub(super) fn shown(&self) -> String {
        self.to.iter().map(|to| to.email.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Each gets a mail of their own, so that an address that is no more keeps nobody else from theirs. Who got this letter before
    /// another's failed doesn't get it again, but after a crash.
    pub(super) async fn deliver(&self, letter: &Letter) -> Result<NotFor, NotDelivered> {
        let transport = self.server.transport().await?;
        let id = letter.id();
        let mut refused = Vec::new();
        for to in &self.to {
            if self.has(&id, to) {
                continue;
            }
            let message = self.message(letter, &id, to).map_err(|error| NotDelivered::again(error.to_string()))?;
            match transport.send(message).await {
                Ok(_) => self.note(&id, to),
                Err(error) if error.is_permanent() => refused.push(format!("{}: {}", to.email, said(&error))),
                Err(error) => return Err(NotDelivered::again(said(&error))),
            }
        }
        let why = refused.join("; ");
        // Whether it is the letter's fault or the addresses' shows when another letter is sent.
        if refused.len() == self.to.len() {
            return Err(NotDelivered::refused(why));
        }
        Ok(Some(why).filter(|why| !why.is_empty()))
    }

    fn has(&self, letter: &str, to: &Mailbox) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.0 == letter && taken.1.contains(&to.email.to_string())
    }

    fn note(&self, letter: &str, to: &Mailbox) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.0 != letter {
            *taken = (letter.to_owned(), BTreeSet::new());
        }
        taken.1.insert(to.email.to_string());
    }

    fn message(&self, letter: &Letter, id: &str, to: &Mailbox) -> Result<Message, lettre::error::Error> {
        // Of the same letter, the same: mail programs show it once.
        let id = Some(format!("<{id}@{}.hostler.invalid>", letter.node));
        let builder = Message::builder().from(self.server.from.clone()).to(to.clone());
        builder.subject(subject(letter)).message_id(id).header(ContentType::TEXT_PLAIN).body(text(letter))
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
    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotDelivered> {
        let tls = match self.tls {
            MailTls::Implicit => Tls::Wrapper(self.parameters()?),
            MailTls::StartTls => Tls::Required(self.parameters()?),
            MailTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server);
        builder = builder.port(self.port).tls(tls).timeout(Some(CONNECT));
        if let Some((user, file)) = &self.login {
            let password = secret_in(file).await?;
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
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
