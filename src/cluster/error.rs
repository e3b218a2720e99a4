//! What can go wrong between us and an API server, as one sentence that says what to do.
//!
//! Owns the translation of every transport, authentication and `Status` failure. Tokens, keys and certificates never enter a
//! sentence; every text from outside passes `sanitize::line`.

mod status;

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use kube::core::Status;

use crate::api::GROUP;
use crate::sanitize;

/// The command that installs our kinds of object.
const INSTALL: &str = "release-cockpit manifests crds | kubectl apply -f -";
/// Longest piece of foreign text that a sentence carries, in characters.
const QUOTE_LIMIT: usize = 400;

/// A failure; its `Display` is one sanitised sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Error {
    kind: Kind,
    sentence: String,
}

/// What a failure is, for exit codes and for what is tried next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The kubeconfig is absent, unreadable or wrong.
    Kubeconfig,
    /// The context does not exist.
    Context,
    /// No credentials, or expired ones.
    Credentials,
    /// The certificate of either side is not accepted.
    Tls,
    /// Nothing listens, or the name is unknown; nothing was sent.
    Unreachable,
    /// No answer in time, or the connection broke; a write may have arrived.
    NoAnswer,
    /// RBAC says no.
    Denied,
    /// An admission policy says no; its code, such as `EnvironmentFrozen`.
    Refused {
        /// The code before the sentence; empty when the policy gave none.
        code: String,
    },
    /// The object does not fit its schema.
    Invalid,
    /// The Environment does not exist.
    EnvironmentNotFound,
    /// Our kinds of object are not installed.
    NotInstalled,
    /// The object does not exist.
    NotFound,
    /// Somebody else was faster.
    Conflict,
    /// The name is taken.
    AlreadyExists,
    /// A quota is used up.
    Quota,
    /// The server asks to wait.
    Busy,
    /// What we remember is too old for the server: list again.
    Gone,
    /// The server failed.
    Server,
    /// The answer cannot be understood.
    Protocol,
}

