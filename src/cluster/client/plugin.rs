//! Runs a credential plugin (`exec` in a kubeconfig) once, with a deadline.
//!
//! Owns the process, its process group and the sentences about its failures. These name the command, its install hint and the end of
//! what it printed on standard error; never its standard output, nor the values of its variables and of arguments that may be secret.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kube::config::{Cluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::super::error::{Error, Kind, quote};
use crate::sanitize;

/// How long a plugin may take that asks nobody.
const QUIET_DEADLINE: Duration = Duration::from_secs(60);
/// How long a plugin may take that asks at the terminal: somebody types there.
const ASKING_DEADLINE: Duration = Duration::from_secs(300);
/// How long its output is read after its end, in case a child of it holds the pipe.
const GRACE: Duration = Duration::from_secs(2);
/// Longest output that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// Bytes of its error output that are kept.
const LAST_WORDS: usize = 8 << 10;
/// Lines of its error output that a sentence quotes.
const QUOTED_LINES: usize = 3;
/// Shortest value that is removed from a quotation; shorter ones stand in every text.
const SHORTEST_SECRET: usize = 4;

/// A credential plugin as a kubeconfig describes it.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    exec: ExecConfig,
    /// What `provideClusterInfo` hands over.
    cluster: Option<Value>,
    /// A terminal is free for it to ask at.
    at_terminal: bool,
    quiet_deadline: Duration,
}

/// What a plugin issued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) token: Option<String>,
    /// Certificate and key in PEM.
    pub(super) identity: Option<(String, String)>,
    pub(super) expires: Option<DateTime<Utc>>,
}

/// What is read of a plugin's answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "apiVersion")]
    api_version: Option<String>,
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// The plugin of a user; `certificates` are the cluster's certificate authorities in PEM.
    pub(super) fn new(
        exec: ExecConfig,
        cluster: &Cluster,
        certificates: &[u8],
        at_terminal: bool,
    ) -> Result<Self, Error> {
        if exec.command.is_none() {
            return Err(Error::new(Kind::Kubeconfig, "the kubeconfig's exec section names no command"));
        }
        let cluster = exec.provide_cluster_info.then(|| about(cluster, certificates));
        Ok(Self { exec, cluster, at_terminal, quiet_deadline: QUIET_DEADLINE })
    }

    /// Runs it and reads what it issued.
    pub(super) async fn run(&self) -> Result<Issued, Error> {
        let asks = self.asks();
        let mut child = self.command(asks).spawn().map_err(|error| self.not_started(&error))?;
        let deadline = if asks { ASKING_DEADLINE } else { self.quiet_deadline };
        let group = Group::of(&child, asks);
        let (status, output, errors) = watch(&mut child, deadline).await;
        drop(group);
        let last = self.last_words(&errors);
        let named = self.named();
        let Some(status) = status else {
            let sentence = format!(
                "the credential plugin {named} did not answer within {} s and was ended{last}: run it by hand, or log in first",
                deadline.as_secs()
            );
            return Err(Error::new(Kind::Credentials, sentence));
        };
        if !status.success() {
            let hint = self.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let sentence =
                format!("the credential plugin {named} failed ({status}){last}{}{hint}", self.elsewhere());
            return Err(Error::new(Kind::Credentials, sentence));
        }
        read(&output, self.exec.api_version.as_deref()).map_err(|why| {
            Error::new(
                Kind::Credentials,
                format!("the credential plugin {named} {why}{last}: run it by hand and read what it prints"),
            )
        })
    }

    /// Whether it may ask at the terminal.
    fn asks(&self) -> bool {
        self.at_terminal && self.exec.interactive_mode != Some(ExecInteractiveMode::Never)
    }

    fn command(&self, asks: bool) -> Command {
        let mut command = Command::new(self.exec.command.as_deref().unwrap_or_default());
        command.args(self.exec.args.iter().flatten());
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command.env("KUBERNETES_EXEC_INFO", self.info(asks)).stdout(Stdio::piped()).kill_on_drop(true);
        if asks {
            // Its questions need the terminal as it is, and the terminal's process group.
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            let errors = if self.at_terminal { Stdio::inherit() } else { Stdio::piped() };
            command.stdin(Stdio::null()).stderr(errors);
            #[cfg(unix)]
            command.process_group(0);
        }
        command
    }

    /// The description that the plugin reads from its environment.
    fn info(&self, asks: bool) -> String {
        let mut spec = json!({"interactive": asks});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        json!({"kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec}).to_string()
    }

    fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.exec.env.iter().flatten().filter_map(|entry| {
            let name = entry.get("name").filter(|name| !name.is_empty())?;
            Some((name.as_str(), entry.get("value").map_or("", String::as_str)))
        })
    }

    fn named(&self) -> String {
        quote(self.exec.command.as_deref().unwrap_or_default())
    }

    fn hint(&self) -> Option<String> {
        let hint = sanitize::block(self.exec.install_hint.as_deref()?.trim()).into_owned();
        Some(quote(&hint.split_whitespace().collect::<Vec<_>>().join(" "))).filter(|hint| !hint.is_empty())
    }

    /// What helps where it wanted to ask and there was no terminal for it.
    fn elsewhere(&self) -> &'static str {
        let may_ask = self.exec.interactive_mode != Some(ExecInteractiveMode::Never);
        if may_ask && !self.at_terminal {
            "; it cannot ask here: log in first, as with `kubectl get pods`"
        } else {
            ""
        }
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let named = self.named();
        let sentence = match (error.kind(), self.hint()) {
            (std::io::ErrorKind::NotFound, Some(hint)) => {
                format!("the credential plugin {named} is not installed: {hint}")
            }
            (std::io::ErrorKind::NotFound, None) => {
                format!("the credential plugin {named} is not installed: install it or put it on PATH")
            }
            (_, hint) => format!(
                "the credential plugin {named} cannot be started ({}): {}",
                quote(&error.to_string()),
                hint.unwrap_or_else(|| "make the file executable, or install the plugin again".to_owned())
            ),
        };
        Error::new(Kind::Credentials, sentence)
    }

    /// The end of its error output, without secrets; begins with a colon, or is empty.
    fn last_words(&self, errors: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(errors).into_owned();
        let mut secrets: Vec<&str> = self.variables().map(|(_, value)| value).collect();
        secrets.extend(secret_arguments(self.exec.args.as_deref().unwrap_or_default()));
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
            text = text.replace(secret, "***");
        }
        let mut lines: Vec<&str> =
            text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(QUOTED_LINES).collect();
        lines.reverse();
        if lines.is_empty() { String::new() } else { format!(": {}", quote(&lines.join("; "))) }
    }
}

