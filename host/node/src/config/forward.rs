//! `[[forward]]` and `[mail]`: where notices are forwarded to.

use super::{Config, Duration, Wrong, at};
use hostler_core::event::filter::{AtLeast, Words};
use hostler_core::event::{Filter, Names};
use hostler_core::{DeviceId, NodeId, RuleName};
use hostler_services::forward::{ForwardRule, Mail, MailServer, MailTls, Mailbox, Target, Webhook};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use toml::Spanned;
use url::{Host, Url};

/// Notices that follow each other within this time are one mail.
const GATHER_MAIL: std::time::Duration = std::time::Duration::from_secs(30);

/// The longest that notices are gathered.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A rule by which notices are forwarded.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForwardConfig {
    /// What it is called; no other rule of the node is.
    pub name: Spanned<RuleName>,
    /// Which events; all where none is given.
    pub filter: Option<Spanned<FilterConfig>>,
    /// A web server that takes them.
    pub webhook: Option<Spanned<Url>>,
    /// A file with the secret that signs what it gets.
    pub secret_file: Option<Spanned<PathBuf>>,
    /// A PEM file with the authority that signed its certificate; else one of the system's authorities.
    pub certificate: Option<Spanned<PathBuf>>,
    /// The mail addresses that get them.
    pub mail: Option<Spanned<Vec<Spanned<String>>>>,
    /// For how long others are waited for after the first: 30s for mails, not at all for a web server.
    pub gather: Option<Spanned<Duration>>,
}

/// Which events are forwarded: a filter in which nothing is misspelt, and that doesn't look back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FilterConfig {
    /// How much they matter at least.
    pub severity: Option<AtLeast>,
    /// Their names, or beginnings of names.
    pub name: Option<Names>,
    /// To which device they happened.
    pub device: Option<DeviceId>,
    /// Which node saw them.
    pub node: Option<NodeId>,
    /// What their text contains.
    pub text: Option<Words>,
}

impl FilterConfig {
    fn filter(&self) -> Filter {
        let Self { severity, name, device, node, text } = self.clone();
        Filter { severity, name, device, node, text, ..Filter::default() }
    }
}

/// The mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MailConfig {
    /// Its name.
    pub server: Spanned<String>,
    /// Its port; 465, 587 or 25 by `tls`.
    pub port: Option<NonZeroU16>,
    /// How the way to it is protected.
    #[serde(default)]
    pub tls: TlsWay,
    /// A PEM file with the authority that signed its certificate; else one of the system's authorities.
    pub certificate: Option<Spanned<PathBuf>>,
    /// As whom it is logged in.
    pub user: Option<Spanned<String>>,
    /// A file with the password for that.
    pub password_file: Option<Spanned<PathBuf>>,
    /// Whom mails are from.
    pub from: Spanned<String>,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsWay {
    /// TLS from the beginning.
    #[default]
    Implicit,
    /// TLS before anything is said.
    Starttls,
    /// Not at all.
    None,
}

impl Config {
    /// The files that forwarding names, with the words that name them.
    pub(super) fn forward_files<'a>(
        forward: &'a mut [ForwardConfig],
        mail: Option<&'a mut MailConfig>,
    ) -> impl Iterator<Item = (&'static str, &'a mut Spanned<PathBuf>)> {
        let rules = forward.iter_mut().flat_map(|rule| {
            let secret = rule.secret_file.as_mut().map(|path| ("secret-file", path));
            secret.into_iter().chain(rule.certificate.as_mut().map(|path| ("certificate", path)))
        });
        let mail = mail.into_iter().flat_map(|mail| {
            let password = mail.password_file.as_mut().map(|path| ("password-file", path));
            password.into_iter().chain(mail.certificate.as_mut().map(|path| ("certificate", path)))
        });
        rules.chain(mail)
    }

    pub(super) fn check_forward(&self) -> Result<(), Wrong> {
        let mut names = BTreeSet::new();
        for rule in &self.forward {
            if !names.insert(rule.name.get_ref()) {
                let why = format!("there is a [[forward]] {} already; give this one another name", rule.name.get_ref());
                return Err(at(&rule.name, why));
            }
            self.check_rule(rule)?;
        }
        self.mail.as_ref().map_or(Ok(()), |mail| check_mail(mail).map(drop))
    }

    fn check_rule(&self, rule: &ForwardConfig) -> Result<(), Wrong> {
        if let Some(gather) = rule.gather.as_ref().filter(|gather| gather.get_ref().0 > LONGEST) {
            return Err(at(gather, "`gather` is at most 24h"));
        }
        match (&rule.webhook, &rule.mail) {
            (Some(url), None) => check_webhook(url),
            (None, Some(to)) => {
                if let Some(path) = rule.secret_file.as_ref().or(rule.certificate.as_ref()) {
                    return Err(at(path, "this belongs to `webhook`; for mails there is [mail]"));
                }
                if self.mail.is_none() {
                    return Err(at(to, "`mail` needs a server; add [mail] with `server` and `from`"));
                }
                if to.get_ref().is_empty() {
                    return Err(at(to, "`mail` is empty; name who shall get them"));
                }
                to.get_ref().iter().try_for_each(|to| mailbox(to).map(drop))
            }
            (Some(_), Some(to)) => Err(at(to, "a rule has a `webhook` or `mail`; make two rules of it")),
            (None, None) => Err(at(&rule.name, "say where they go: `webhook = \"https://…\"` or `mail = [\"…\"]`")),
        }
    }

    /// The rules, as the services want them.
    ///
    /// # Errors
    /// A certificate can't be used.
    pub(crate) fn forwards(&self) -> Result<Vec<ForwardRule>, String> {
        let server = self.mail.as_ref().and_then(|mail| check_mail(mail).ok());
        let mut rules = Vec::new();
        for rule in &self.forward {
            let of = |path: &Option<Spanned<PathBuf>>| path.as_ref().map(|path| path.get_ref().clone());
            let (target, gather) = match (&rule.webhook, &rule.mail, &server) {
                (Some(url), _, _) => {
                    let certificate = of(&rule.certificate);
                    let webhook = Webhook::new(url.get_ref().clone(), of(&rule.secret_file), certificate.as_deref());
                    (Target::Webhook(webhook?), std::time::Duration::ZERO)
                }
                (None, Some(to), Some(server)) => {
                    let to = to.get_ref().iter().filter_map(|to| mailbox(to).ok()).collect();
                    (Target::Mail(Mail::new(server.clone(), to)), GATHER_MAIL)
                }
                _ => continue,
            };
            let gather = rule.gather.as_ref().map_or(gather, |gather| gather.get_ref().0);
            let filter = rule.filter.as_ref().map(|filter| filter.get_ref().filter()).unwrap_or_default();
            rules.push(ForwardRule { name: rule.name.get_ref().clone(), filter, target, gather });
        }
        Ok(rules)
    }
}

