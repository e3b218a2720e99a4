//! Kubeconfigs and environments as kubectl accepts them: one table, each row given to kubectl and to us against the same server.
//!
//! The server is the simulator behind a relay that speaks TLS, takes tokens, passwords and client certificates, and counts. Where kubectl
//! and we differ, kubectl is right.
#![allow(dead_code, reason = "each test binary needs its own part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub const CA: &str = include_str!("../fixtures/tls/ca.crt");
const SERVER_CERTIFICATE: &str = include_str!("../fixtures/tls/server.crt");
const SERVER_KEY: &str = include_str!("../fixtures/tls/server.key");
pub const CLIENT_CERTIFICATE: &str = include_str!("../fixtures/tls/client.crt");
pub const CLIENT_KEY: &str = include_str!("../fixtures/tls/client.key");

/// TLS in front of a server that has none. Everybody whom it knows is alice there.
pub struct Relay {
    pub address: SocketAddr,
    known: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
}

impl Relay {
    /// In front of `http://HOST:PORT`; knows these values of `Authorization`, and everybody with a client certificate.
    pub fn start(behind: &str, known: &[&str]) -> Self {
        let target = behind.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::new(Mutex::new(known.iter().map(ToString::to_string).collect::<Vec<_>>()));
        let seen: Arc<Mutex<Vec<BTreeMap<String, String>>>> = Arc::default();
        let (config, kept, log) = (Arc::new(config()), Arc::clone(&known), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, kept, log) = (Arc::clone(&config), Arc::clone(&kept), Arc::clone(&log));
                let target = target.clone();
                thread::spawn(move || serve(stream, config, &target, (&kept, &log)));
            }
        });
        Self { address, known, seen }
    }

    /// From now on only this value of `Authorization` is known.
    pub fn know(&self, authorization: &str) {
        *self.known.lock().unwrap() = vec![authorization.to_owned()];
    }

    /// The headers of every request so far, their names in lower case.
    pub fn seen(&self) -> Vec<BTreeMap<String, String>> {
        self.seen.lock().unwrap().clone()
    }
}

fn config() -> ServerConfig {
    rustls::crypto::ring::default_provider().install_default().ok();
    let certificates =
        |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect::<Vec<_>>();
    let mut roots = RootCertStore::empty();
    roots.add(certificates(CA).remove(0)).unwrap();
    let clients = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).unwrap();
    ServerConfig::builder()
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates(SERVER_CERTIFICATE), key)
        .unwrap()
}

type Kept<'a> = (&'a Mutex<Vec<String>>, &'a Mutex<Vec<BTreeMap<String, String>>>);

/// One request of one connection, then its end.
fn serve(stream: TcpStream, config: Arc<ServerConfig>, target: &str, (known, seen): Kept<'_>) {
    let mut tls = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
    let Some((first, headers)) = head(&mut tls) else { return };
    seen.lock().unwrap().push(headers.clone());
    let given = headers.get("authorization").cloned().unwrap_or_default();
    let has_certificate = tls.get_ref().conn.peer_certificates().is_some();
    let is_known = known.lock().unwrap().contains(&given) || (given.is_empty() && has_certificate);
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if tls.read_exact(&mut body).is_err() {
        return;
    }
    let answer = if is_known { forwarded(target, &first, &headers, &body) } else { refused() };
    let tls = tls.get_mut();
    match answer {
        Answer::Whole(bytes) => drop(tls.write_all(&bytes)),
        Answer::Stream(mut stream) => drop(std::io::copy(&mut stream, tls)),
    }
    tls.conn.send_close_notify();
    let _ = tls.flush();
}

enum Answer {
    Whole(Vec<u8>),
    Stream(TcpStream),
}

fn refused() -> Answer {
    let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
    let head = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ";
    Answer::Whole(format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes())
}

