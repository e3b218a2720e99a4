//! A server of a few canned answers, for failures that no honest server gives: silence, torn answers, login pages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
pub struct Asked {
    /// `GET` and the like.
    pub method: String,
    /// Path with query.
    pub path: String,
}

/// What the server does.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "each test binary needs its own part")]
pub enum Reply {
    /// Status and JSON.
    Json(u16, String),
    /// Status and HTML.
    Html(u16, String),
    /// Lines of a stream that stays open.
    Stream(Vec<String>),
    /// Lines of a stream that ends.
    Ends(Vec<String>),
    /// A beginning of an answer, then the end of the connection.
    Torn,
    /// Nothing, for ever.
    Silence,
}

/// A server on a free port of the loopback; it lives as long as the test.
pub struct Double {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Double {
    pub fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&kept));
                thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { url, log }
    }

    /// `METHOD path` of every request so far.
    #[allow(dead_code, reason = "each test binary needs its own part")]
    pub fn asked(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Asked) -> Reply, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    while let Some(asked) = read(&mut reader) {
        log.lock().unwrap().push(format!("{} {}", asked.method, asked.path));
        let lines = match answer(&asked) {
            Reply::Json(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if out.write_all((head + &body).as_bytes()).is_err() {
                    return;
                }
                continue;
            }
            Reply::Html(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if out.write_all((head + &body).as_bytes()).is_err() {
                    return;
                }
                continue;
            }
            Reply::Torn => {
                let _ = out.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n{\"kind\":");
                return;
            }
            Reply::Silence => {
                // Until the client gives up.
                let _ = out.read(&mut [0]);
                return;
            }
            Reply::Stream(lines) => (lines, true),
            Reply::Ends(lines) => (lines, false),
        };
        let _ = out.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        for line in lines.0 {
            let chunk = format!("{:x}\r\n{line}\n\r\n", line.len() + 1);
            let _ = out.write_all(chunk.as_bytes());
        }
        if lines.1 {
            let _ = out.read(&mut [0]);
            return;
        }
        if out.write_all(b"0\r\n\r\n").is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path })
}
