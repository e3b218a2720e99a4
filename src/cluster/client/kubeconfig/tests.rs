//! Kubeconfigs as they are written by hand, by tools and by mistake.

use super::*;

fn at(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn one(name: &str) -> String {
    format!(
        "current-context: {name}\nclusters: [{{name: {name}, cluster: {{server: 'http://{name}'}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: u}}}}]\nusers: [{{name: u, user: {{token: {name}}}}}]\n"
    )
}

fn listed(paths: &[&Path]) -> Result<Option<Merged>, Error> {
    let list = std::env::join_paths(paths).unwrap();
    read(&Source::Standard, &move |name| (name == "KUBECONFIG").then(|| list.clone()))
}

#[test]
fn files_that_do_not_exist_are_skipped_unless_there_is_no_other() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (at(home.path(), "a", &one("a")), at(home.path(), "b", &one("b")));
    let (gone, empty) = (home.path().join("gone"), at(home.path(), "empty", ""));
    for (paths, contexts, skipped) in [
        (vec![&*a, &*gone], vec!["a"], 1),
        (vec![&*gone, &*a], vec!["a"], 1),
        (vec![&*a, &*b], vec!["a", "b"], 0),
        (vec![&*b, &*empty, &*a, &*b], vec!["b", "a"], 0),
        (vec![Path::new(""), &*a, Path::new("")], vec!["a"], 0),
        (vec![&*empty], vec![], 0),
    ] {
        let merged = listed(&paths).unwrap().unwrap();
        assert_eq!(names(&merged.kubeconfig), contexts, "{paths:?}");
        assert_eq!(merged.skipped.len(), skipped, "{paths:?}");
        if let Some(first) = contexts.first() {
            let selected = select(&merged.kubeconfig, None).unwrap();
            assert_eq!(&selected.name, first, "the first current context wins");
            let token = serde_json::to_value(&selected.user).unwrap();
            assert_eq!(token["token"], *first, "the first user of a name wins");
        }
    }
    let other = home.path().join("other");
    assert!(
        listed(&[&gone, &other]).unwrap_err().to_string().contains("none of the files in KUBECONFIG exists")
    );
    assert!(listed(&[&gone]).unwrap_err().to_string().contains("gone cannot be read: there is no such file"));
    assert!(listed(&[&a, home.path()]).unwrap_err().to_string().contains("it is a directory"));
    assert!(listed(&[Path::new(""), Path::new("")]).unwrap().is_none());
    let broken = at(home.path(), "broken", "clusters: [");
    assert!(listed(&[&a, &broken]).unwrap_err().to_string().contains("broken is not valid YAML"));
}

#[test]
fn the_file_at_home_may_be_absent() {
    let home = tempfile::tempdir().unwrap();
    let variables = |name: &str| (name == "HOME").then(|| home.path().as_os_str().to_owned());
    assert!(read(&Source::Standard, &variables).unwrap().is_none());
    at(home.path(), ".kube/config", &one("h"));
    assert_eq!(names(&read(&Source::Standard, &variables).unwrap().unwrap().kubeconfig), ["h"]);
}

#[test]
fn paths_are_relative_to_their_file() {
    let home = tempfile::tempdir().unwrap();
    let text = "current-context: a\nclusters: [{name: a, cluster: {server: 'https://a', certificate-authority: pki/ca.crt}}]\n\
        contexts: [{name: a, context: {cluster: a, user: u}}, {name: b, context: {cluster: a, user: v}}]\n\
        users:\n- {name: u, user: {tokenFile: tok, client-certificate: /abs/c, client-key: ../k, exec: {command: ./plug/in}}}\n\
        - {name: v, user: {exec: {command: aws}}}\n";
    let path = at(home.path(), "deep/kc", text);
    let merged = read(&Source::File(path), &|_| None).unwrap().unwrap();
    let a = select(&merged.kubeconfig, Some("a")).unwrap();
    let deep = home.path().join("deep");
    let whole = |name: &str| Some(deep.join(name).display().to_string());
    assert_eq!(a.cluster.certificate_authority, whole("pki/ca.crt"));
    assert_eq!(a.user.token_file, whole("tok"));
    assert_eq!(a.user.client_certificate.as_deref(), Some("/abs/c"));
    assert_eq!(a.user.client_key, whole("../k"));
    assert_eq!(a.user.exec.unwrap().command, whole("./plug/in"));
    let b = select(&merged.kubeconfig, Some("b")).unwrap();
    assert_eq!(b.user.exec.unwrap().command.as_deref(), Some("aws"), "a bare command is looked up in PATH");
}