/// Values of arguments whose names announce a secret: `--token X`, `--password=X`.
fn secret_arguments(arguments: &[String]) -> Vec<&str> {
    let announces = |name: &str| {
        let name = name.to_lowercase();
        name.starts_with('-')
            && ["token", "secret", "pass", "key", "credential", "cookie", "otp", "pin", "auth"]
                .iter()
                .any(|word| name.contains(word))
    };
    let mut secrets = Vec::new();
    let mut before = "";
    for argument in arguments {
        match argument.split_once('=') {
            Some((name, value)) if announces(name) => secrets.push(value),
            _ if announces(before) && !before.contains('=') => secrets.push(argument.as_str()),
            _ => {}
        }
        before = argument;
    }
    secrets
}

/// What `provideClusterInfo` hands over, in the field names of `client.authentication.k8s.io`.
fn about(cluster: &Cluster, certificates: &[u8]) -> Value {
    use base64::Engine as _;
    let mut about = json!({"server": cluster.server});
    let data = base64::engine::general_purpose::STANDARD.encode(certificates);
    let config =
        cluster.extensions.iter().flatten().find(|one| one.name == "client.authentication.k8s.io/exec");
    let optional = [
        ("tls-server-name", cluster.tls_server_name.as_deref().map(Value::from)),
        ("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify.filter(|skip| *skip).map(Value::from)),
        ("certificate-authority-data", Some(Value::from(data)).filter(|_| !certificates.is_empty())),
        ("proxy-url", cluster.proxy_url.as_deref().map(Value::from)),
        ("disable-compression", cluster.disable_compression.filter(|off| *off).map(Value::from)),
        ("config", config.map(|one| one.extension.clone())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            about[name] = value;
        }
    }
    about
}

/// The process group of a plugin that asks nobody; killed when dropped, so that no child of the plugin stays behind.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child, asks: bool) -> Self {
        Self(child.id().filter(|_| !asks))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Waits for the end of a process: its status, absent at the deadline, its output and the end of its error output.
async fn watch(child: &mut Child, deadline: Duration) -> (Option<ExitStatus>, Vec<u8>, Vec<u8>) {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = {
        let reading =
            async { tokio::join!(fill(stdout, &mut output, false), fill(stderr, &mut errors, true)) };
        tokio::pin!(reading);
        let mut is_read = false;
        let late = tokio::time::sleep(deadline);
        tokio::pin!(late);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.ok(),
                _ = &mut reading, if !is_read => is_read = true,
                () = &mut late => break None,
            }
        };
        if status.is_none() {
            let _ = child.start_kill();
        } else if !is_read {
            let _ = tokio::time::timeout(GRACE, reading).await;
        }
        status
    };
    (status, output, errors)
}

/// Reads to the end: the first megabyte, or the last words.
async fn fill(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, last: bool) {
    let Some(mut from) = from else { return };
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        into.extend_from_slice(&piece[..count]);
        if last && into.len() > LAST_WORDS {
            into.drain(..into.len() - LAST_WORDS);
        } else if into.len() > LONGEST {
            into.truncate(LONGEST);
        }
    }
}

/// The credentials in a plugin's output, in JSON or YAML; else why there are none.
fn read(output: &[u8], wanted: Option<&str>) -> Result<Issued, &'static str> {
    let answer: Answer = serde_saphyr::from_slice(output).map_err(|_| "printed no ExecCredential")?;
    if let (Some(wanted), Some(given)) = (wanted, answer.api_version.as_deref())
        && wanted != given
    {
        return Err("answers in another apiVersion than the kubeconfig asks for");
    }
    let status = answer.status.ok_or("printed an ExecCredential without a status")?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let identity = match (filled(status.client_certificate_data), filled(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("gave a certificate or a key, not both"),
    };
    let token = filled(status.token).map(|token| token.trim().to_owned());
    if token.is_none() && identity.is_none() {
        return Err("gave neither a token nor a certificate");
    }
    let stated = filled(status.expiration_timestamp)
        .map(|text| DateTime::parse_from_rfc3339(&text).map(|instant| instant.to_utc()))
        .transpose()
        .map_err(|_| "gave an expirationTimestamp that is no RFC 3339 time")?;
    let ends = identity.as_ref().and_then(|(certificate, _)| end_of(certificate));
    Ok(Issued { token, identity, expires: stated.into_iter().chain(ends).min() })
}

/// Until when the first certificate is valid.
fn end_of(pem: &str) -> Option<DateTime<Utc>> {
    let first = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).next()?.ok()?;
    let certificate = first.parse_x509().ok()?;
    DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
}

#[cfg(test)]
mod tests;
