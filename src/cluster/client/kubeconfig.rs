//! Reads kubeconfigs as kubectl does: finds the files, merges them, and picks a context.
//!
//! Lenient where Go's decoder is: `null` and empty text are absent, the last of two equal keys wins, base64 may be wrapped.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig};
use serde_json::{Map, Value};

use super::super::error::{Error, Kind, quote};
use super::Source;

/// Looks up a variable of the environment.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The kubeconfigs of a source as one.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The first file that names a thing wins.
    pub(super) kubeconfig: Kubeconfig,
    /// Files of `KUBECONFIG` that do not exist.
    pub(super) skipped: Vec<PathBuf>,
}

/// What a context stands for.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) cluster: Cluster,
    pub(super) user: AuthInfo,
}

/// The kubeconfig of a source; none when nothing names one, so that we may be inside a pod.
pub(super) fn read(source: &Source, variables: Variables<'_>) -> Result<Option<Merged>, Error> {
    match source {
        Source::Server(_) => Ok(None),
        Source::Yaml(text) => Ok(Some(Merged { kubeconfig: parse(text, "")?, skipped: Vec::new() })),
        Source::File(path) => {
            let kubeconfig = read_file(path)?.ok_or_else(|| unreadable(path, "there is no such file"))?;
            Ok(Some(Merged { kubeconfig, skipped: Vec::new() }))
        }
        Source::Standard => {
            if let Some(list) = variables("KUBECONFIG").filter(|list| !list.is_empty()) {
                read_list(&list)
            } else {
                let home = variables("HOME").map(PathBuf::from).or_else(std::env::home_dir);
                let Some(home) = home else { return Ok(None) };
                let found = read_file(&home.join(".kube").join("config"))?;
                Ok(found.map(|kubeconfig| Merged { kubeconfig, skipped: Vec::new() }))
            }
        }
    }
}

/// The files of a list as one; files that do not exist are skipped, unless there is no other.
fn read_list(list: &OsString) -> Result<Option<Merged>, Error> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let (mut all, mut skipped) = (Vec::new(), Vec::new());
    for path in &paths {
        match read_file(path)? {
            Some(kubeconfig) => all.push(kubeconfig),
            None => skipped.push(path.clone()),
        }
    }
    if let ([], [first, ..]) = (all.as_slice(), skipped.as_slice()) {
        let sentence = if skipped.len() == 1 {
            return Err(unreadable(first, "there is no such file"));
        } else {
            let names: Vec<String> = skipped.iter().map(|path| path.display().to_string()).collect();
            format!("none of the files in KUBECONFIG exists: {}", quote(&names.join(", ")))
        };
        return Err(Error::new(Kind::Kubeconfig, sentence));
    }
    if all.is_empty() {
        return Ok(None);
    }
    Ok(Some(Merged { kubeconfig: merge(all), skipped }))
}

fn merge(all: Vec<Kubeconfig>) -> Kubeconfig {
    all.into_iter().fold(Kubeconfig::default(), |merged, next| {
        let kept = merged.clone();
        // Fails only where `kind` differs, which parsing has removed.
        merged.merge(next).unwrap_or(kept)
    })
}

fn unreadable(path: &Path, why: &str) -> Error {
    let path = quote(&path.display().to_string());
    Error::new(Kind::Kubeconfig, format!("the kubeconfig {path} cannot be read: {why}"))
}

/// One file; none where it does not exist.
fn read_file(path: &Path) -> Result<Option<Kubeconfig>, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &io_words(&error))),
    };
    let text = decode(&bytes).ok_or_else(|| unreadable(path, "it is not text (UTF-8 or UTF-16)"))?;
    let mut kubeconfig = parse(&text, &format!(" {}", path.display()))?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    resolve_paths(&mut kubeconfig, path.parent().unwrap_or(Path::new("/")));
    Ok(Some(kubeconfig))
}

/// A failure to read a file, in few words.
pub(super) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => quote(&error.to_string()),
    }
}

/// Text in UTF-8 or, with a byte order mark, UTF-16.
fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// A kubeconfig's text, in YAML or JSON; `name` begins with a space, or is empty.
fn parse(text: &str, name: &str) -> Result<Kubeconfig, Error> {
    let wrong = |what: &str, why: &str| {
        // Parsers quote what they stumble over, and that may be a token.
        let first = without_quotes(why.lines().next().unwrap_or_default());
        let sentence = format!("the kubeconfig{} is not valid{what}: {}", quote_path(name), quote(&first));
        Error::new(Kind::Kubeconfig, sentence)
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let as_json =
        text.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let documents: Vec<Value> = if let Some(value) = as_json {
        vec![value]
    } else {
        let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
        serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| wrong(" YAML", &error.to_string()))?
    };
    let mut all = Vec::new();
    for mut document in documents.into_iter().filter(|document| !document.is_null()) {
        let Some(fields) = document.as_object_mut() else {
            return Err(wrong("", "it holds no fields"));
        };
        tidy(fields);
        all.push(serde_json::from_value(document).map_err(|error| wrong("", &error.to_string()))?);
    }
    Ok(merge(all))
}

