//! One context that is looked at, with what several checks want to know, read once.

use std::time::Duration;

use tokio::sync::OnceCell;

use super::super::exit::Exit;
use super::super::session::{connect, in_sight};
use crate::api::{Environment, Release};
use crate::cluster::Cluster;
use crate::config::Settings;

/// How long a server may take for its first word.
const FIRST_WORD: Duration = Duration::from_secs(8);

/// One context.
pub(super) struct ExaminedContext {
    pub(super) context: String,
    /// The client, or why there is none.
    pub(super) cluster: Result<Cluster, String>,
    /// What helps where there is no client.
    pub(super) remedy: &'static str,
    pub(super) settings: Settings,
    server: OnceCell<Result<String, String>>,
    environments: OnceCell<Result<Vec<Environment>, String>>,
    releases: OnceCell<Vec<Release>>,
}

/// Every context that the settings name, else the current one.
pub(super) async fn all(settings: &Settings) -> Vec<ExaminedContext> {
    let contexts: Vec<Option<&String>> = match settings.contexts.as_slice() {
        [] => vec![None],
        several => several.iter().map(Some).collect(),
    };
    let opened = contexts.into_iter().map(|context| async move {
        let cluster = connect(settings, context).await;
        let remedy = cluster.as_ref().err().map_or("", |error| remedy(error.exit()));
        let cluster = cluster.map_err(|error| error.to_string());
        let name = cluster.as_ref().map(|cluster| cluster.context().to_owned()).ok();
        ExaminedContext {
            context: name.or(context.cloned()).unwrap_or_default(),
            cluster,
            remedy,
            settings: settings.clone(),
            server: OnceCell::new(),
            environments: OnceCell::new(),
            releases: OnceCell::new(),
        }
    });
    futures::future::join_all(opened).await
}

/// What helps against a configuration that gives no client.
const fn remedy(exit: Exit) -> &'static str {
    match exit {
        Exit::Refused => {
            "install or correct the credential plugin or token file that the kubeconfig names, or log in again"
        }
        Exit::Usage => "name a context of the kubeconfig with --context",
        _ => "name a valid file with --kubeconfig and a context of it with --context",
    }
}

impl ExaminedContext {
    /// The server's version, or why it does not tell.
    pub(super) async fn server(&self) -> Result<&str, &str> {
        let ask = || async {
            let cluster = self.cluster.as_ref().map_err(Clone::clone)?;
            match tokio::time::timeout(FIRST_WORD, cluster.server_version()).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("the API server did not answer within {} s", FIRST_WORD.as_secs())),
            }
        };
        self.server.get_or_init(ask).await.as_deref().map_err(String::as_str)
    }

    /// The environments in sight, or why they cannot be read.
    pub(super) async fn environments(&self) -> Result<&[Environment], &str> {
        let ask = || async {
            let cluster = self.cluster.as_ref().map_err(Clone::clone)?;
            let mut all = cluster.environments().await.map_err(|error| error.to_string())?;
            all.retain(|env| in_sight(&self.settings.namespaces, env.metadata.namespace.as_deref()));
            Ok(all)
        };
        self.environments.get_or_init(ask).await.as_deref().map_err(String::as_str)
    }

    /// Whether a release is being carried out in that environment.
    pub(super) async fn is_busy(&self, environment: &Environment) -> bool {
        let ask = || async {
            let Ok(cluster) = &self.cluster else { return Vec::new() };
            cluster.releases().await.unwrap_or_default()
        };
        let releases = self.releases.get_or_init(ask).await;
        let key = environment.key();
        releases.iter().any(|release| release.environment_key() == key && release.phase().holds_lane())
    }
}
