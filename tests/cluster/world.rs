//! The cluster under test: who its people are, and what is installed in it once for all tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::contract::{Backend, PEOPLE};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_release-cockpit");

/// Where the cluster is.
#[derive(Debug)]
pub struct World {
    kubeconfig: PathBuf,
    users: PathBuf,
    kubectl: PathBuf,
    /// URL of its Prometheus.
    pub prometheus: String,
    /// URL of its traffic generator.
    pub traffic: String,
    audit_log: PathBuf,
    definitions: PathBuf,
    /// What tells the names of this run from those of any other.
    pub run: String,
}

/// The cluster, with the project's manifests installed; nothing where there is none.
pub async fn world() -> Option<&'static World> {
    static WORLD: OnceCell<Option<World>> = OnceCell::const_new();
    let world = WORLD
        .get_or_init(|| async {
            rustls::crypto::ring::default_provider().install_default().ok();
            let Some(kubeconfig) = std::env::var_os("RELEASE_COCKPIT_TEST_KUBECONFIG") else {
                eprintln!("skipped: no cluster; tests/cluster/run brings one up, RELEASE_COCKPIT_TEST_KUBECONFIG names another");
                return None;
            };
            let told = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see tests/cluster/README.md"));
            let world = World {
                kubeconfig: kubeconfig.into(),
                users: told("RELEASE_COCKPIT_TEST_USERS_DIR").into(),
                kubectl: std::env::var_os("RELEASE_COCKPIT_TEST_KUBECTL").map_or_else(|| "kubectl".into(), PathBuf::from),
                prometheus: told("RELEASE_COCKPIT_TEST_PROMETHEUS"),
                traffic: told("RELEASE_COCKPIT_TEST_TRAFFIC"),
                audit_log: told("RELEASE_COCKPIT_TEST_AUDIT_LOG").into(),
                definitions: told("RELEASE_COCKPIT_TEST_CRDS_DIR").into(),
                run: format!("{:x}", std::process::id()),
            };
            world.install().await;
            Some(world)
        })
        .await;
    world.as_ref()
}

