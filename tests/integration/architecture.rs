//! The house keeps its shape: imports point one way, each crate stays in its rooms, files stay short, one place reads the clock.

mod circles;
mod preflights;
mod settings;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Room and the rooms that it may import from.
const ROOMS: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("sanitize", &[]),
    ("time", &["api"]),
    ("domain", &["api"]),
    ("config", &["api", "domain"]),
    ("workload", &["api", "domain", "config", "sanitize", "time"]),
    ("cluster", &["api", "domain", "config", "sanitize", "time", "workload"]),
    ("metrics", &["api", "domain", "config", "sanitize", "time", "cluster"]),
    ("traffic", &["api", "domain", "config", "sanitize", "time", "cluster", "workload"]),
    ("gate", &["api", "domain", "config", "sanitize", "time", "cluster", "workload", "metrics", "traffic"]),
    ("notify", &["api", "domain", "config", "sanitize", "time", "cluster"]),
    (
        "controller",
        &[
            "api", "domain", "config", "sanitize", "time", "cluster", "metrics", "workload", "traffic",
            "gate", "notify",
        ],
    ),
    ("app", &["api", "domain", "config", "sanitize"]),
    ("ui", &["api", "domain", "config", "sanitize", "app"]),
    ("tui", &["api", "domain", "config", "sanitize", "time", "cluster", "metrics", "app", "ui"]),
    ("sim", &["api", "domain", "config", "sanitize", "time"]),
];

/// These see everything.
const ROOFS: &[&str] = &["cli", "main"];