fn quote_path(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" {}", quote(name)) }
}

/// A parser's sentence without the pieces of the text that it quotes.
fn without_quotes(sentence: &str) -> String {
    let mut plain = String::new();
    let mut until = None;
    for c in sentence.chars() {
        match until {
            Some(end) if c == end => {
                plain.push('…');
                plain.push(c);
                until = None;
            }
            Some(_) => {}
            None => {
                plain.push(c);
                until = (c == '"' || c == '`').then_some(c);
            }
        }
    }
    plain
}

/// Removes what Go's decoder takes for absent, and supplies what it does not demand.
fn tidy(fields: &mut Map<String, Value>) {
    for unused in ["kind", "apiVersion", "preferences", "extensions"] {
        fields.remove(unused);
    }
    drop_empty(fields);
    for (list, inner) in [("clusters", "cluster"), ("users", "user"), ("contexts", "context")] {
        let Some(Value::Array(entries)) = fields.get_mut(list) else { continue };
        entries.retain(|entry| !entry.is_null());
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.entry("name").or_insert_with(|| Value::from(""));
            if let Some(Value::Object(body)) = entry.get_mut(inner) {
                tidy_body(inner, body);
            }
        }
    }
}

fn tidy_body(inner: &str, body: &mut Map<String, Value>) {
    if inner == "context" {
        body.entry("cluster").or_insert_with(|| Value::from(""));
    }
    if let Some(Value::Array(extensions)) = body.get_mut("extensions") {
        extensions
            .retain(|one| inner == "cluster" && one.get("name").is_some() && one.get("extension").is_some());
    }
    for (_, value) in body.iter_mut().filter(|(key, _)| key.ends_with("-data")) {
        if let Value::String(text) = value {
            text.retain(|c| !c.is_ascii_whitespace());
        }
    }
}

fn drop_empty(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    for value in fields.values_mut() {
        match value {
            Value::Object(inner) => drop_empty(inner),
            Value::Array(entries) => {
                entries.iter_mut().filter_map(Value::as_object_mut).for_each(drop_empty);
            }
            _ => {}
        }
    }
}

/// Makes paths relative to the file absolute; a command is a path only where it holds a separator.
fn resolve_paths(kubeconfig: &mut Kubeconfig, directory: &Path) {
    let resolve = |path: &mut Option<String>| {
        if let Some(given) = path.as_mut()
            && Path::new(&*given).is_relative()
            && let Some(whole) = directory.join(&*given).to_str()
        {
            whole.clone_into(given);
        }
    };
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        resolve(&mut cluster.certificate_authority);
    }
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        resolve(&mut user.client_certificate);
        resolve(&mut user.client_key);
        resolve(&mut user.token_file);
        if let Some(exec) = &mut user.exec
            && exec.command.as_deref().is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR))
        {
            resolve(&mut exec.command);
        }
    }
}

/// The names of the contexts.
pub(super) fn names(kubeconfig: &Kubeconfig) -> Vec<String> {
    kubeconfig.contexts.iter().map(|context| context.name.clone()).collect()
}

/// The context of that name, else the current one.
pub(super) fn select(kubeconfig: &Kubeconfig, wanted: Option<&str>) -> Result<Selected, Error> {
    let names = names(kubeconfig);
    let known = if names.is_empty() { "none".to_owned() } else { quote(&names.join(", ")) };
    let Some(name) = wanted.or(kubeconfig.current_context.as_deref()) else {
        let sentence =
            format!("the kubeconfig has no current context: pass --context NAME (it has: {known})");
        return Err(Error::new(Kind::Context, sentence));
    };
    let context: Context = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == name)
        .and_then(|named| named.context.clone())
        .ok_or_else(|| {
            Error::new(
                Kind::Context,
                format!("the kubeconfig has no context {}: it has {known}", quote(name)),
            )
        })?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.clone())
        .ok_or_else(|| {
            let cluster = if context.cluster.is_empty() { "no cluster" } else { &context.cluster };
            let sentence = format!(
                "the kubeconfig's context names the cluster {}, which it does not define",
                quote(cluster)
            );
            Error::new(Kind::Kubeconfig, sentence)
        })?;
    let user = context.user.as_deref().and_then(|user| {
        kubeconfig
            .auth_infos
            .iter()
            .find(|named| named.name == user)
            .and_then(|named| named.auth_info.clone())
    });
    Ok(Selected {
        name: name.to_owned(),
        namespace: context.namespace.unwrap_or_else(|| "default".to_owned()),
        cluster,
        user: user.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