fn forwarded(target: &str, first: &str, headers: &BTreeMap<String, String>, body: &[u8]) -> Answer {
    let mut behind = TcpStream::connect(target).unwrap();
    let mut text = format!("{first}\r\nauthorization: Bearer alice\r\nconnection: close\r\n");
    for (name, value) in
        headers.iter().filter(|(name, _)| !matches!(name.as_str(), "authorization" | "connection"))
    {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    behind.write_all(text.as_bytes()).unwrap();
    behind.write_all(body).unwrap();
    Answer::Stream(behind)
}

/// The first line of a request and its headers.
fn head(from: &mut impl BufRead) -> Option<(String, BTreeMap<String, String>)> {
    let mut first = String::new();
    from.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Some((first.trim_end().to_owned(), headers))
}

/// A proxy that leads every tunnel to one place, whatever its name: HTTP `CONNECT` or SOCKS 5.
pub struct Proxy {
    pub address: SocketAddr,
    tunnels: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn start(to: SocketAddr, is_socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tunnels: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&tunnels);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    let open = if is_socks { socks(&stream) } else { connect(&stream) };
                    if let Some(target) = open {
                        log.lock().unwrap().push(target);
                        join(stream, TcpStream::connect(to).unwrap());
                    }
                });
            }
        });
        Self { address, tunnels }
    }

    pub fn tunnels(&self) -> Vec<String> {
        self.tunnels.lock().unwrap().clone()
    }
}

fn connect(mut stream: &TcpStream) -> Option<String> {
    // Unbuffered, so that nothing of what follows is lost.
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).ok()?;
    let target = text.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    Some(target)
}

fn take(mut stream: &TcpStream, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).ok().map(|()| bytes)
}

fn socks(mut stream: &TcpStream) -> Option<String> {
    let greeting = take(stream, 2)?;
    take(stream, greeting[1].into())?;
    stream.write_all(&[5, 0]).ok()?;
    let request = take(stream, 4)?;
    let host = match request[3] {
        3 => {
            let length = take(stream, 1)?[0];
            String::from_utf8(take(stream, length.into())?).ok()?
        }
        1 => take(stream, 4)?.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        _ => take(stream, 16).map(|_| "[v6]".to_owned())?,
    };
    let port = take(stream, 2)?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    Some(format!("{host}:{}", u16::from_be_bytes([port[0], port[1]])))
}

fn join(one: TcpStream, other: TcpStream) {
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (other, one);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Where the rows live, and what they may refer to.
pub struct Bench {
    pub home: tempfile::TempDir,
    pub relay: Relay,
    http: Proxy,
    socks: Proxy,
}

/// One kubeconfig or environment.
pub struct Row {
    name: &'static str,
    /// Variables beside `HOME` and `PATH`; `%` stands for the directory of the files.
    set: Vec<(&'static str, String)>,
    works: bool,
}

fn works(name: &'static str, set: &[(&'static str, &str)]) -> Row {
    Row { name, set: set.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(), works: true }
}

fn fails(name: &'static str, set: &[(&'static str, &str)]) -> Row {
    Row { works: false, ..works(name, set) }
}

