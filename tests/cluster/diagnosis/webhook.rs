//! An admission webhook that denies everything, with the certificate of the test's control plane.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::routing::post;
use base64::Engine as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// It listens for as long as this is there.
pub struct Webhook {
    pub url: String,
    /// The certificate that it is trusted by, in base64.
    pub authority: String,
    task: tokio::task::JoinHandle<()>,
}

impl Webhook {
    /// It listens until the runtime ends.
    pub fn outlive(self) {
        std::mem::drop(self.task);
    }
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn deny(Json(review): Json<Value>) -> Json<Value> {
    let denied = json!({"uid": review["request"]["uid"], "allowed": false, "status": {"message": "the label owner is missing"}});
    Json(json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": denied}))
}

/// Starts it on a free port.
pub async fn start() -> Webhook {
    let state: PathBuf =
        std::env::var_os("RELEASE_COCKPIT_TEST_STATE").expect("tests/cluster/up's state").into();
    let chain = CertificateDer::pem_file_iter(state.join("pki/server.crt")).expect("a certificate");
    let chain = chain.collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(state.join("pki/server.key")).expect("its key");
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a server");
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", tcp.local_addr().expect("its address"));
    let tls = Tls { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let app = Router::new().route("/", post(deny));
    let task = tokio::spawn(async move { axum::serve(tls, app).await.expect("to serve") });
    let authority = std::fs::read(state.join("pki/ca.crt")).expect("the authority");
    let authority = base64::engine::general_purpose::STANDARD.encode(authority);
    Webhook { url, authority, task }
}