fn check_webhook(url: &Spanned<Url>) -> Result<(), Wrong> {
    let local = match url.get_ref().host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.get_ref().scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        "http" => Err(at(url, "notices would cross the network unencrypted; use https")),
        other => Err(at(url, format!("{other:?} is no way to a webhook; use https"))),
    }
}

fn mailbox(text: &Spanned<String>) -> Result<Mailbox, Wrong> {
    let why = || format!("{:?} is no mail address; write ann@example.com or Ann <ann@example.com>", text.get_ref());
    text.get_ref().parse().map_err(|_| at(text, why()))
}

fn check_mail(mail: &MailConfig) -> Result<MailServer, Wrong> {
    let server = mail.server.get_ref();
    if server.trim().is_empty() || server.contains(['/', ' ', '@']) {
        return Err(at(&mail.server, format!("{server:?} is no name of a server; write it like smtp.example.com")));
    }
    let login = match (&mail.user, &mail.password_file) {
        (Some(user), Some(file)) => Some((user.get_ref().clone(), file.get_ref().clone())),
        (None, None) => None,
        (Some(user), None) => return Err(at(user, "`user` needs a password; add `password-file`")),
        (None, Some(file)) => return Err(at(file, "`password-file` is nobody's password; add `user`")),
    };
    let here = server == "localhost" || server.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let (tls, port) = match mail.tls {
        TlsWay::Implicit => (MailTls::Implicit, 465),
        TlsWay::Starttls => (MailTls::StartTls, 587),
        TlsWay::None if login.is_some() && !here => {
            return Err(at(&mail.server, "the password would cross the network unencrypted; use tls = \"starttls\""));
        }
        TlsWay::None => (MailTls::None, 25),
    };
    let certificate = mail.certificate.as_ref().map(|path| path.get_ref().clone());
    let port = mail.port.map_or(port, NonZeroU16::get);
    Ok(MailServer { server: server.clone(), port, tls, certificate, login, from: mailbox(&mail.from)? })
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
[mail]
server = "smtp.example"
tls = "starttls"
user = "hostler"
password-file = "password"
from = "hostler <hostler@example.com>"
[[forward]]
name = "on-call"
webhook = "https://hooks.example/x"
filter = { severity = "critical", name = "supply.,alert." }
[[forward]]
name = "staff"
mail = ["ann@example.com"]
"#;

    #[test]
    fn d07_what_is_wrong_with_forwarding_is_said_with_its_line() {
        let good = Config::parse(GOOD, Path::new("hostler.toml")).unwrap();
        assert_eq!(good.forward.len(), 2);
        for (from, to, line, word) in [
            ("\"staff\"", "\"on-call\"", 18, "already"),
            ("\"staff\"", "\"Staff room\"", 18, "name of a rule"),
            ("\"critical\"", "\"loud\"", 16, "info, warning and critical"),
            ("\"supply.,alert.\"", "\"Supply\"", 16, "no name of events"),
            ("severity = \"critical\"", "from = \"24h\"", 16, "unknown field `from`"),
            ("https://hooks", "http://hooks", 15, "unencrypted"),
            ("https://hooks", "ftp://hooks", 15, "no way to a webhook"),
            ("webhook = \"https://hooks.example/x\"", "", 14, "say where they go"),
            ("[\"ann@example.com\"]", "[]", 19, "is empty"),
            ("ann@example.com", "ann", 19, "no mail address"),
            (
                "mail = [\"ann@example.com\"]",
                "mail = [\"ann@example.com\"]\nsecret-file = \"s\"",
                20,
                "belongs to `webhook`",
            ),
            ("user = \"hostler\"\n", "", 10, "add `user`"),
            ("tls = \"starttls\"", "tls = \"none\"", 8, "unencrypted"),
            ("\"hostler <hostler@example.com>\"", "\"hostler\"", 12, "no mail address"),
            ("webhook = ", "gather = \"2d\"\nwebhook = ", 15, "2d"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Config::parse(&GOOD.replacen(from, to, 1), Path::new("hostler.toml")).unwrap_err();
            let ConfigError::Invalid { line: found, why, .. } = error else { panic!("{error}") };
            assert!(why.contains(word), "{to}: {why}");
            assert_eq!(found, line, "{to}: {why}");
        }
    }
}