impl Bench {
    pub fn new(server: &str) -> Self {
        let relay = Relay::start(server, &["Bearer alice", "Basic YWxpY2U6cDpx"]);
        let (http, socks) = (Proxy::start(relay.address, false), Proxy::start(relay.address, true));
        Self { home: tempfile::tempdir().unwrap(), relay, http, socks }
    }

    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A plugin that prints this.
    pub fn plugin(&self, name: &str, script: &str) -> PathBuf {
        let path = self.file(name, format!("#!/bin/sh\n{script}\n"));
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// A kubeconfig with this cluster and user.
    pub fn kubeconfig(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {{{cluster}}}\n\
             contexts:\n- name: c\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{{user}}}\n"
        )
    }

    /// The server by this name, with the authority's file.
    pub fn cluster(&self, host: &str) -> String {
        format!("server: 'https://{host}:{}', certificate-authority: ca.crt", self.relay.address.port())
    }

    /// Writes every file that the rows name.
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn files(&self) {
        use base64::Engine as _;
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let wrapped = |text: &str| {
            let text = base64(text);
            let lines: Vec<String> =
                text.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
            format!("\"{}\"", lines.join("\\n"))
        };
        for (name, text) in
            [("ca.crt", CA), ("client.crt", CLIENT_CERTIFICATE), ("client.key", CLIENT_KEY), ("empty", "")]
        {
            self.file(name, text);
        }
        self.file("bundle.crt", format!("# authorities\n\n{CA}\ntext between\n{CA}"));
        self.file("tok", "alice\n");
        self.file("tok-blank", "  alice \r\n\r\n");
        let here = self.cluster("127.0.0.1");
        let port = self.relay.address.port();
        let token = "token: alice";
        let exec = |rest: &str| {
            format!(
                "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, {rest}}}"
            )
        };
        let away = format!(
            "server: 'https://cluster.invalid:{port}', certificate-authority: ca.crt, tls-server-name: api.test"
        );
        let plain = Self::kubeconfig(&here, token);
        let through = |proxy: &str| Self::kubeconfig(&format!("{away}, proxy-url: '{proxy}'"), token);
        let (http, socks) = (self.http.address, self.socks.address);
        let json = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("https://127.0.0.1:{port}"), "certificate-authority": "ca.crt"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "alice"}}],
        });
        let answer = |status: serde_json::Value| {
            let answer = serde_json::json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status});
            format!("printf '%s' '{answer}'")
        };
        self.plugin("plug/token.sh", &answer(serde_json::json!({"token": "alice"})));
        self.plugin("plug/fails.sh", "echo no session >&2; exit 3");
        self.plugin("plug/nothing.sh", &answer(serde_json::json!({})));
        self.plugin(
            "plug/certificate.sh",
            &format!(
                "cat <<'END'\n{}\nEND",
                serde_json::json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                    "status": {"clientCertificateData": CLIENT_CERTIFICATE, "clientKeyData": CLIENT_KEY}})
            ),
        );
        self.plugin(
            "plug/from-env.sh",
            r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$WHO$1""#,
        );
        self.plugin(
            "plug/wants-cluster.sh",
            r#"case $KUBERNETES_EXEC_INFO in *'"server":"https://127.0.0.1'*certificate-authority-data*|*certificate-authority-data*'"server":"https://127.0.0.1'*)
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"alice"}}';; *) exit 9;; esac"#,
        );
        let user = |text: &str| Self::kubeconfig(&here, text);
        let cluster = |text: &str| Self::kubeconfig(text, token);
        let texts: Vec<(&str, String)> = vec![
            ("plain", plain.clone()),
            (
                "other",
                Self::kubeconfig("server: 'https://127.0.0.1:1'", "token: bob")
                    .replace("c, user: u", "gone, user: u"),
            ),
            ("token-file", user("tokenFile: tok")),
            ("token-file-blank", user("tokenFile: tok-blank")),
            ("token-file-empty", user("tokenFile: empty")),
            ("token-file-gone", user("tokenFile: gone")),
            ("token-and-file", user("token: bob, tokenFile: tok")),
            ("wrong-token", user("token: bob")),
            ("basic", user("username: alice, password: 'p:q'")),
            ("certificate-files", user("client-certificate: client.crt, client-key: client.key")),
            (
                "certificate-data",
                user(&format!(
                    "client-certificate-data: {}, client-key-data: {}",
                    base64(CLIENT_CERTIFICATE),
                    base64(CLIENT_KEY)
                )),
            ),
            ("key-alone", user("token: alice, client-key: client.key")),
            ("nobody", user("")),
            (
                "ca-data",
                cluster(&format!(
                    "server: 'https://127.0.0.1:{port}', certificate-authority-data: {}",
                    base64(CA)
                )),
            ),
            (
                "ca-wrapped",
                cluster(&format!(
                    "server: 'https://127.0.0.1:{port}', certificate-authority-data: {}",
                    wrapped(CA)
                )),
            ),
            ("ca-bundle", cluster(&here.replace("ca.crt", "bundle.crt"))),
            ("ca-gone", cluster(&here.replace("ca.crt", "gone.crt"))),
            ("ca-none", cluster(&format!("server: 'https://127.0.0.1:{port}'"))),
            (
                "ca-empty-text",
                cluster(&format!(
                    "{here}, certificate-authority-data: '', proxy-url: '', tls-server-name: ''"
                )),
            ),
            (
                "insecure",
                cluster(&format!("server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true")),
            ),
            ("by-name", cluster(&self.cluster("localhost"))),
            ("slash", cluster(&here.replace(&format!("{port}'"), &format!("{port}/'")))),
            ("no-server", cluster("certificate-authority: ca.crt")),
            ("server-name", cluster(&format!("{here}, tls-server-name: api.test"))),
            ("server-name-wrong", cluster(&format!("{here}, tls-server-name: other.test"))),
            ("crlf", plain.replace('\n', "\r\n")),
            ("mark", format!("\u{feff}{plain}")),
            ("json", json.to_string()),
            ("json-tabs", serde_json::to_string_pretty(&json).unwrap().replace("  ", "\t")),
            ("duplicate", format!("current-context: wrong\n{plain}")),
            (
                "nulls",
                format!("{plain}preferences: null\nextensions: null\n").replace(
                    "user: {token: alice}",
                    "user: {token: alice, exec: null, as-groups: null, tokenFile: ''}",
                ),
            ),
            ("broken", "clusters: [".to_owned()),
            ("no-such-user", plain.replace("user: u}", "user: nobody}")),
            (
                "half-contexts",
                plain.replace("contexts:\n", "contexts:\n- name: half\n- name: open\n  context: {user: u}\n"),
            ),
            ("proxy-http", through(&format!("http://{http}"))),
            ("proxy-socks", through(&format!("socks5://{socks}"))),
            ("proxy-closed", through("http://127.0.0.1:9")),
            ("proxy-ftp", through("ftp://127.0.0.1:9")),
            ("away", cluster(&away)),
            ("exec", user(&exec("command: ./plug/token.sh"))),
            (
                "exec-v1beta1",
                user(
                    &exec("command: ./plug/token.sh")
                        .replace("k8s.io/v1", "k8s.io/v1beta1")
                        .replace("interactiveMode: IfAvailable, ", ""),
                ),
            ),
            ("exec-never", user(&exec("command: ./plug/token.sh").replace("IfAvailable", "Never"))),
            ("exec-certificate", user(&exec("command: ./plug/certificate.sh"))),
            (
                "exec-env",
                user(&exec("command: ./plug/from-env.sh, args: [ce], env: [{name: WHO, value: ali}]")),
            ),
            ("exec-cluster", user(&exec("command: ./plug/wants-cluster.sh, provideClusterInfo: true"))),
            ("exec-absent", user(&exec("command: no-such-plugin, installHint: 'brew install it'"))),
            ("exec-fails", user(&exec("command: ./plug/fails.sh"))),
            ("exec-nothing", user(&exec("command: ./plug/nothing.sh"))),
            ("exec-beside-token", user(&format!("{token}, {}", exec("command: ./plug/fails.sh")))),
            ("provider", user("auth-provider: {name: gcp, config: {access-token: x}}")),
        ];
        for (name, text) in texts {
            self.file(name, text);
        }
    }

    /// The table.
    #[expect(clippy::too_many_lines, reason = "one table, read as a whole")]
    fn rows(&self) -> Vec<Row> {
        let http = format!("http://{}", self.http.address);
        let bare = self.http.address.to_string();
        let kc = "KUBECONFIG";
        let mut rows = vec![
            works("one file", &[(kc, "%/plain")]),
            works("an absent file last", &[(kc, "%/plain:%/gone")]),
            works("an absent file first", &[(kc, "%/gone:%/plain")]),
            works("an empty file first", &[(kc, "%/empty:%/plain")]),
            works("empty names", &[(kc, ":%/plain::")]),
            works("the first of a name wins", &[(kc, "%/plain:%/other")]),
            fails("only absent files", &[(kc, "%/gone:%/gone-too")]),
            fails("a broken file in the list", &[(kc, "%/plain:%/broken")]),
            works(
                "a closed proxy and a loopback server",
                &[(kc, "%/plain"), ("HTTPS_PROXY", "http://127.0.0.1:9")],
            ),
            works(
                "a closed proxy and localhost",
                &[(kc, "%/by-name"), ("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "localhost")],
            ),
            works("a bare proxy and a loopback server", &[(kc, "%/plain"), ("HTTPS_PROXY", "127.0.0.1:9")]),
            works(
                "odd spellings of NO_PROXY",
                &[(kc, "%/plain"), ("HTTPS_PROXY", "127.0.0.1:9"), ("NO_PROXY", "localhost,")],
            ),
            works(
                "blanks in NO_PROXY",
                &[(kc, "%/plain"), ("HTTPS_PROXY", "127.0.0.1:9"), ("NO_PROXY", "localhost 127.0.0.1")],
            ),
            works(
                "proxy-url and NO_PROXY",
                &[(kc, "%/proxy-http"), ("NO_PROXY", "localhost,127.0.0.1,.invalid,*")],
            ),
            works("SOCKS and NO_PROXY", &[(kc, "%/proxy-socks"), ("NO_PROXY", "localhost,127.0.0.1")]),
            fails("proxy-url that is closed", &[(kc, "%/proxy-closed"), ("HTTPS_PROXY", &http)]),
            fails("proxy-url of another kind", &[(kc, "%/proxy-ftp")]),
            fails("a name that nobody knows", &[(kc, "%/away")]),
            works("HTTPS_PROXY", &[(kc, "%/away"), ("HTTPS_PROXY", &http)]),
            works("https_proxy", &[(kc, "%/away"), ("https_proxy", &http)]),
            works("HTTPS_PROXY without a scheme", &[(kc, "%/away"), ("HTTPS_PROXY", &bare)]),
            works(
                "NO_PROXY names others",
                &[(kc, "%/away"), ("HTTPS_PROXY", &http), ("NO_PROXY", "other, ,cluster,.test")],
            ),
            fails(
                "NO_PROXY names it",
                &[(kc, "%/away"), ("HTTPS_PROXY", &http), ("NO_PROXY", "cluster.invalid")],
            ),
            fails(
                "NO_PROXY names its domain",
                &[(kc, "%/away"), ("HTTPS_PROXY", &http), ("NO_PROXY", ".invalid")],
            ),
            fails("no_proxy with a star", &[(kc, "%/away"), ("HTTPS_PROXY", &http), ("no_proxy", "*")]),
            works(
                "NO_PROXY with another port",
                &[(kc, "%/away"), ("HTTPS_PROXY", &http), ("NO_PROXY", "cluster.invalid:1")],
            ),
            fails("ALL_PROXY is not read", &[(kc, "%/away"), ("ALL_PROXY", &http)]),
            fails("HTTP_PROXY is for http", &[(kc, "%/away"), ("HTTP_PROXY", &http)]),
        ];
        for (name, works) in [
            ("token-file", true),
            ("token-file-blank", true),
            ("token-file-empty", false),
            ("token-file-gone", false),
            ("token-and-file", true),
            ("wrong-token", false),
            ("basic", true),
            ("certificate-files", true),
            ("certificate-data", true),
            ("key-alone", true),
            ("nobody", false),
            ("ca-data", true),
            ("ca-wrapped", true),
            ("ca-bundle", true),
            ("ca-gone", false),
            ("ca-none", false),
            ("ca-empty-text", true),
            ("insecure", true),
            ("by-name", true),
            ("slash", true),
            ("no-server", false),
            ("server-name", true),
            ("server-name-wrong", false),
            ("crlf", true),
            ("mark", true),
            ("json", true),
            ("json-tabs", true),
            ("duplicate", true),
            ("nulls", true),
            ("no-such-user", false),
            ("half-contexts", true),
            ("exec", true),
            ("exec-v1beta1", false),
            ("exec-never", true),
            ("exec-certificate", true),
            ("exec-env", true),
            ("exec-cluster", true),
            ("exec-absent", false),
            ("exec-fails", false),
            ("exec-nothing", false),
            ("exec-beside-token", true),
            ("provider", false),
        ] {
            rows.push(Row { name, set: vec![(kc, format!("%/{name}"))], works });
        }
        rows
    }

    /// Whether a program works with a row, and what it said.
    fn run(&self, program: &Path, arguments: &[&str], row: &Row) -> (bool, String) {
        let directory = self.home.path().display().to_string();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &directory)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.current_dir("/").stdin(Stdio::null());
        for (name, value) in &row.set {
            command.env(name, value.replace('%', &directory));
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Runs the table through us and, where it is given, through kubectl. Panics with every row that came out otherwise.
    pub fn compare(&self, ours: &Path, kubectl: Option<&Path>) {
        self.files();
        let mut wrong = Vec::new();
        for row in self.rows() {
            let before = self.relay.seen().len();
            let (here, said) = self.run(ours, &["status"], &row);
            if here != row.works {
                wrong.push(format!("{}: expected {}, release-cockpit said: {said}", row.name, row.works));
            }
            if here && self.relay.seen().len() == before {
                wrong.push(format!("{}: release-cockpit asked nobody", row.name));
            }
            if let Some(kubectl) = kubectl {
                let (there, said) =
                    self.run(kubectl, &["get", "--raw", "/version", "--request-timeout=20s"], &row);
                if there != row.works {
                    wrong.push(format!("{}: expected {}, kubectl said: {said}", row.name, row.works));
                }
            }
        }
        assert!(wrong.is_empty(), "{} rows came out otherwise:\n{}", wrong.len(), wrong.join("\n"));
        assert!(!self.http.tunnels().is_empty() && !self.socks.tunnels().is_empty(), "no proxy was used");
    }
}
