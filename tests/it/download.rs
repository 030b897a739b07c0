//! `hpflow dataset download`, from a server on this machine.

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use assert_cmd::Command;
use predicates::str::contains;

/// How the server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Manner {
    Good,
    /// Closes every connection after so many bytes.
    BreaksOff(usize),
    /// Sends everything whatever range is asked for.
    IgnoresRanges,
    Status(u16),
}

/// A server of one file; its address, and the requests that it got.
pub fn serve(
    content: Vec<u8>,
    kind: &'static str,
    manner: Manner,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that hangs up is not the server's concern.
            let _ = answer(stream.unwrap(), &content, kind, manner, &log);
        }
    });
    (format!("http://{address}/files"), requests)
}

fn answer(
    mut stream: TcpStream,
    content: &[u8],
    kind: &str,
    manner: Manner,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
    }
    log.lock().unwrap().push(request.to_lowercase());
    if let Manner::Status(code) = manner {
        return write!(stream, "HTTP/1.1 {code} No\r\nContent-Length: 0\r\n\r\n");
    }
    let range = request.lines().find_map(|line| line.strip_prefix("Range: bytes="));
    let start = range.and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
    let start = start.filter(|_| manner != Manner::IgnoresRanges).unwrap_or(0);
    let total = content.len();
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\
         Content-Range: bytes {start}-{}/{total}\r\nConnection: close\r\n\r\n",
        total - start,
        total - 1,
    )?;
    let end = match manner {
        Manner::BreaksOff(length) => (start + length).min(total),
        _ => total,
    };
    stream.write_all(&content[start..end])
}

enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
}

/// A `.tar.gz` of these entries, whatever their paths.
fn tar_gz(entries: &[Entry]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut builder = tar::Builder::new(encoder);
    for entry in entries {
        let (path, content, link) = match *entry {
            Entry::File(path, content) => (path, content, None),
            Entry::Link(path, to) => (path, [].as_slice(), Some(to)),
        };
        let mut header = tar::Header::new_gnu();
        // Not `set_path`, which refuses what these tests need.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if let Some(to) = link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name(to).unwrap();
        }
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// A `.tar.gz` of an entry with a name of so many bytes.
fn long_name(length: usize) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    let mut header = tar::Header::new_gnu();
    header.set_path("././@LongLink").unwrap();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(length as u64);
    header.set_cksum();
    builder.append(&header, vec![b'a'; length].as_slice()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

fn spair() -> Vec<u8> {
    // Bytes that do not compress, so that the transfer can break off in the middle.
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|i| {
            let mixed = (i ^ (i >> 15)).wrapping_mul(0x2c1b_3c6d);
            (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39) as u8 ^ (mixed >> 24) as u8
        })
        .collect();
    tar_gz(&[
        Entry::File("SPair-71k/Layout/large/test.txt", b"000001-a-b:cat\n"),
        Entry::File("SPair-71k/JPEGImages/cat/a.jpg", &noise),
        Entry::File("SPair-71k/JPEGImages/cat/._a.jpg", b"macOS"),
        Entry::File("__MACOSX/x", b"macOS"),
    ])
}

fn download(benchmark: &str, out: &Path, url: &str) -> Command {
    let mut command = Command::cargo_bin("hpflow").unwrap();
    command.args(["dataset", "download", benchmark, "--url", url, "--out"]).arg(out);
    // No proxy between this machine and itself.
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"]
    {
        command.env_remove(name);
    }
    command
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_fetched_unpacked_and_removed() {
    let (url, _) = serve(spair(), "application/gzip", Manner::Good);
    let out = tempfile::tempdir().unwrap();
    download("spair", &out.path().join("new"), &format!("{url}/SPair-71k.tar.gz?a=b"))
        .assert()
        .success()
        .stdout(contains("spair is in "));
    let root = out.path().join("new/SPair-71k");
    assert_eq!(fs::read(root.join("Layout/large/test.txt")).unwrap(), b"000001-a-b:cat\n");
    assert_eq!(names(&root.join("JPEGImages/cat")), ["a.jpg"], "no files of macOS");
    assert_eq!(names(&out.path().join("new")), ["SPair-71k"], "nothing else is left");
    // A second time nothing is overwritten.
    download("spair", &out.path().join("new"), &format!("{url}/SPair-71k.tar.gz"))
        .assert()
        .code(1)
        .stderr(contains("SPair-71k exists already"));
}

#[test]
fn a_zip_archive_is_unpacked_too() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in [("PF-dataset/duck(S)/a.mat", "a"), ("PF-dataset/duck(S)/a.png", "b")] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let (url, _) = serve(zip.finish().unwrap().into_inner(), "application/zip", Manner::Good);
    let out = tempfile::tempdir().unwrap();
    download("pf-willow", out.path(), &format!("{url}/PF-dataset.zip"))
        .arg("--keep-archive")
        .assert()
        .success();
    assert_eq!(names(out.path()), ["PF-dataset", "PF-dataset.zip"]);
    assert_eq!(names(&out.path().join("PF-dataset/duck(S)")), ["a.mat", "a.png"]);
}

#[test]
fn gzip_members_are_read_one_after_another_and_padding_is_not() {
    let whole = spair();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(whole.as_slice()), &mut plain)
        .unwrap();
    let mut content = Vec::new();
    for part in plain.chunks(plain.len() / 2 + 1) {
        let mut encoder = flate2::write::GzEncoder::new(&mut content, flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap();
    }
    content.extend([0; 512]);
    let (url, _) = serve(content, "application/gzip", Manner::Good);
    let out = tempfile::tempdir().unwrap();
    download("spair", out.path(), &format!("{url}/s.tar.gz")).assert().success();
    assert_eq!(names(out.path()), ["SPair-71k"]);
}

#[test]
fn a_transfer_that_broke_off_is_continued_to_the_same_bytes() {
    let content = spair();
    let (url, requests) = serve(content.clone(), "application/gzip", Manner::BreaksOff(60_000));
    let url = format!("{url}/s.tar.gz");
    let out = tempfile::tempdir().unwrap();
    let mut tries = 0;
    while download("spair", out.path(), &url).arg("--keep-archive").output().unwrap().status.code()
        != Some(0)
    {
        tries += 1;
        assert!(tries < 20, "{:?}", requests.lock().unwrap());
    }
    assert!(tries > 1, "it broke off at least twice");
    assert_eq!(fs::read(out.path().join("s.tar.gz")).unwrap(), content);
    let requests = requests.lock().unwrap();
    assert!(!requests[0].contains("range:"), "{requests:?}");
    assert!(requests[1].contains("range: bytes=") && requests[1].contains("if-range: \"v1\""));
    assert_eq!(names(out.path()), ["SPair-71k", "s.tar.gz"]);
}

#[test]
fn what_broke_off_is_said_with_the_bytes_that_are_there() {
    let (url, _) = serve(spair(), "application/gzip", Manner::BreaksOff(1000));
    let out = tempfile::tempdir().unwrap();
    download("spair", out.path(), &format!("{url}/s.tar.gz"))
        .assert()
        .code(1)
        .stderr(contains("broke off after 1000 bytes of "))
        .stderr(contains("run the same command again"));
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let content = spair();
    let (url, _) = serve(content.clone(), "application/gzip", Manner::IgnoresRanges);
    let url = format!("{url}/s.tar.gz");
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("s.tar.gz.partial"), b"something old").unwrap();
    fs::write(out.path().join("s.tar.gz.partial.version"), format!("{url}\n\"v0\"")).unwrap();
    download("spair", out.path(), &url).arg("--keep-archive").assert().success();
    assert_eq!(fs::read(out.path().join("s.tar.gz")).unwrap(), content);
}

