//! A connection for one command: the cluster, who we are there, and what it holds.

use std::io::IsTerminal as _;

use super::choose;
use super::error::CliError;
use super::exit::Exit;
use super::output;
use crate::api::{Environment, Release};
use crate::cluster::registry::Mirrors;
use crate::cluster::{self, AuthenticatedUser, Cluster, ConnectOptions, Source};
use crate::config::Settings;
use crate::domain::address::Allowed;
use crate::domain::intent::Author;
use crate::time::Clock;

/// One cluster for one command.
pub(super) struct Session {
    /// The cluster.
    pub(super) cluster: Cluster,
    /// Namespaces to look into; empty: all.
    namespaces: Vec<String>,
    /// Namespaces that are listed one by one where the whole cluster may not be.
    looked_into: Vec<String>,
    user: String,
    groups: Vec<Box<str>>,
}

impl Session {
    /// Opens the one context of the settings and asks who we are there. The namespaces of `targets` such as `namespace/name` are looked
    /// into as well.
    pub(super) async fn open(settings: &Settings, targets: &[&str]) -> Result<Self, CliError> {
        if let [first, second, ..] = settings.contexts.as_slice() {
            return Err(CliError::new(
                Exit::Usage,
                format!("this acts on one cluster: name one --context, not both {first} and {second}"),
            ));
        }
        let named = targets
            .iter()
            .filter_map(|target| target.split_once('/'))
            .map(|(namespace, _)| namespace.to_owned());
        let looked_into = settings.namespaces.iter().cloned().chain(named);
        let looked_into: Vec<String> = looked_into.collect();
        let cluster =
            connect(settings, settings.contexts.first()).await?.with_namespaces(looked_into.iter().cloned());
        let AuthenticatedUser { user, groups } = cluster.identity().await?;
        if user.is_empty() {
            return Err(CliError::new(
                Exit::Error,
                "the API server does not tell who we are (SelfSubjectReview, Kubernetes 1.28 or newer)",
            ));
        }
        let groups = groups.into_iter().map(String::into_boxed_str).collect();
        Ok(Self { cluster, namespaces: settings.namespaces.clone(), user, groups, looked_into })
    }

    /// The same session, which also looks into that namespace where the whole cluster may not be listed.
    pub(super) fn looking_into(mut self, namespace: &str) -> Self {
        self.looked_into.push(namespace.to_owned());
        self.cluster = self.cluster.with_namespaces(self.looked_into.iter().cloned());
        self
    }

    /// Us, as the API server knows us.
    pub(super) fn author(&self) -> Author<'_> {
        Author { user: &self.user, groups: &self.groups }
    }

    /// Namespaces to look into; empty: all.
    pub(super) fn namespaces(&self) -> &[String] {
        &self.namespaces
    }

    /// The environments in sight.
    pub(super) async fn environments(&self) -> Result<Vec<Environment>, CliError> {
        let mut all = self.cluster.environments().await.map_err(where_else)?;
        all.retain(|environment| in_sight(&self.namespaces, environment.metadata.namespace.as_deref()));
        output::not_understood(&all);
        Ok(all)
    }

    /// The releases in sight.
    pub(super) async fn releases(&self) -> Result<Vec<Release>, CliError> {
        let mut all = self.cluster.releases().await.map_err(where_else)?;
        all.retain(|release| in_sight(&self.namespaces, release.metadata.namespace.as_deref()));
        output::not_understood(&all);
        Ok(all)
    }

    /// The environment that a person means.
    pub(super) async fn environment(&self, given: &str) -> Result<Environment, CliError> {
        choose::environment(&self.environments().await?, given).cloned()
    }
}

/// Who may not list the whole cluster is told how to look into a part of it.
pub(super) fn where_else(error: cluster::Error) -> CliError {
    if error.kind() == &cluster::Kind::Denied {
        let sentence = format!("{error}; or name namespaces that you may read: -n NAMESPACE");
        return CliError::new(CliError::from(error).exit(), sentence);
    }
    error.into()
}

/// The addresses of registries in the settings.
pub(super) fn mirrors(settings: &Settings) -> Result<Mirrors, CliError> {
    let wrong = |sentence: String| {
        CliError::new(Exit::Usage, crate::sanitize::line(&format!("registry.mirrors: {sentence}")))
    };
    Mirrors::parse(&settings.registry_mirrors).map_err(wrong)
}

/// What servers may be asked besides the rule for those that Environments name: the list of the settings, and what the user gave in full.
pub(super) fn allowed(settings: &Settings, more: &[String]) -> Result<Allowed, CliError> {
    let wrong = |sentence: String| {
        CliError::new(Exit::Usage, crate::sanitize::line(&format!("allow-hosts: {sentence}")))
    };
    let entries: Vec<&String> = settings.allow_hosts.iter().chain(more).collect();
    let given = settings.prometheus_url.iter().chain(&settings.alertmanager_url).cloned();
    Ok(Allowed::parse(&entries).map_err(wrong)?.with_given(given))
}

/// Where registries are asked what tags mean; nothing where nobody wants that.
pub(super) fn mirrors_asked(settings: &Settings) -> Result<Option<Mirrors>, CliError> {
    let mirrors = mirrors(settings)?;
    Ok(settings.registry_resolve.then_some(mirrors))
}

/// Where the settings' kubeconfig is.
pub(super) fn source(settings: &Settings) -> Source {
    settings.kubeconfig.clone().map_or(Source::Standard, Source::File)
}

/// A cluster by the settings' kubeconfig and this context.
pub(super) async fn connect(settings: &Settings, context: Option<&String>) -> Result<Cluster, CliError> {
    let options = ConnectOptions {
        source: source(settings),
        context: context.cloned(),
        interactive: std::io::stdin().is_terminal(),
        mirrors: mirrors_asked(settings)?,
        allowed: allowed(settings, &[])?,
    };
    Ok(Cluster::connect(&options).await?.with_namespaces(settings.namespaces.iter().cloned()))
}

/// Whether an object's namespace is among those asked for.
pub(super) fn in_sight(namespaces: &[String], namespace: Option<&str>) -> bool {
    namespaces.is_empty() || namespace.is_some_and(|own| namespaces.iter().any(|wanted| wanted == own))
}

/// What tells this attempt from any other, unless the caller named it.
pub(super) fn nonce(request_id: Option<&String>) -> String {
    let instant = Clock::system().now().timestamp_nanos_opt().unwrap_or_default();
    request_id.cloned().unwrap_or_else(|| format!("{instant}-{}", std::process::id()))
}
