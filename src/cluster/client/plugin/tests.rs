//! Plugins that work, fail, hang and leak.

use std::time::Instant;

use super::*;

fn plugin(exec: Value) -> Plugin {
    let exec: ExecConfig = serde_json::from_value(exec).unwrap();
    let cluster = Cluster { server: Some("https://api.example".into()), ..Cluster::default() };
    Plugin::new(exec, &cluster, b"-----PEM-----", false).unwrap()
}

fn shell(script: &str) -> Plugin {
    plugin(json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}))
}

async fn fault(plugin: &Plugin) -> String {
    let error = plugin.run().await.unwrap_err();
    assert_eq!(error.kind(), &Kind::Credentials);
    error.to_string()
}

#[tokio::test]
async fn tokens_and_certificates_are_read_in_json_and_yaml() {
    let certificate = include_str!("../../../../tests/fixtures/certificate.pem");
    for (text, token, identity, expires) in [
        (r#"{"status": {"token": "t"}}"#.to_owned(), Some("t"), false, None),
        (
            "status:\n  token: t\n  expirationTimestamp: 2030-01-01T00:00:00Z\n".to_owned(),
            Some("t"),
            false,
            Some(2030),
        ),
        ("status:\n  token: t\n  expirationTimestamp: null\n".to_owned(), Some("t"), false, None),
        (
            json!({"status": {"token": "t", "clientCertificateData": "c", "clientKeyData": "k"}}).to_string(),
            Some("t"),
            true,
            None,
        ),
        (
            json!({"status": {"clientCertificateData": certificate, "clientKeyData": "k",
                "expirationTimestamp": "2001-01-01T00:00:00Z"}})
            .to_string(),
            None,
            true,
            Some(2001),
        ),
    ] {
        let issued = read(text.as_bytes(), None).unwrap();
        assert_eq!((issued.token.as_deref(), issued.identity.is_some()), (token, identity), "{text}");
        assert_eq!(issued.expires.map(|at| chrono::Datelike::year(&at)), expires, "{text}");
    }
    let without = json!({"status": {"clientCertificateData": certificate, "clientKeyData": "k"}}).to_string();
    let other = r#"{"apiVersion": "client.authentication.k8s.io/v1beta1", "status": {"token": "t"}}"#;
    assert!(read(other.as_bytes(), Some("client.authentication.k8s.io/v1")).is_err());
    assert!(read(other.as_bytes(), Some("client.authentication.k8s.io/v1beta1")).is_ok());
    assert!(read(without.as_bytes(), None).unwrap().expires.is_some(), "a certificate ends by itself");
    for text in [
        "",
        "{}",
        "no",
        r#"{"status": {}}"#,
        r#"{"status": {"token": ""}}"#,
        r#"{"status": {"clientKeyData": "k"}}"#,
        r#"{"status": {"token": "t", "expirationTimestamp": "tomorrow"}}"#,
    ] {
        assert!(read(text.as_bytes(), None).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_plugin_gets_its_variables_and_the_cluster() {
    use base64::Engine as _;

    let echo = r#"printf '{"status": {"token": "%s"}}' "$(printf %s "$A$KUBERNETES_EXEC_INFO" | base64 | tr -d '\n')""#;
    let plugin = plugin(json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", echo],
        "env": [{"name": "A", "value": "a "}, {"name": "B"}], "provideClusterInfo": true, "interactiveMode": "IfAvailable",
    }));
    let token = plugin.run().await.unwrap().token.unwrap();
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(token).unwrap()).unwrap();
    let info: Value = serde_json::from_str(text.strip_prefix("a ").unwrap()).unwrap();
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], "https://api.example");
    assert!(info["spec"]["cluster"]["certificate-authority-data"].is_string());
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_without_its_secrets() {
    let mut failing = shell("");
    failing.exec.args = Some(
        ["-c", "echo noise >&2; echo \"Error: session of $USER_OF expired, $0 $1 \u{1b}[31m\" >&2; echo s3cret-out; exit 4", "--token", "s3cret-arg"]
            .map(str::to_owned)
            .to_vec(),
    );
    failing.exec.env = Some(vec![
        [("name".to_owned(), "USER_OF".to_owned()), ("value".to_owned(), "made-up-s3cret".to_owned())].into(),
    ]);
    let sentence = fault(&failing).await;
    assert!(
        sentence.contains(
            "the credential plugin sh failed (exit status: 4): noise; Error: session of *** expired"
        ),
        "{sentence}"
    );
    assert!(sentence.contains("log in first"), "{sentence}");
    assert!(
        !sentence.contains("s3cret") && !sentence.contains('\u{1b}') && !sentence.contains("EXEC_INFO"),
        "{sentence}"
    );
}

#[tokio::test]
async fn an_absent_plugin_is_named_with_its_hint() {
    let mut absent =
        plugin(json!({"command": "no-such-plugin", "installHint": "Run:\n  brew install it\u{1b}[2J"}));
    assert_eq!(
        fault(&absent).await,
        "the credential plugin no-such-plugin is not installed: Run: brew install it"
    );
    absent.exec.install_hint = None;
    assert!(fault(&absent).await.contains("put it on PATH"));
    absent.exec.command = Some("/".into());
    assert!(fault(&absent).await.contains("cannot be started"));
    let without = Plugin::new(ExecConfig::default(), &Cluster::default(), &[], false).unwrap_err();
    assert!(without.to_string().contains("no command"));
}

#[tokio::test]
async fn output_that_is_no_credential_is_not_quoted() {
    let sentence = fault(&shell("echo 's3cret: here'; echo careful >&2")).await;
    assert!(sentence.contains("printed an ExecCredential without a status: careful"), "{sentence}");
    assert!(!sentence.contains("s3cret"), "{sentence}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_plugin_that_hangs_is_ended_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let mut hanging = shell(&format!("sleep 600 & echo $! > {}; echo waiting >&2; wait", file.display()));
    hanging.quiet_deadline = Duration::from_millis(700);
    let sentence = fault(&hanging).await;
    assert!(sentence.contains("did not answer within 0 s and was ended: waiting"), "{sentence}");
    let child = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let child = rustix::process::Pid::from_raw(child).unwrap();
    let began = Instant::now();
    // A killed process stays visible until its parent has collected it.
    let ended = || {
        std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero()))
            .map_or(true, |stat| stat.contains(") Z "))
    };
    while !ended() {
        assert!(began.elapsed() < Duration::from_secs(10), "the plugin's child still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_child_that_keeps_the_pipe_does_not_hold_the_answer() {
    let began = Instant::now();
    let issued = shell("sleep 600 & echo '{\"status\": {\"token\": \"t\"}}'").run().await.unwrap();
    assert_eq!(issued.token.as_deref(), Some("t"));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn values_of_telling_arguments_are_secret() {
    let arguments: Vec<String> =
        ["get-token", "--token", "a", "--password=b", "--region", "eu", "--client-secret", "c", "-k", "d"]
            .map(str::to_owned)
            .to_vec();
    assert_eq!(secret_arguments(&arguments), ["a", "b", "c"]);
}
