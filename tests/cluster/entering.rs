//! Entering pods from the cockpit, by the real kubectl on the real server: what is typed goes to the pod, and the cockpit comes back.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::space::Space;
use crate::terminal::{Terminal, line_with};
use crate::world::{self, PROGRAM};

/// For an answer through API server and kubelet.
const PATIENCE: Duration = Duration::from_secs(30);
const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shell, namespace: NAMESPACE}
subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: release-cockpit-shell}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_and_a_forwarded_port_lead_into_the_pod_and_back() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "entered").await;
    space.application(&["backend"], json!({"tier": "staging"})).await;
    world.apply(&BINDING.replace("NAMESPACE", &space.namespace)).await;

    let kubeconfig = world.kubeconfig_of("alice").display().to_string();
    let arguments = ["--kubeconfig", &kubeconfig, "--namespace", &space.namespace];
    // the cockpit calls it by its name
    let tools = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(world.kubectl_path(), tools.path().join("kubectl")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let mut terminal = Terminal::start_program(PROGRAM, &arguments, (45, 170), &[("PATH", &path)]);
    terminal.until_text("backend-");
    terminal.press("\t");

    leave(&mut terminal, "S", "kubectl --kubeconfig");
    terminal.press("\u{15}echo \"$WHERE $((40+2))\"\r");
    terminal.until_text("in the pod 42");
    terminal.press("exit\r");
    terminal.until("the cockpit again", |screen| line_with(screen, &["Pods", "production"]));

    let port = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    let port = port.expect("a free port").port();
    leave(&mut terminal, "f", "Forward a port of");
    terminal.press(&format!("\u{15}{port}:8080\r"));
    terminal.until_text(&format!("Forwarding from 127.0.0.1:{port} -> 8080"));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a forwarded port");
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.expect("a request");
    // a forwarded connection stays open where the far end has closed it
    let mut status = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut status)).await;
    read.expect("an answer in time").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&status[9..]), "200");
    drop(stream);
    terminal.press("\u{3}");
    terminal.until("the cockpit again", |screen| line_with(screen, &["Pods", "production"]));
    // text right after a refusal is dropped; a key that is no text ends that
    terminal.press("\u{1b}[A");
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// Presses a key until it leads there: before that, the cockpit may not yet know that it is allowed. One too many is typed there.
fn leave(terminal: &mut Terminal, key: &str, to: &str) {
    for _ in 0..20 {
        terminal.press(key);
        if terminal.shows_within(to, Duration::from_secs(2)) {
            return;
        }
    }
    terminal.until_text(to);
}