/// Polls until something is there; panics after `secs`.
pub async fn until<T, F: Future<Output = Option<T>>>(
    secs: u64,
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let found = tokio::time::timeout(Duration::from_secs(secs), async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("it did not happen within {secs} s: {what}"))
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed, provided that it went well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{} {}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs a program with this input.
pub async fn run(program: &Path, arguments: &[&str], input: &str) -> Ended {
    let home = std::env::temp_dir();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.env_remove("KUBECONFIG").env("XDG_CONFIG_HOME", &home).env("NO_COLOR", "1");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.as_bytes()).await.expect("to be read");
    drop(stdin);
    let ended = tokio::time::timeout(Duration::from_secs(180), child.wait_with_output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{arguments:?} does not end")).expect("an end");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

impl World {
    /// A client of one person; it belongs to the runtime that it was made in.
    pub async fn client(&self, who: &str) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig_of(who)).expect("a kubeconfig");
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("a configuration");
        config.default_retry = false;
        Client::try_from(config).expect("a client")
    }

    /// What everybody did, as the API server wrote it down.
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    pub fn kubeconfig_of(&self, who: &str) -> PathBuf {
        if who == "admin" { self.kubeconfig.clone() } else { self.users.join(format!("{who}.kubeconfig")) }
    }

    /// Where kubectl is.
    pub fn kubectl_path(&self) -> &Path {
        &self.kubectl
    }

    /// kubectl as one person.
    pub async fn kubectl(&self, who: &str, arguments: &[&str], input: &str) -> Ended {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig_of(who).display());
        let mut all = vec![kubeconfig.as_str()];
        all.extend(arguments);
        run(&self.kubectl, &all, input).await
    }

    /// Applies manifests as the admin.
    pub async fn apply(&self, manifests: &str) -> String {
        self.kubectl("admin", &["apply", "-f", "-"], manifests).await.ok()
    }

    /// A new namespace with the bindings of all groups.
    pub async fn namespace(&self, stem: &str) -> String {
        let stem = stem.replace('_', "-");
        let name = format!("{}-{}", &stem[..stem.len().min(50)].trim_end_matches('-'), self.run);
        let mut manifests = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
        for (role, subject) in [
            ("viewer", "{kind: Group, name: viewers, apiGroup: rbac.authorization.k8s.io}"),
            ("operator", "{kind: Group, name: operators, apiGroup: rbac.authorization.k8s.io}"),
            ("approver", "{kind: Group, name: team-leads, apiGroup: rbac.authorization.k8s.io}"),
            ("oncall", "{kind: Group, name: on-call, apiGroup: rbac.authorization.k8s.io}"),
            ("releaser", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("retention", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("second-workloads", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("router-gateway-api", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("router-istio", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("router-nginx", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
            ("router-traefik", "{kind: ServiceAccount, name: controller, namespace: release-cockpit}"),
        ] {
            let _ = write!(
                manifests,
                "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {role}, namespace: {name}}}\nsubjects: [{subject}]\n\
                 roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: release-cockpit-{role}}}\n"
            );
        }
        // those who may edit workloads, and even label the namespace
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: editor, namespace: {name}}}\n\
             subjects: [{{kind: Group, name: editors, apiGroup: rbac.authorization.k8s.io}}]\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}\n\
             ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: labels, namespace: {name}}}\n\
             rules: [{{apiGroups: [''], resources: [namespaces, pods/ephemeralcontainers], verbs: [get, patch]}}]\n\
             ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: labels, namespace: {name}}}\n\
             subjects: [{{kind: Group, name: editors, apiGroup: rbac.authorization.k8s.io}}]\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: labels}}\n"
        );
        // those who freeze, and may not roll back
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: freezer, namespace: {name}}}\n\
             rules:\n- {{apiGroups: [release-cockpit.dev], resources: [environments], verbs: [freeze]}}\n\
             - {{apiGroups: [release-cockpit.dev], resources: [releaseactions], verbs: [create]}}\n\
             ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: freezer, namespace: {name}}}\n\
             subjects: [{{kind: Group, name: freezers, apiGroup: rbac.authorization.k8s.io}}]\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: freezer}}\n"
        );
        // the controllers of a test agree on their leader in its own namespace
        let _ = write!(
            manifests,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: leases, namespace: {name}}}\n\
             rules: [{{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, create, update]}}]\n\
             ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: leases, namespace: {name}}}\n\
             subjects: [{{kind: ServiceAccount, name: controller, namespace: release-cockpit}}]\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: leases}}\n"
        );
        self.apply(&manifests).await;
        name
    }

    /// The cluster as the contract sees it, in a namespace of this check's own.
    pub async fn backend(&self, check: &str) -> Backend {
        let namespace = self.namespace(&format!("contract-{check}")).await;
        self.seen_from(namespace).await
    }

    async fn seen_from(&self, namespace: String) -> Backend {
        let mut people = BTreeMap::new();
        for name in PEOPLE {
            people.insert(name, self.client(name).await);
        }
        Backend {
            namespace,
            people,
            step: Box::new(|| Box::pin(tokio::time::sleep(Duration::from_millis(100)))),
            forgotten: Box::new(|| None),
            _world: Box::new(()),
        }
    }

    /// Installs what the program prints, and waits until it is in force.
    async fn install(&self) {
        let manifests = run(Path::new(PROGRAM), &["manifests"], "").await.ok();
        // a first installation meets its own definitions half way: the second pass must change nothing that the first did
        until(30, "the manifests are taken", || async {
            let applied = self.kubectl("admin", &["apply", "-f", "-"], &manifests).await;
            if applied.code != 0 {
                eprintln!("not yet: {}", applied.stderr);
            }
            (applied.code == 0).then_some(())
        })
        .await;
        let names = ["environments", "releases", "releaseactions"]
            .map(|plural| format!("{plural}.release-cockpit.dev"));
        self.until_established(&names.each_ref().map(String::as_str)).await;
        self.install_routers().await;
        let optional = run(Path::new(PROGRAM), &["manifests", "policies", "--optional"], "").await.ok();
        self.apply(&optional).await;
        self.await_policies().await;
    }

    /// Waits until the server serves these kinds. One that has no condition yet is an error to kubectl, and no reason to wait.
    async fn until_established(&self, kinds: &[&str]) {
        let mut wait = vec!["wait", "--for=condition=Established", "--timeout=30s", "crd"];
        wait.extend(kinds);
        until(30, "the kinds are served", || async {
            (self.kubectl("admin", &wait, "").await.code == 0).then_some(())
        })
        .await;
    }

    /// The kinds of the routers, as their own projects define them.
    async fn install_routers(&self) {
        for (file, kinds) in [
            ("gateway-api", &["httproutes.gateway.networking.k8s.io"][..]),
            ("istio", &["virtualservices.networking.istio.io", "destinationrules.networking.istio.io"]),
            ("traefik", &["traefikservices.traefik.io"]),
        ] {
            let path = self.definitions.join(format!("{file}.yaml"));
            let path = path.display().to_string();
            self.kubectl("admin", &["apply", "--server-side", "-f", &path], "").await.ok();
            self.until_established(kinds).await;
        }
    }

    /// A policy is in force when a dry run is refused by it.
    async fn await_policies(&self) {
        let namespace = self.namespace("policies").await;
        let backend = self.seen_from(namespace).await;
        let dry = |plural: &str| format!("{}?dryRun=All", backend.ours(plural));
        let mut forged = backend.release("probe", "v1.0.0");
        forged["spec"]["requestedBy"] = json!("nobody");
        let mut borrowed = backend.approval("probe", "probe");
        borrowed["spec"]["actor"] = json!("carol");
        let mut alien = backend.approval("probe", "probe");
        alien["spec"]["slots"] = json!([{"name": "unknown"}]);
        let (nightly, nowhere) = (backend.release("probe", "nightly"), {
            let mut release = backend.release("probe", "v1.0.0");
            release["spec"]["environment"] = json!("nowhere");
            release
        });
        backend.environment().await;
        backend.post("alice", &backend.ours("releases"), &backend.release("probe", "v1.0.0")).await.ok();
        let stands = |body: &Value, words: &str| {
            let message = body["message"].as_str().unwrap_or("accepted");
            if !message.contains(words) {
                eprintln!("{words} is not in force yet: {message}");
            }
            message.contains(words).then_some(())
        };
        for (who, plural, object, words) in [
            ("alice", "releases", &forged, "IdentityMismatch"),
            ("alice", "releases", &nightly, "VersionRefused"),
            ("alice", "releases", &nowhere, "EnvironmentNotFound"),
            ("bob", "releaseactions", &borrowed, "IdentityMismatch"),
            ("bob", "releaseactions", &alien, "SlotUnknown"),
        ] {
            backend
                .until(words, || async { stands(&backend.post(who, &dry(plural), object).await.body, words) })
                .await;
        }
        self.await_optional_policies(&backend).await;
        let one = backend.ours("releases/probe");
        backend
            .until("RecordImmutable", || async {
                stands(
                    &backend.delete("admin", &format!("{one}?dryRun=All"), &Value::Null).await.body,
                    "RecordImmutable",
                )
            })
            .await;
        backend
            .until("ControllerOnly", || async {
                let patch = backend
                    .patch(
                        "admin",
                        &format!("{one}/status?dryRun=All"),
                        ("merge", &json!({"status": {"message": "x"}})),
                    )
                    .await;
                stands(&patch.body, "ControllerOnly")
            })
            .await;
    }

    /// The lock on workloads and its label, the guard of the definitions, the stamps.
    async fn await_optional_policies(&self, backend: &Backend) {
        let space = format!("/api/v1/namespaces/{}", backend.namespace);
        let label = |value: &str| json!({"metadata": {"labels": {"release-cockpit.dev/managed": value}}});
        backend.patch("admin", &space, ("merge", &label("true"))).await.ok();
        let mut nobody = backend.release("stamped", "v1.0.0");
        nobody["spec"].as_object_mut().expect("a spec").remove("requestedBy");
        backend
            .until("the lock, the label and the stamp", || async {
                let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"},
                    "spec": {"containers": [{"name": "x", "image": "x"}]}});
                let bare = backend.post("frank", &format!("{}?dryRun=All", backend.core("pods")), &pod).await;
                let off =
                    backend.patch("frank", &format!("{space}?dryRun=All"), ("merge", &label("false"))).await;
                let stamped =
                    backend.post("alice", &format!("{}?dryRun=All", backend.ours("releases")), &nobody).await;
                (bare.code == 403 && off.code == 403 && stamped.code == 201).then_some(())
            })
            .await;
        let crd =
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/releases.release-cockpit.dev?dryRun=All";
        backend
            .until("the guard of the definitions", || async {
                (backend.delete("admin", crd, &Value::Null).await.code == 403).then_some(())
            })
            .await;
    }
}
