//! E-mail by SMTP: `config.server` takes the message, `config.to` are its readers. The secret is the password of `config.user`.
//!
//! All news of one release or freeze is one thread (RFC 5322, `References`). A password is never sent over a line that is not encrypted.

use futures::FutureExt;
use futures::future::BoxFuture;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

use super::payload::facts;
use super::{Channel, Destination, Error, Message};
use crate::api::environment::Notify;
use crate::cluster::outbound::ConnectError;
use crate::domain::hex::hex;
use crate::domain::notice::Notice;
use crate::domain::timeline::cut;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A subject is one line, which readers show the beginning of.
const SUBJECT: usize = 200;

/// A mail server.
pub(super) struct Email;

impl Channel for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn settings(&self) -> &'static [&'static str] {
        &["server", "from", "to", "user", "starttls"]
    }

    fn destination(&self, notify: &Notify) -> Destination {
        Destination::of(notify, "server", "")
    }

    fn tell<'a>(&'a self, message: &'a Message<'a>) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let mail = mail(message)?;
            let sent = tokio::time::timeout(message.sender.patience, send(message, mail)).await;
            sent.unwrap_or_else(|_| Err(Error::Silent("no answer in time".to_owned())))
        }
        .boxed()
    }
}

/// Sends to the first address of the server that answers.
async fn send(message: &Message<'_>, mail: Mail) -> Result<(), Error> {
    let server = Server::of(message)?;
    let credentials = server.credentials(message).await?;
    let addresses = message.sender.outbound.addresses(&server.host, server.port).await;
    let addresses = addresses.map_err(|error| match error {
        ConnectError::Refused(refused) => Error::Settings(refused.to_string()),
        ConnectError::Io(_) => Error::Silent("the mail server's name cannot be resolved".to_owned()),
    })?;
    let mut last = Error::Silent("the mail server does not answer".to_owned());
    for address in addresses {
        let tls = server.tls()?;
        let builder = Transport::builder_dangerous(address.ip().to_string()).port(server.port).tls(tls);
        let builder = builder.timeout(Some(message.sender.patience));
        let builder = match &credentials {
            Some(credentials) => builder.credentials(credentials.clone()),
            None => builder,
        };
        match builder.build().send(mail.clone()).await.map_err(|error| unsent(&error)) {
            Ok(_) => return Ok(()),
            Err(error @ Error::Silent(_)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// How a mail server is spoken to.
struct Server {
    url: url::Url,
    host: String,
    port: u16,
    line: Line,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Encrypted from the beginning.
    Tls,
    /// Encrypted before anything is said.
    StartTls,
    /// Not encrypted.
    Open,
}

impl Server {
    fn of(message: &Message<'_>) -> Result<Self, Error> {
        let wrong =
            || Error::Settings("config.server is neither smtp://host:587 nor smtps://host:465".to_owned());
        let url: url::Url = message.needed("server")?.parse().map_err(|_| wrong())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let (line, usual) = match (url.scheme(), message.setting("starttls")) {
            ("smtps", None) => (Line::Tls, 465),
            ("smtp", None | Some("required")) => (Line::StartTls, 587),
            ("smtp", Some("never")) => (Line::Open, 25),
            ("smtp", Some(_)) => {
                return Err(Error::Settings("config.starttls is \"required\" or \"never\"".to_owned()));
            }
            _ => return Err(wrong()),
        };
        Ok(Self { host, port: url.port().unwrap_or(usual), line, url })
    }

    /// The certificate must be of the host that the settings name, whichever of its addresses is spoken to.
    fn tls(&self) -> Result<Tls, Error> {
        let parameters = || TlsParameters::new(self.host.clone()).map_err(|error| unsent(&error));
        Ok(match self.line {
            Line::Tls => Tls::Wrapper(parameters()?),
            Line::StartTls => Tls::Required(parameters()?),
            Line::Open => Tls::None,
        })
    }

    async fn credentials(&self, message: &Message<'_>) -> Result<Option<Credentials>, Error> {
        match (message.setting("user"), &message.notify.secret) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) if self.line == Line::Open => {
                Err(Error::Settings("a password is not sent where config.starttls is never".to_owned()))
            }
            (Some(user), Some(_)) => {
                let password = message.secret(&self.url).await?;
                Ok(Some(Credentials::new(user.to_owned(), password.reveal().to_owned())))
            }
            _ => Err(Error::Settings("email needs config.user and a secret, or neither".to_owned())),
        }
    }
}

fn mail(message: &Message<'_>) -> Result<Mail, Error> {
    let notice = message.notice;
    let mailbox = |key: &str, text: &str| -> Result<Mailbox, Error> {
        text.trim().parse().map_err(|_| Error::Settings(format!("config.{key} is no e-mail address")))
    };
    let thread = id(&notice.incident);
    let mut builder = Mail::builder()
        .from(mailbox("from", message.needed("from")?)?)
        .subject(cut(notice.title.replace(['\r', '\n'], " "), SUBJECT))
        .message_id(Some(id(&notice.dedup_key())))
        .in_reply_to(thread.clone())
        .references(thread);
    for reader in message.needed("to")?.split(',') {
        builder = builder.to(mailbox("to", reader)?);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(body(notice))
        .map_err(|_| Error::Settings("config.from or config.to cannot stand in a mail".to_owned()))
}

/// The same news has the same identity whenever it is sent, so that readers' programs drop what they have.
fn id(of: &str) -> String {
    let hash = Sha256::digest(of.as_bytes());
    format!("<{}@release-cockpit.dev>", hex(&hash[..16]))
}

fn body(notice: &Notice) -> String {
    let mut text = format!("{}\n\n{}\n", notice.title, notice.sentence);
    if let Some(command) = &notice.command {
        let _ = write!(text, "\n  {command}\n");
    }
    text.push('\n');
    for (name, value) in facts(notice) {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "At: {}", notice.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    if let Some(url) = &notice.url {
        let _ = writeln!(text, "Where: {url}");
    }
    for (who, how) in &notice.contacts {
        let _ = writeln!(text, "{who}: {how}");
    }
    text
}

/// A server's own words may hold addresses; its code does not.
fn unsent(error: &lettre::transport::smtp::Error) -> Error {
    let code = error.status().map_or_else(String::new, |code| format!(" ({code})"));
    if error.is_permanent() {
        Error::Refused(format!("the mail server takes no such message{code}"))
    } else if error.is_transient() {
        Error::Broken(format!("the mail server cannot take it now{code}"))
    } else if error.is_client() {
        Error::Refused("the mail server offers no encryption, or no way to sign in".to_owned())
    } else if error.is_tls() {
        Error::Silent("no encrypted line to the mail server".to_owned())
    } else {
        Error::Silent("the mail server does not answer".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment};
    use crate::domain::notice::trial;

    #[test]
    fn the_news_of_one_release_are_one_thread_of_different_mails() {
        let first = trial(&environment(), "bob", at(0));
        let second = Notice { key: "another".into(), ..first.clone() };
        assert_eq!(id(&first.incident), id(&second.incident));
        assert_ne!(id(&first.dedup_key()), id(&second.dedup_key()));
        assert_eq!(id(&first.dedup_key()), id(&first.clone().dedup_key()), "sent again, it is the same");
    }

    #[test]
    fn a_mail_tells_the_sentence_and_the_command() {
        let notice = Notice {
            command: Some("release-cockpit approve x".into()),
            ..trial(&environment(), "bob", at(0))
        };
        let text = body(&notice);
        assert!(
            text.contains(&notice.sentence) && text.contains("\n  release-cockpit approve x\n"),
            "{text}"
        );
        assert!(text.contains("Environment: "), "{text}");
    }
}
