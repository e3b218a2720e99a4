//! Silences through the API server's service proxy, on the real server and the real Alertmanager: who has the role makes and ends them; who
//! may only read does not, and is told what is missing.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::{cli, told};
use crate::space::Space;
use crate::world::{until, world};

/// An address of this machine that is not loopback's, which no endpoint of a Service may have. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

/// Leads connections to an address of this machine on to the Alertmanager, which listens on loopback.
async fn led_on(address: IpAddr, url: &str) -> u16 {
    let url: url::Url = url.parse().expect("a URL");
    let to = SocketAddr::from(([127, 0, 0, 1], url.port().expect("a port")));
    let listener = TcpListener::bind((address, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    port
}

/// The Service `alertmanager` at that address, and whom which of our roles is bound to there. The server leads only to addresses of pods: this
/// one is never scheduled, and has the address by word of mouth.
async fn install(monitoring: &Space, at: (IpAddr, u16), roles: &[(&str, &str)]) {
    let (address, port) = at;
    let meta = json!({"name": "alertmanager", "namespace": monitoring.namespace});
    let target = json!({"kind": "Pod", "name": "alertmanager", "namespace": monitoring.namespace});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"schedulerName": "nobody", "containers": [{"name": "alertmanager", "image": "alertmanager"}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta,
            "spec": {"ports": [{"name": "http", "port": 9093, "targetPort": port}]}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta,
            "subsets": [{"addresses": [{"ip": address, "targetRef": target}], "ports": [{"name": "http", "port": port}]}]}),
    ];
    for (who, role) in roles {
        objects.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": format!("{who}-{role}"), "namespace": monitoring.namespace},
            "subjects": [{"kind": "User", "name": who, "apiGroup": "rbac.authorization.k8s.io"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("release-cockpit-{role}")}}));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    monitoring.world.apply(&list.to_string()).await;
    let status = Patch::Merge(json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}}));
    let pods = monitoring.api::<Pod>();
    pods.patch_status("alertmanager", &PatchParams::default(), &status).await.expect("to have an address");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silences_go_through_the_service_proxy_by_a_role_of_their_own() {
    let Some(world) = world().await else { return };
    let Some(address) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback's");
        return;
    };
    let url = std::env::var("RELEASE_COCKPIT_TEST_ALERTMANAGER").expect("RELEASE_COCKPIT_TEST_ALERTMANAGER");
    let space = Space::new(world, "silences").await;
    let monitoring = Space::new(world, "silences-monitoring").await;
    let port = led_on(address, &url).await;
    install(&monitoring, (address, port), &[("dave", "silences"), ("vera", "metrics")]).await;
    let service = format!("{}/alertmanager:9093", monitoring.namespace);
    let metrics = json!({"prometheus": {"url": world.prometheus}, "alertmanager": {"service": service}});
    space.application(&["backend"], json!({"metrics": metrics})).await;

    let environment = format!("{}/production", space.namespace);
    let matcher = format!("namespace={}", space.namespace);
    let silence = [
        "silence",
        &environment,
        "--matcher",
        &matcher,
        "--for",
        "1h",
        "--reason",
        "it is known",
        "-n",
        &space.namespace,
    ];
    // a viewer who has the role, as soon as the server knows of all that was made
    let made = until(30, "a silence is made", || async {
        let mut asked = silence.to_vec();
        asked.extend(["-o", "json"]);
        let ended = cli(world, "dave", &asked).await;
        if ended.code != 0 {
            eprintln!("not yet: {}", ended.stderr);
        }
        (ended.code == 0).then(|| serde_json::from_str::<Value>(&ended.stdout).expect("JSON"))
    })
    .await;
    assert_eq!((&made["verdict"], &made["by"]), (&json!("Done"), &json!("dave")), "{made}");
    let id = made["id"].as_str().expect("an id");
    let direct =
        crate::analysis::http().get(format!("{url}/api/v2/silence/{id}")).send().await.expect("an answer");
    let direct: Value = direct.json().await.expect("JSON");
    assert_eq!(
        (&direct["createdBy"], &direct["status"]["state"]),
        (&json!("dave"), &json!("active")),
        "{direct}"
    );

    // who may read, reads through the same Service; what is sent is refused by the server, and it is said what is missing
    let read = told(world, "vera", &["alerts", &environment, "-n", &space.namespace]).await;
    assert!(read["alerts"].is_array(), "{read}");
    let missing = "the role release-cockpit-silences holds both";
    let expire = ["expire-silence", id, "-n", &space.namespace];
    for asked in [&silence[..], &expire] {
        let ended = cli(world, "vera", asked).await;
        assert_ne!(ended.code, 0, "{}", ended.stdout);
        assert!(
            ended.stderr.contains("services/proxy") && ended.stderr.contains(missing),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("Prometheus"), "{}", ended.stderr);
    }
    // who has neither role is told before anything is sent
    for asked in [&silence[..], &expire] {
        let ended = cli(world, "alice", asked).await;
        assert_ne!(ended.code, 0, "{}", ended.stdout);
        let said = &ended.stderr;
        assert!(said.contains("nothing was sent") && said.contains("release-cockpit-"), "{said}");
        assert!(said.contains("Alertmanager") && !said.contains("Prometheus"), "{said}");
    }
    let still =
        crate::analysis::http().get(format!("{url}/api/v2/silence/{id}")).send().await.expect("an answer");
    assert_eq!(still.json::<Value>().await.expect("JSON")["status"]["state"], "active");

    assert!(cli(world, "dave", &expire).await.ok().contains("ended"));
    let ended =
        crate::analysis::http().get(format!("{url}/api/v2/silence/{id}")).send().await.expect("an answer");
    assert_eq!(ended.json::<Value>().await.expect("JSON")["status"]["state"], "expired");
}