#[test]
fn what_is_no_archive_is_refused_and_not_kept() {
    let page = b"<!DOCTYPE html><title>Moved</title>".to_vec();
    for (content, kind, manner, what) in [
        (page.clone(), "text/html; charset=utf-8", Manner::Good, "gave a web page instead of"),
        (page, "application/gzip", Manner::Good, "gave a web page instead of"),
        (b"hello".to_vec(), "application/gzip", Manner::Good, "gave something else instead of"),
        (vec![], "application/gzip", Manner::Status(404), "the server answers 404"),
        (vec![], "application/gzip", Manner::Status(500), "the server answers 500"),
    ] {
        let (url, _) = serve(content, kind, manner);
        let out = tempfile::tempdir().unwrap();
        download("spair", out.path(), &format!("{url}/s.tar.gz"))
            .assert()
            .code(1)
            .stderr(contains(what));
        assert!(names(out.path()).is_empty(), "{:?}", names(out.path()));
    }
}

#[test]
fn a_hostile_or_damaged_archive_leaves_nothing() {
    let good = ("SPair-71k/Layout/x", b"x".as_slice());
    let whole = spair();
    let bomb = vec![0; 64 << 20];
    let mut other_checksum = whole.clone();
    let place = whole.len() - 8;
    other_checksum[place] ^= 1;
    for (content, what) in [
        (
            tar_gz(&[Entry::File(good.0, good.1), Entry::File("SPair-71k/../../out.txt", b"x")]),
            "leads out of its folder",
        ),
        (tar_gz(&[Entry::File("/tmp/hpflow-out.txt", b"x")]), "leads out of its folder"),
        (tar_gz(&[Entry::File("a\\..\\b", b"x")]), "leads out of its folder on some systems"),
        (tar_gz(&[Entry::File("C:/x", b"x")]), "leads out of its folder on some systems"),
        (tar_gz(&[Entry::File("d:x", b"x")]), "leads out of its folder on some systems"),
        (tar_gz(&[Entry::Link("SPair-71k/Layout", "/tmp")]), "is neither a file nor a folder"),
        (tar_gz(&[Entry::File("SPair-71k/Layout/bomb", &bomb)]), "grow more than 200-fold"),
        (long_name(64 << 20), "an entry's name is longer than any name is"),
        (tar_gz(&[Entry::File("other/file", b"x")]), "does not hold spair"),
        (whole[..whole.len() / 2].to_vec(), "is damaged"),
        // Every file is there, but not the checksum, or another one.
        (whole[..whole.len() - 4].to_vec(), "is damaged"),
        (other_checksum, "is damaged"),
        ([&[0x1f, 0x8b], [7; 90].as_slice()].concat(), "is damaged"),
        ([b"PK\x03\x04".as_slice(), &[7; 90]].concat(), "is damaged"),
    ] {
        let (url, _) = serve(content, "application/gzip", Manner::Good);
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        download("spair", &out, &format!("{url}/s.tar.gz")).assert().code(1).stderr(contains(what));
        assert_eq!(names(folder.path()), ["out"], "{what}");
        assert_eq!(names(&out), ["s.tar.gz"], "{what}");
    }
    assert!(!Path::new("/tmp/hpflow-out.txt").exists());
}

#[test]
fn a_server_that_is_not_there_or_an_address_that_is_none_is_one_sentence() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let out = tempfile::tempdir().unwrap();
    download("spair", out.path(), &format!("http://{address}/s.tar.gz"))
        .assert()
        .code(1)
        .stderr(contains("check the network, or give another address with --url"));
    for url in ["ftp://x/s.tar.gz", "http://x", "http://x/", "s.tar.gz", "http://x/.."] {
        download("spair", out.path(), url).assert().code(2).stderr(contains("expected http://"));
    }
    assert!(names(out.path()).is_empty());
}