/// Crate (or path in one) and the only rooms that may name it.
const CRATES: &[(&str, &[&str])] = &[
    ("ratatui", &["ui", "tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("color_eyre", &["cli", "tui", "main"]),
    ("axum", &["sim", "controller"]),
    ("promql_parser", &["sim"]),
    ("cel", &["domain", "sim"]),
    ("etcetera", &["config"]),
    ("jiff", &["api"]),
    (
        "tokio",
        &[
            "cluster",
            "metrics",
            "workload",
            "traffic",
            "gate",
            "notify",
            "controller",
            "tui",
            "sim",
            "cli",
            "time",
        ],
    ),
    ("reqwest", &["cluster", "metrics", "gate", "notify", "controller", "sim", "cli", "tui"]),
    ("kube::Client", ADAPTERS),
    ("kube::Api", ADAPTERS),
    ("kube::api", ADAPTERS),
    ("kube::client", ADAPTERS),
    ("kube::config", ADAPTERS),
    ("kube::runtime", ADAPTERS),
];

/// Rooms that may hold a Kubernetes client.
const ADAPTERS: &[&str] =
    &["cluster", "metrics", "workload", "traffic", "gate", "notify", "controller", "cli", "tui"];

/// Words that read a clock, and the rooms that may use each.
const CLOCKS: &[(&str, &[&str])] = &[
    ("Utc::now", &["time"]),
    ("Local::now", &["time"]),
    ("SystemTime::now", &["time"]),
    ("Timestamp::now", &["time"]),
    // timeouts on the wire and frames on the wall have nothing to do with the world's time
    ("Instant::now", &["time", "tui", "sim"]),
];

const LONGEST_FILE: usize = 400;

struct Source {
    path: PathBuf,
    /// Below `src`.
    inside: String,
    room: String,
    /// The file as it is.
    whole: String,
    /// Without comments, texts and test modules.
    code: String,
    /// Lines outside of test modules.
    lines: usize,
}

#[test]
fn imports_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = String::new();
    for source in sources() {
        if ROOFS.contains(&source.room.as_str()) {
            continue;
        }
        let Some(allowed) = allowed.get(source.room.as_str()) else {
            writeln!(wrong, "{}: the room `{}` is not on the list", source.path.display(), source.room)
                .unwrap();
            continue;
        };
        for target in imported_rooms(&source.code) {
            if target != source.room && !allowed.contains(&target.as_str()) {
                writeln!(wrong, "{}: {} must not import {target}", source.path.display(), source.room)
                    .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_list_of_rooms_has_no_cycle() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < ROOMS.len() {
        let ready: Vec<&str> = ROOMS
            .iter()
            .filter(|(room, needs)| !done.contains(room) && needs.iter().all(|need| done.contains(need)))
            .map(|(room, _)| *room)
            .collect();
        assert!(!ready.is_empty(), "a cycle among {:?}", ROOMS.iter().map(|r| r.0).collect::<Vec<_>>());
        done.extend(ready);
    }
}

#[test]
fn each_crate_stays_in_its_rooms() {
    let mut wrong = String::new();
    for source in sources() {
        for (name, rooms) in CRATES {
            if !rooms.contains(&source.room.as_str()) && names(&source.code, &format!("{name}::"), name) {
                writeln!(wrong, "{}: {} must not use {name}", source.path.display(), source.room).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn one_place_reads_the_clock() {
    let mut wrong = String::new();
    for source in sources() {
        for (word, rooms) in CLOCKS {
            if !rooms.contains(&source.room.as_str()) && source.code.contains(word) {
                writeln!(wrong, "{}: {word} belongs to `time`", source.path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn files_stay_short_and_modules_have_names() {
    let mut wrong = String::new();
    for source in sources() {
        if source.lines > LONGEST_FILE {
            writeln!(wrong, "{}: {} lines without tests", source.path.display(), source.lines).unwrap();
        }
        if source.path.file_name().is_some_and(|name| name == "mod.rs") {
            writeln!(wrong, "{}: name the file after its module", source.path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_file_says_what_it_is() {
    let mute: Vec<_> = sources()
        .into_iter()
        .filter(|source| !fs::read_to_string(&source.path).unwrap().starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(mute.is_empty(), "no module header: {mute:?}");
}

#[test]
fn the_reader_of_sources_sees_what_it_must() {
    let text = r#"
//! crate::sim in a comment
use crate::{api::Release, domain};
use std::fmt; // crate::tui
fn f() { let _ = "crate::ui"; super::g(crate::config::key::KeyChord::char('"')); kube::Client::new(); Utc::now(); }
#[cfg(test)]
mod tests { use crate::controller; fn t() { Utc::now(); } }
"#;
    let (code, lines) = without_tests(text);
    let rooms: Vec<String> = imported_rooms(&code).into_iter().collect();
    assert_eq!(rooms, ["api", "config", "domain"]);
    assert_eq!(lines, 5);
    assert!(names(&code, "kube::Client::", "kube::Client"));
    assert!(!names("use kube::core::Reason;", "kube::Client::", "kube::Client"));
    assert!(names("use kube::{Api, Client};", "kube::Client::", "kube::Client"));
    assert!(!names("mytokio::x(); stokio::y()", "tokio::", "tokio"));
    assert_eq!(code.matches("Utc::now").count(), 1);
}

fn sources() -> Vec<Source> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&home.join("src"), &mut paths);
    // modules of tests in files of their own
    paths.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    let read: Vec<Source> = paths
        .into_iter()
        .map(|path| {
            let whole = fs::read_to_string(&path).unwrap();
            let (code, lines) = without_tests(&whole);
            let inside = path.strip_prefix(home.join("src")).unwrap().to_string_lossy().into_owned();
            let room = inside.split('/').next().unwrap_or_default();
            let room = room.strip_suffix(".rs").unwrap_or(room).to_owned();
            Source { path, inside, room, whole, code, lines }
        })
        .filter(|source| source.room != "lib")
        .collect();
    assert!(read.len() > 10, "the sources were not found");
    read
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code up to its test module (which ends a file by convention), without comments and texts; and how many lines that is.
fn without_tests(text: &str) -> (String, usize) {
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some(end) = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]"
            && pair[1].trim_start().trim_start_matches("pub(crate) ").starts_with("mod ")
    }) {
        let inline = lines[end + 1].trim_end().ends_with('{') || lines[end + 1].trim_end().ends_with('}');
        if inline {
            lines.truncate(end);
        }
    }
    let code: Vec<String> = lines.iter().map(|line| without_texts(line)).collect();
    (code.join("\n"), lines.len())
}

fn without_texts(line: &str) -> String {
    let line = line.replace("'\"'", "' '").replace("\\\"", "");
    let mut kept = String::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            continue;
        }
        if let Some((before, _)) = part.split_once("//") {
            kept.push_str(before);
            break;
        }
        kept.push_str(part);
    }
    kept
}

/// The rooms named by `crate::room` and `crate::{room, …}`.
fn imported_rooms(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            rooms.extend(top_level(group));
        } else {
            rooms.insert(word(rest));
        }
    }
    rooms.retain(|room| ROOMS.iter().any(|(known, _)| known == room) || ROOFS.contains(&room.as_str()));
    rooms
}

/// First words of the members of a `use` group, given what follows its opening brace.
fn top_level(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            c => members.last_mut().unwrap().push(c),
        }
    }
    members.iter().map(|member| word(member.trim())).collect()
}

/// The first word of a line.
fn word_at_start(line: &str) -> String {
    word(line.trim())
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether code names a crate: as the beginning of a path, or inside a `use` of one level of braces.
fn names(code: &str, as_path: &str, whole: &str) -> bool {
    let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    if code.match_indices(as_path).any(|(at, _)| begins(at)) {
        return true;
    }
    let is_word_end = |at: usize| !code[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if code.match_indices(whole).any(|(at, _)| {
        begins(at) && is_word_end(at + whole.len()) && (whole.contains("::") || code[..at].ends_with("use "))
    }) {
        return true;
    }
    let Some((path, last)) = whole.rsplit_once("::") else { return false };
    code.match_indices(&format!("{path}::{{")).any(|(at, found)| {
        begins(at) && top_level(&code[at + found.len()..]).iter().any(|member| member == last)
    })
}
