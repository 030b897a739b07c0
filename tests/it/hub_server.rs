//! A stand-in for the Hugging Face hub on this machine: the two requests that a download makes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The commit that `main` is.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The one repository.
pub const REPOSITORY: &str = "someone/network";

/// How the hub behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    Well,
    /// It knows no repository.
    NotFound,
    /// It wants a token.
    Forbidden,
    /// Every answer is a web page, as a login page in between would give.
    WebPage,
    /// The repository has no weights.
    NoFile,
    /// The file breaks off halfway.
    Truncated,
    /// The file is not the one announced.
    OtherBytes,
}

/// A hub that serves until the process ends.
pub struct HubServer {
    /// Its address.
    pub endpoint: String,
    /// How many requests it has answered.
    pub requests: Arc<AtomicUsize>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl HubServer {
    /// Starts a hub whose repository holds `file` as `model.safetensors`.
    pub fn start(file: Vec<u8>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let behaviour = Arc::new(Mutex::new(behaviour));
        let (counter, now) = (requests.clone(), behaviour.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let behaviour = *now.lock().expect("the behaviour");
                // A client that hangs up is no failure of the hub.
                let _ = answer(stream, &file, behaviour);
            }
        });
        Self { endpoint, requests, behaviour }
    }

    /// Changes how the hub behaves from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("the behaviour") = behaviour;
    }
}

fn answer(mut stream: TcpStream, file: &[u8], behaviour: Behaviour) -> std::io::Result<()> {
    let (path, start, end) = request(&stream)?;
    let revision = path.rsplit('/').next() == Some("main") || path.ends_with(COMMIT);
    let download = format!("/{REPOSITORY}/resolve/{COMMIT}/model.safetensors");
    match behaviour {
        Behaviour::WebPage => respond(&mut stream, "200 OK", &[], b"<!doctype html><p>Log in"),
        Behaviour::NotFound => respond(&mut stream, "404 Not Found", &[], b"{}"),
        Behaviour::Forbidden => respond(&mut stream, "401 Unauthorized", &[], b"{}"),
        _ if path.starts_with(&format!("/api/models/{REPOSITORY}/revision/")) && revision => {
            let name =
                if behaviour == Behaviour::NoFile { "README.md" } else { "model.safetensors" };
            let body = format!(r#"{{"sha":"{COMMIT}","siblings":[{{"rfilename":"{name}"}}]}}"#);
            respond(&mut stream, "200 OK", &[], body.as_bytes())
        }
        _ if path == download => {
            let end = end.unwrap_or(file.len() - 1).min(file.len() - 1);
            let digest = <sha2::Sha256 as sha2::Digest>::digest(file);
            let etag: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut part = file[start.min(end + 1)..=end].to_vec();
            if behaviour == Behaviour::OtherBytes && part.len() > 1 {
                part.reverse();
            }
            let headers = [
                format!("x-repo-commit: {COMMIT}"),
                format!("etag: \"{etag}\""),
                format!("content-range: bytes {start}-{end}/{}", file.len()),
            ];
            if behaviour == Behaviour::Truncated && part.len() > 1 {
                write!(stream, "HTTP/1.1 206 Partial Content\r\n{}\r\n", headers.join("\r\n"))?;
                write!(stream, "connection: close\r\ncontent-length: {}\r\n\r\n", part.len())?;
                return stream.write_all(&part[..part.len() / 2]);
            }
            respond(&mut stream, "206 Partial Content", &headers, &part)
        }
        _ => respond(&mut stream, "404 Not Found", &[], b"{}"),
    }
}

/// The path asked for, and the range: its start and perhaps its end.
fn request(stream: &TcpStream) -> std::io::Result<(String, usize, Option<usize>)> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = (0, None);
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            let (start, end) = bytes.split_once('-').unwrap_or((bytes, ""));
            range = (start.parse().unwrap_or(0), end.parse().ok());
        }
    }
    Ok((path, range.0, range.1))
}

fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &[String],
    body: &[u8],
) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n")?;
    for header in headers {
        write!(stream, "{header}\r\n")?;
    }
    write!(stream, "connection: close\r\ncontent-length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)
}
