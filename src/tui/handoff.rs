//! Handing the terminal to kubectl: a shell in a container, a forwarded port.
//!
//! Owns which command is run: always with the exact context and namespace, and never through a shell of ours.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::app::state::effect::HandOff;
use crate::cluster::{ConnectOptions, Source};

/// What is run in the container: the first shell that it has.
const SHELL: &str = "command -v bash >/dev/null 2>&1 && exec bash || exec sh";

/// How kubectl reaches a cluster of this session.
#[derive(Clone, Debug)]
pub(super) struct KubectlTarget {
    /// The kubeconfig that was named; absent: the standard one.
    kubeconfig: Option<PathBuf>,
    /// The context; absent: the current one, or the pod that we run in.
    context: Option<String>,
    /// Why kubectl cannot reach it.
    cannot: Option<&'static str>,
}

impl KubectlTarget {
    /// The way to a cluster that is connected to by these options.
    pub(super) fn of(name: &str, options: &ConnectOptions) -> Self {
        let (kubeconfig, cannot) = match &options.source {
            Source::Standard => (None, None),
            Source::File(path) => (Some(path.clone()), None),
            Source::Yaml(_) | Source::Server(_) => (
                None,
                Some(
                    "this world has no cluster that kubectl could enter: nothing runs in its pods, they are \
                     simulated",
                ),
            ),
        };
        let context = options.context.clone().or_else(|| (!name.is_empty()).then(|| name.to_owned()));
        Self { kubeconfig, context: context.filter(|context| context != "in-cluster"), cannot }
    }

    /// Why kubectl cannot reach it.
    pub(super) const fn cannot(&self) -> Option<&'static str> {
        self.cannot
    }

    /// The words of the command after `kubectl`.
    pub(super) fn arguments(&self, what: &HandOff) -> Result<Vec<OsString>, String> {
        if let Some(sentence) = self.cannot {
            return Err(sentence.to_owned());
        }
        let mut words: Vec<OsString> = Vec::new();
        if let Some(path) = &self.kubeconfig {
            words.extend([OsString::from("--kubeconfig"), path.into()]);
        }
        if let Some(context) = &self.context {
            words.extend(["--context".into(), context.into()]);
        }
        let (HandOff::Shell { pod, .. } | HandOff::Forward { pod, .. }) = what;
        words.extend(["--namespace".into(), pod.namespace.as_ref().into()]);
        match what {
            HandOff::Shell { pod, container } => {
                words.extend(["exec", "--stdin", "--tty"].map(OsString::from));
                words.push(pod.name.as_ref().into());
                if let Some(container) = container {
                    words.extend(["--container".into(), container.as_ref().into()]);
                }
                words.extend(["--", "sh", "-c", SHELL].map(OsString::from));
            }
            HandOff::Forward { pod, ports } => {
                words.push("port-forward".into());
                words.push(format!("pod/{}", pod.name).into());
                words.extend(ports.iter().map(|port| OsString::from(port.as_ref())));
            }
        }
        Ok(words)
    }
}

/// The command as a person would type it.
pub(super) fn written(words: &[OsString]) -> String {
    let quoted = words.iter().map(|word| {
        let word = crate::sanitize::line(&word.to_string_lossy()).into_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    std::iter::once("kubectl".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// Starts kubectl on the terminal that we have given away.
pub(super) fn start(words: &[OsString]) -> std::io::Result<tokio::process::Child> {
    tokio::process::Command::new("kubectl").args(words).kill_on_drop(true).spawn()
}

/// How kubectl ended. An interrupt is how a person ends a forwarded port, and a shell tells the code of its last command.
pub(super) fn verdict(ended: &std::io::Result<std::process::ExitStatus>) -> Result<(), String> {
    match ended {
        Ok(status) => match status.code() {
            Some(0 | 130) | None => Ok(()),
            Some(code) => Err(format!("kubectl ended with exit code {code}")),
        },
        Err(error) => Err(format!("kubectl cannot be waited for: {error}")),
    }
}

/// One sentence for a command that could not be started.
pub(super) fn not_started(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "kubectl is not installed, or not in PATH: shells and forwarded ports are left to it".to_owned()
        }
        ErrorKind::PermissionDenied => "kubectl may not be executed: look at its permissions".to_owned(),
        _ => format!("kubectl cannot be started: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pod_row::PodKey;

    fn target(source: Source, context: Option<&str>) -> KubectlTarget {
        let options =
            ConnectOptions { source, context: context.map(Into::into), ..ConnectOptions::default() };
        KubectlTarget::of("prod-eu", &options)
    }

    fn shell() -> HandOff {
        let pod = PodKey { namespace: "shop".into(), name: "backend-1".into() };
        HandOff::Shell { pod, container: Some("main".into()) }
    }

    #[test]
    fn the_exact_context_and_namespace_are_always_named() {
        let file = target(Source::File("/a b/config".into()), Some("other"));
        assert_eq!(
            written(&file.arguments(&shell()).unwrap()),
            "kubectl --kubeconfig '/a b/config' --context other --namespace shop exec --stdin --tty backend-1 \
             --container main -- sh -c 'command -v bash >/dev/null 2>&1 && exec bash || exec sh'"
        );
        let HandOff::Shell { pod, .. } = shell() else { return };
        let forward = HandOff::Forward { pod, ports: vec!["8080:80".into()] };
        assert_eq!(
            written(&target(Source::Standard, None).arguments(&forward).unwrap()),
            "kubectl --context prod-eu --namespace shop port-forward pod/backend-1 8080:80"
        );
    }

    #[test]
    fn what_kubectl_cannot_reach_gives_a_sentence() {
        for source in [Source::Yaml("x".into()), Source::Server("http://127.0.0.1:1".into())] {
            let sentence = target(source, None).arguments(&shell()).unwrap_err();
            assert!(sentence.contains("simulated"), "{sentence}");
        }
        let missing = not_started(&std::io::Error::from(ErrorKind::NotFound));
        assert!(missing.contains("not installed"), "{missing}");
    }
}
