//! What can go wrong between us and an API server, as one sentence that says what to do.
//!
//! Owns the translation of every transport, authentication and `Status` failure. Tokens, keys and certificates never enter a
//! sentence; every text from outside passes `sanitize::line`.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use kube::core::Status;
use kube::core::response::StatusCause;

use crate::api::GROUP;
use crate::sanitize;

/// The command that installs our kinds of object.
const INSTALL: &str = "release-cockpit manifests crds | kubectl apply -f -";
/// Where a policy's own words begin in a refusal.
const POLICY_MARK: &str = "denied request: ";
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
            kube::Error::InferKubeconfig(error) => super::client::kubeconfig_error(&error, &[]),
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
        if let Some(refusal) = policy_refusal(status, causes) {
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
            400 | 422 => Self::new(Kind::Invalid, invalid_sentence(status, causes)),
            429 => Self::new(
                Kind::Busy,
                format!("the API server is busy and asks to wait{}: try again", retry_after(status)),
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
        Self::new(Kind::Denied, rbac_sentence(message))
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
            Auth::AuthExecStart(cause) => format!(
                "the kubeconfig's credential plugin cannot be started ({}): install it or put it on PATH",
                quote(&cause.to_string())
            ),
            // Its standard output may hold a token: only its error output is quoted.
            Auth::AuthExecRun { cmd, out } => {
                let program = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"');
                format!(
                    "the credential plugin {} failed ({}): {}",
                    quote(program),
                    out.status,
                    quote(last_line(&String::from_utf8_lossy(&out.stderr)))
                )
            }
            Auth::AuthExecParse(_) | Auth::ExecPluginFailed => {
                "the kubeconfig's credential plugin gave no credentials: run it by hand and see what it prints".to_owned()
            }
            Auth::ReadTokenFile(cause, path) => {
                format!("the token file {} cannot be read: {}", quote(&path.display().to_string()), quote(&cause.to_string()))
            }
            Auth::MissingCommand => "the kubeconfig's exec section names no command".to_owned(),
            Auth::InvalidBearerToken(_) | Auth::InvalidBasicAuth(_) => {
                "the kubeconfig's token or password holds characters that HTTP does not allow".to_owned()
            }
            _ => "the kubeconfig's credentials cannot be used: log in again".to_owned(),
        };
        Self::new(Kind::Credentials, sentence)
    }

    /// Judges a transport failure by the causes beneath it.
    #[must_use]
    pub(crate) fn of_transport(error: &(dyn StdError + 'static)) -> Self {
        let mut at = Some(error);
        while let Some(cause) = at {
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

/// What an admission policy said, if one did; also the API server's own words when a policy found no Environment.
fn policy_refusal(status: &Status, causes: &[StatusCause]) -> Option<Error> {
    let texts = || causes.iter().map(|cause| cause.message.as_str()).chain([status.message.as_str()]);
    if texts().any(|text| text.contains("no params found for policy binding")) {
        return Some(Error::new(
            Kind::EnvironmentNotFound,
            "EnvironmentNotFound: there is no Environment in this namespace: its platform owner creates one first",
        ));
    }
    let words = texts().find_map(|text| text.split_once(POLICY_MARK))?.1.trim();
    if words.starts_with("expression '") {
        return Some(Error::new(
            Kind::Server,
            format!("an admission policy itself is broken; report this to its owner: {}", quote(words)),
        ));
    }
    let code = words.split_once(": ").map_or("", |(code, _)| code);
    let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric());
    let code = if is_code { code.to_owned() } else { String::new() };
    let kind = if code == "EnvironmentNotFound" { Kind::EnvironmentNotFound } else { Kind::Refused { code } };
    Some(Error::new(kind, quote(words)))
}

/// The fields that do not fit; causes about `<nil>` only repeat that others were not looked at.
fn invalid_sentence(status: &Status, causes: &[StatusCause]) -> String {
    if let Some((_, words)) = status.message.split_once("strict decoding error: ") {
        return format!(
            "the server does not know a field that we sent ({}): its CRDs are older than this program",
            quote(words)
        );
    }
    let mut sentence = String::new();
    for cause in causes.iter().filter(|cause| cause.field != "<nil>" && !cause.message.is_empty()) {
        if !sentence.is_empty() {
            sentence.push_str("; ");
        }
        if !cause.field.is_empty() {
            let _ = write!(sentence, "{}: ", quote(&cause.field));
        }
        sentence.push_str(&quote(&cause.message));
    }
    if sentence.is_empty() {
        let words =
            status.message.split_once(" is invalid: ").map_or(status.message.as_str(), |(_, words)| words);
        sentence = quote(words.strip_prefix("<nil>: ").unwrap_or(words));
    }
    sentence
}

/// RBAC's words as a sentence about us.
fn rbac_sentence(message: &str) -> String {
    parse_rbac(message).unwrap_or_else(|| format!("you may not do this: {}", quote(message)))
}

fn parse_rbac(message: &str) -> Option<String> {
    let words = message.split_once(" cannot ")?.1;
    let (verb, rest) = words.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let group = rest
        .split_once("API group \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(group, _)| group);
    let place =
        rest.split_once("in the namespace \"").and_then(|(_, rest)| rest.split_once('"')).map_or_else(
            || "in the whole cluster".to_owned(),
            |(namespace, _)| format!("in namespace {namespace}"),
        );
    let object = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    Some(quote(&format!(
        "you may not {verb} {resource} {place}: ask for the verb `{verb}` on `{object}` there"
    )))
}

fn retry_after(status: &Status) -> String {
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if seconds == 0 { String::new() } else { format!(" {seconds} s") }
}

/// A foreign text, sanitised and cut.
pub(crate) fn quote(text: &str) -> String {
    let line = sanitize::line(text.trim());
    if line.chars().count() <= QUOTE_LIMIT {
        return line.into_owned();
    }
    line.chars().take(QUOTE_LIMIT).chain(['…']).collect()
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed no reason")
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
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(code: u16, reason: &str, message: &str, details: Value) -> Error {
        let status: Status = serde_json::from_value(json!({
            "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details,
        }))
        .unwrap();
        Error::of_status(&status, "releases.release-cockpit.dev")
    }

    fn refusal(code: u16, words: &str) -> Error {
        let text = format!(
            "ValidatingAdmissionPolicy 'release-cockpit-release' with binding 'b' denied request: {words}"
        );
        let message = format!("releases.release-cockpit.dev \"f1\" is forbidden: {text}");
        judged(code, "Invalid", &message, json!({"causes": [{"message": text}]}))
    }

    #[test]
    fn policies_speak_for_themselves() {
        let cases: [(u16, &str, &str); 5] = [
            (403, "IdentityMismatch: spec.requestedBy must be alice, not bob", "IdentityMismatch"),
            (403, "EnvironmentFrozen: frozen by carol until 18:00: release party", "EnvironmentFrozen"),
            (
                422,
                r"VersionRefused: version 1.2.3 does not match ^v\d+\.\d+\.\d+$ of production",
                "VersionRefused",
            ),
            (403, "SelfApproval: bob asked for this release", "SelfApproval"),
            (403, "no code here", ""),
        ];
        for (code, words, expected) in cases {
            let error = refusal(code, words);
            assert_eq!(error.kind(), &Kind::Refused { code: expected.into() }, "{words}");
            assert_eq!(error.to_string(), words);
            assert!(!error.is_transient() && !error.may_have_arrived());
        }
    }

    #[test]
    fn a_missing_environment_has_two_faces() {
        let by_code = refusal(422, "EnvironmentNotFound: no Environment nowhere in prod");
        let own_words = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
        let by_words = judged(422, "Invalid", own_words, json!({}));
        assert_eq!(by_code.kind(), &Kind::EnvironmentNotFound);
        assert_eq!(by_words.kind(), &Kind::EnvironmentNotFound);
        assert!(by_words.to_string().contains("no Environment"));
    }

    #[test]
    fn a_broken_policy_is_not_our_fault() {
        let error = refusal(422, "expression 'object.x' resulted in error: no such key: x");
        assert_eq!(error.kind(), &Kind::Server);
        assert!(error.to_string().contains("report this"), "{error}");
    }

    #[test]
    fn rbac_says_what_to_ask_for() {
        for (message, expected) in [
            (
                r#"pods is forbidden: User "dave" cannot list resource "pods" in API group "" in the namespace "prod""#,
                "you may not list pods in namespace prod: ask for the verb `list` on `pods` there",
            ),
            (
                r#"releases.release-cockpit.dev is forbidden: User "dave" cannot create resource "releases" in API group "release-cockpit.dev" in the namespace "prod""#,
                "you may not create releases in namespace prod: ask for the verb `create` on `releases.release-cockpit.dev` there",
            ),
            (
                r#"environments.release-cockpit.dev is forbidden: User "dave" cannot list resource "environments" in API group "release-cockpit.dev" at the cluster scope"#,
                "you may not list environments in the whole cluster: ask for the verb `list` on `environments.release-cockpit.dev` there",
            ),
            ("forbidden by the moon", "you may not do this: forbidden by the moon"),
        ] {
            let error = judged(403, "Forbidden", message, json!({"kind": "pods"}));
            assert_eq!((error.kind(), error.to_string().as_str()), (&Kind::Denied, expected));
        }
    }

    #[test]
    fn statuses_become_sentences() {
        let named = json!({"name": "x", "group": "release-cockpit.dev", "kind": "releases"});
        let cases: [(u16, &str, &str, Value, Kind, &str); 13] = [
            (401, "Unauthorized", "Unauthorized", json!({}), Kind::Credentials, "log in again"),
            (
                404,
                "Failed to parse error data",
                "404 page not found",
                json!({}),
                Kind::NotInstalled,
                "manifests crds",
            ),
            (404, "NotFound", "releases \"x\" not found", named, Kind::NotFound, "x does not exist"),
            (409, "AlreadyExists", "releases \"x\" already exists", json!({}), Kind::AlreadyExists, "taken"),
            (409, "Conflict", "the object has been modified", json!({}), Kind::Conflict, "first"),
            (410, "Expired", "too old resource version", json!({}), Kind::Gone, "again"),
            (
                413,
                "RequestEntityTooLarge",
                "Request entity too large: limit is 3145728",
                json!({}),
                Kind::Invalid,
                "too large",
            ),
            (
                400,
                "BadRequest",
                "strict decoding error: unknown field \"spec.approved\"",
                json!({}),
                Kind::Invalid,
                "spec.approved",
            ),
            (
                403,
                "Forbidden",
                "x is forbidden: exceeded quota: records, requested: 1",
                json!({}),
                Kind::Quota,
                "records",
            ),
            (429, "TooManyRequests", "slow", json!({"retryAfterSeconds": 7}), Kind::Busy, "wait 7 s"),
            (500, "InternalError", "etcd: no leader", json!({}), Kind::Server, "etcd"),
            (503, "ServiceUnavailable", "shutting down", json!({}), Kind::Server, "503"),
            (418, "Teapot", "short and stout", json!({}), Kind::Server, "418"),
        ];
        for (code, reason, message, details, kind, part) in cases {
            let error = judged(code, reason, message, details);
            assert_eq!(error.kind(), &kind, "{code} {message}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn schema_errors_name_their_fields_and_drop_the_noise() {
        let error = judged(
            422,
            "Invalid",
            "Release.release-cockpit.dev \"f18\" is invalid: [spec.version: …]",
            json!({"causes": [
                {"reason": "FieldValueTooLong", "message": "Too long: may not be more than 128 bytes", "field": "spec.version"},
                {"reason": "FieldValueInvalid", "message": "Invalid value: null: some validation rules were not checked", "field": "<nil>"},
            ]}),
        );
        assert_eq!(error.to_string(), "spec.version: Too long: may not be more than 128 bytes");
        let root =
            judged(422, "Invalid", "X \"a\" is invalid: <nil>: Invalid value: name too long", json!({}));
        assert_eq!(root.to_string(), "Invalid value: name too long");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let error = refusal(403, "Code: \u{1b}[2Jgone\u{202e}");
        assert_eq!(error.to_string(), "Code: gone");
    }

    #[test]
    fn transport_failures_are_told_apart() {
        let io = |kind| kube::Error::Service(Box::new(io::Error::from(kind)));
        for (error, kind) in [
            (io(io::ErrorKind::ConnectionRefused), Kind::Unreachable),
            (io(io::ErrorKind::TimedOut), Kind::NoAnswer),
            (io(io::ErrorKind::ConnectionReset), Kind::NoAnswer),
            (
                kube::Error::Service("dns error: failed to lookup address information".into()),
                Kind::Unreachable,
            ),
            (
                kube::Error::Service(Box::new(rustls::Error::InvalidCertificate(
                    rustls::CertificateError::UnknownIssuer,
                ))),
                Kind::Tls,
            ),
        ] {
            let translated = Error::of(error, "pods");
            assert_eq!(translated.kind(), &kind, "{translated}");
        }
        assert!(Error::timeout(15).is_transient() && Error::timeout(15).may_have_arrived());
    }

    #[cfg(unix)]
    #[test]
    fn a_plugin_that_prints_a_token_and_fails_does_not_leak_it() {
        use std::os::unix::process::ExitStatusExt as _;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"token: s3cret".to_vec(),
            stderr: b"warning\nsession expired, run login\n".to_vec(),
        };
        let error = kube::Error::Auth(kube::client::AuthError::AuthExecRun {
            cmd: "\"login-tool\" \"--token\" \"s3cret\"".into(),
            out: Box::new(out),
        });
        let sentence = Error::of(error, "pods").to_string();
        assert!(sentence.contains("login-tool") && sentence.contains("run login"), "{sentence}");
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
}