#[test]
fn texts_that_go_accepts_are_accepted() {
    let json = serde_json::json!({
        "current-context": "c", "clusters": [{"name": "c", "cluster": {"server": "http://c"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}], "users": [{"name": "u", "user": {"token": "c"}}],
    });
    let tabs = serde_json::to_string_pretty(&json).unwrap().replace("  ", "\t");
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(one("c").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let nulls = "kind: Config\npreferences: null\nextensions: null\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'http://c', \
        certificate-authority-data: '', certificate-authority: null, proxy-url: '', tls-server-name: '', insecure-skip-tls-verify: null, \
        extensions: [{extension: {provider: x}}]}\n\
        contexts:\n- {name: c, context: {cluster: c, user: u, namespace: ''}}\n- {name: half}\n- {name: open, context: {user: u}}\n- null\n\
        users:\n- name: u\n  user: {token: c, tokenFile: '', username: '', as: '', as-groups: null, \
        exec: {command: x, args: null, env: [{name: A, value: null}], provideClusterInfo: null, interactiveMode: ''}}\n";
    let duplicate = format!("current-context: wrong\n{}", one("c"));
    for (name, bytes) in [
        ("plain", one("c").into_bytes()),
        ("CRLF", one("c").replace('\n', "\r\n").into_bytes()),
        ("UTF-8 mark", [b"\xef\xbb\xbf".as_slice(), one("c").as_bytes()].concat()),
        ("UTF-16", utf16),
        ("JSON", json.to_string().into_bytes()),
        ("JSON with tabs", tabs.into_bytes()),
        ("JSON with a mark", [b"\xef\xbb\xbf".as_slice(), json.to_string().as_bytes()].concat()),
        ("null and empty", nulls.as_bytes().to_vec()),
        ("duplicate keys", duplicate.into_bytes()),
        ("a leading document mark", format!("---\n# by a tool\n{}", one("c")).into_bytes()),
        ("a second document", format!("{}---\n", one("c")).into_bytes()),
    ] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("kc");
        std::fs::write(&path, bytes).unwrap();
        let merged =
            read(&Source::File(path), &|_| None).unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
        let selected = select(&merged.kubeconfig, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(selected.name, "c", "{name}");
        assert_eq!(selected.namespace, "default", "{name}");
        assert_eq!(selected.cluster.server.as_deref(), Some("http://c"), "{name}");
        assert_eq!(selected.cluster.certificate_authority_data, None, "{name}");
        assert_eq!(serde_json::to_value(&selected.user).unwrap()["token"], "c", "{name}");
    }
}

#[test]
fn wrapped_base64_is_joined() {
    let text = one("c")
        .replace("server: 'http://c'", "server: 'http://c', certificate-authority-data: \"TFMw\\n TFMw\\n\"");
    let merged = read(&Source::Yaml(text), &|_| None).unwrap().unwrap();
    let data = select(&merged.kubeconfig, None).unwrap().cluster.certificate_authority_data;
    assert_eq!(data.as_deref(), Some("TFMwTFMw"));
}

#[test]
fn no_sentence_about_a_kubeconfig_holds_a_piece_of_it() {
    for text in [
        "users: [{name: u, user: {token: s3cret}}",
        "users: [{name: u, user: {token: {s3cret: 1}}}]",
        "users: [{name: u, user: {token: [s3cret]}}]",
        "users: s3cret",
        "s3cret",
        "[s3cret]",
        "users: [{name: u, user: {token: \"s3cret}}]",
        "{\"users\": [{\"name\": \"u\", \"user\": \"s3cret\"}]}",
    ] {
        let sentence = read(&Source::Yaml(text.to_owned()), &|_| None).unwrap_err().to_string();
        assert!(sentence.starts_with("the kubeconfig is not valid"), "{sentence}");
        assert!(!sentence.contains("s3cret"), "{sentence}");
    }
}