impl Error {
    /// Creates an error; `sentence` states the failure and the remedy.
    pub(crate) fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self { kind, sentence: sentence.into() }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Trying again later may succeed without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            Kind::Unreachable | Kind::NoAnswer | Kind::Busy | Kind::Gone | Kind::Server | Kind::Conflict
        )
    }

    /// A write that ended so may nevertheless have been stored.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        matches!(self.kind, Kind::NoAnswer | Kind::Server | Kind::Protocol)
    }

    /// No answer within `seconds`.
    #[must_use]
    pub(crate) fn timeout(seconds: u64) -> Self {
        Self::new(
            Kind::NoAnswer,
            format!(
                "the API server accepts connections but has not answered within {seconds} s: check its load, or a proxy in between"
            ),
        )
    }

    /// Translates a failure of a request for `what`, such as `pods` or `releases.release-cockpit.dev`.
    #[must_use]
    pub(crate) fn of(error: kube::Error, what: &str) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status, what),
            kube::Error::Auth(error) => Self::of_auth(&error),
            kube::Error::InferKubeconfig(error) => super::client::kubeconfig_error(&error),
            kube::Error::SerdeError(error) => Self::new(
                Kind::Protocol,
                format!("the answer about {what} cannot be read: {}", quote(&error.to_string())),
            ),
            kube::Error::RustlsTls(error) => tls(&chain(&error)),
            error => Self::of_transport(&error),
        }
    }

    /// Translates a `Status` of the API server.
    #[must_use]
    pub(crate) fn of_status(status: &Status, what: &str) -> Self {
        let causes = status.details.as_ref().map_or(&[][..], |details| &details.causes);
        if let Some(refusal) = status::policy_refusal(status, causes) {
            return refusal;
        }
        let message = quote(&status.message);
        match status.code {
            401 => Self::new(
                Kind::Credentials,
                "the API server does not accept the credentials (expired or revoked): log in again, then retry",
            ),
            403 => Self::of_forbidden(&status.message),
            404 => Self::of_not_found(status, what),
            409 if status.reason == "AlreadyExists" => {
                Self::new(Kind::AlreadyExists, format!("that name is taken already: {message}"))
            }
            409 => Self::new(Kind::Conflict, format!("somebody else changed it first: {message}")),
            410 => Self::new(Kind::Gone, "the server no longer remembers that point in time: listing again"),
            413 => Self::new(Kind::Invalid, format!("the object is too large: {message}")),
            400 | 422 => Self::new(Kind::Invalid, status::invalid_sentence(status, causes)),
            429 => Self::new(
                Kind::Busy,
                format!("the API server is busy and asks to wait{}: try again", status::retry_after(status)),
            ),
            0..=499 => Self::new(Kind::Server, format!("the API server answers {}: {message}", status.code)),
            code => Self::new(Kind::Server, format!("the API server fails with {code}: {message}")),
        }
    }

    fn of_forbidden(message: &str) -> Self {
        if let Some((_, quota)) = message.split_once("exceeded quota: ") {
            let quota = quote(quota);
            return Self::new(
                Kind::Quota,
                format!(
                    "the namespace's quota is used up ({quota}): ask its owner to raise it or to clean up"
                ),
            );
        }
        Self::new(Kind::Denied, status::rbac_sentence(message))
    }

    fn of_not_found(status: &Status, what: &str) -> Self {
        let name = status.details.as_ref().map_or("", |details| details.name.as_str());
        if name.is_empty() && what.contains(GROUP) {
            return Self::new(
                Kind::NotInstalled,
                format!("Release Cockpit is not installed in this cluster ({what} is unknown): {INSTALL}"),
            );
        }
        if name.is_empty() {
            return Self::new(Kind::NotFound, format!("the server does not know {what}"));
        }
        let kind = if status.details.as_ref().is_some_and(|details| details.kind == "environments") {
            Kind::EnvironmentNotFound
        } else {
            Kind::NotFound
        };
        Self::new(kind, format!("{} does not exist: {}", quote(name), quote(&status.message)))
    }

    fn of_auth(error: &kube::client::AuthError) -> Self {
        use kube::client::AuthError as Auth;
        let sentence = match error {
            Auth::Oidc(cause) => format!(
                "the kubeconfig's OIDC token cannot be renewed ({}): log in again",
                quote(&cause.to_string())
            ),
            _ => "the kubeconfig's credentials cannot be used: log in again".to_owned(),
        };
        Self::new(Kind::Credentials, sentence)
    }

    /// The same failure of a connection that leads through a proxy, which may be to blame.
    #[must_use]
    pub(crate) fn behind_proxy(self, proxy: &str) -> Self {
        let sentence = match self.kind {
            Kind::Unreachable => format!(
                "the API server cannot be reached through the proxy {proxy}: {self}. Check that the proxy runs, or name the server in NO_PROXY"
            ),
            Kind::NoAnswer | Kind::Tls => format!("{self} (through the proxy {proxy})"),
            _ => return self,
        };
        Self { sentence, ..self }
    }

    /// Judges a transport failure by the causes beneath it.
    #[must_use]
    pub(crate) fn of_transport(error: &(dyn StdError + 'static)) -> Self {
        let mut at = Some(error);
        while let Some(cause) = at {
            if let Some(known) = cause.downcast_ref::<Self>() {
                return known.clone();
            }
            if let Some(auth) = cause.downcast_ref::<kube::client::AuthError>() {
                return Self::of_auth(auth);
            }
            if let Some(io) = cause.downcast_ref::<io::Error>()
                && let Some(known) = of_io(io)
            {
                return known;
            }
            if cause.downcast_ref::<rustls::Error>().is_some() {
                return tls(&cause.to_string());
            }
            at = cause.source();
        }
        let text = chain(error);
        let lower = text.to_lowercase();
        if lower.contains("dns error") || lower.contains("failed to lookup") {
            return unknown_host();
        }
        if lower.contains("certificate") || lower.contains("tls") {
            return tls(&text);
        }
        if lower.contains("timed out") || lower.contains("timeout") || lower.contains("elapsed") {
            return Self::new(
                Kind::NoAnswer,
                "the API server does not answer in time: check its load, the network, or a proxy in between",
            );
        }
        Self::new(Kind::NoAnswer, format!("the connection to the API server broke: {}", quote(&text)))
    }
}

fn of_io(error: &io::Error) -> Option<Error> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::new(
            Kind::Unreachable,
            "nothing listens at the API server's address (connection refused): is the cluster up, is a tunnel or VPN needed?",
        ),
        io::ErrorKind::TimedOut => Error::new(
            Kind::NoAnswer,
            "the API server does not answer in time: check its load, the network, or a proxy in between",
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            Error::new(
                Kind::Unreachable,
                "there is no route to the API server: check the network, the tunnel or the VPN",
            )
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Error::new(Kind::NoAnswer, "the API server closed the connection before it answered")
        }
        _ if error.to_string().contains("failed to lookup address") => unknown_host(),
        _ => return None,
    })
}

fn unknown_host() -> Error {
    Error::new(
        Kind::Unreachable,
        "the API server's host name cannot be resolved: check `server:` in the kubeconfig, DNS, or the VPN",
    )
}

fn tls(text: &str) -> Error {
    Error::new(
        Kind::Tls,
        format!(
            "TLS with the API server fails ({}): check `certificate-authority` and `server:` in the kubeconfig",
            quote(text)
        ),
    )
}

/// A foreign text, sanitised and cut.
pub(crate) fn quote(text: &str) -> String {
    let line = sanitize::line(text.trim());
    if line.chars().count() <= QUOTE_LIMIT {
        return line.into_owned();
    }
    line.chars().take(QUOTE_LIMIT).chain(['…']).collect()
}

/// A failure and all that caused it, innermost last.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let words = cause.to_string();
        if !text.contains(&words) {
            let _ = write!(text, ": {words}");
        }
        at = cause.source();
    }
    text
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "fixtures are written where they are used")]
mod tests;
