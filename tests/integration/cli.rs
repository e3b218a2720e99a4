//! The command line from outside: what it prints, what it says when something is wrong, and how it ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::{Predicate as _, predicate};
use tempfile::TempDir;

/// The program in a world of its own: no settings, no kubeconfig, no terminal.
fn cockpit(home: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_release-cockpit"));
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin").current_dir(home.path());
    command.timeout(std::time::Duration::from_secs(60));
    command
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(home: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn kubeconfig(home: &TempDir, server: &str) -> PathBuf {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n\
         contexts:\n- name: here\n  context: {{cluster: c, user: u}}\n- name: there\n  context: {{cluster: c, user: u}}\n\
         users:\n- name: u\n  user: {{token: t}}\n"
    );
    file(home, "kubeconfig", &text)
}

/// Runs it and expects this number and these words on standard error.
fn refuses(command: &mut Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(predicate::str::contains(*word).eval(&said), "{word:?} is not in:\n{said}");
    }
    let sentences: Vec<&str> = said.lines().filter(|line| line.starts_with("release-cockpit: ")).collect();
    assert!(code == 2 || sentences.len() == 1, "one sentence, not:\n{said}");
}

#[test]
fn help_and_version_are_printed_and_are_no_failure() {
    let home = home();
    for arguments in [&["--help"][..], &["-h"], &["deploy", "--help"], &["--version"], &["wait", "-h"]] {
        let output = cockpit(&home).args(arguments).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
    let help = cockpit(&home).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for verb in
        ["demo", "controller", "deploy", "promote", "approve", "rollback", "queue", "wait", "manifests"]
    {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb} is not in:\n{help}");
    }
    assert!(help.contains("Exit codes:"));
}

#[test]
fn the_help_of_every_command_is_as_committed() {
    let home = home();
    let mut all = String::new();
    let mut commands: Vec<Vec<String>> = vec![vec![]];
    commands.extend(release_cockpit::cli::verbs().into_iter().map(|verb| vec![verb]));
    for command in commands {
        let output = cockpit(&home).args(&command).arg("-h").output().unwrap();
        all.push_str(&format!("$ release-cockpit {} -h\n", command.join(" ")).replace("  ", " "));
        all.push_str(&String::from_utf8(output.stdout).unwrap());
        all.push('\n');
    }
    super::documents::same("tests/fixtures/help.txt", &all);
}

#[test]
fn mistyped_arguments_are_usage() {
    let home = home();
    refuses(cockpit(&home).arg("deplyo"), 2, &["unrecognized subcommand", "deploy"]);
    refuses(cockpit(&home).args(["deploy", "staging"]), 2, &["<VERSION>"]);
    refuses(cockpit(&home).args(["wait", "x", "--timeout", "soon"]), 2, &["`soon` is not a duration"]);
    refuses(cockpit(&home).args(["wait", "x", "--for", "Done"]), 2, &["phases are Pending, Progressing"]);
    for option in ["--alertmanager", "--prometheus"] {
        let words = ["namespace/service:port", option];
        refuses(cockpit(&home).args(["alerts", option, "notaurl"]), 2, &words);
    }
    let silence = ["silence", "staging", "Slow", "--reason", "it is known", "--for"];
    refuses(cockpit(&home).args(silence).arg("soon"), 2, &["`soon` is not a duration"]);
    refuses(cockpit(&home).args(silence).arg("0s"), 2, &["`0s` is zero"]);
    for (command, words) in [
        (&["drive", "x", "--for", "-5m"][..], "`-5m` is not a duration"),
        (&["drive", "x", "--for", "0s"], "`0s` is zero"),
        (&["drive", "x", "--for", "9h"], "`9h` is too long: at most 8h"),
        (&["freeze", "x", "--for", "2hours", "--reason", "why"], "`2hours` is not a duration"),
        (&["freeze", "x", "--for", "2", "--reason", "why"], "`2` is not a duration"),
        (&["override", "x", "--gate", "windows", "--for", "5h"], "`5h` is too long: at most 4h"),
        (&["deny", "x", "y", "--for", "-1d"], "`-1d` is not a duration"),
        (&["weight", "x", "y"], "write a whole number from 0 to 100"),
        (&["weight", "x", "-1"], "write a whole number from 0 to 100"),
        (&["weight", "x", "101"], "write a whole number from 0 to 100"),
        (&["weight", "x", "5.5"], "write a whole number from 0 to 100"),
    ] {
        refuses(cockpit(&home).args(command), 2, &[words]);
    }
    // flags of the terminal are wrong for every command
    for command in [&["status"][..], &["queue"], &["config"], &["why", "x"]] {
        refuses(cockpit(&home).args(["--theme", "nowhere"]).args(command), 2, &["nowhere"]);
    }
    let log = ["--log-file", "/nowhere/cockpit.log", "status"];
    refuses(cockpit(&home).args(log), 2, &["/nowhere/cockpit.log cannot be written"]);
    refuses(cockpit(&home).args(&silence[..4]).args(["x", "--for", "1h"]), 2, &["3 characters at least"]);
    refuses(cockpit(&home).args(["silence", "staging", "--for", "1h", "--reason", "why"]), 2, &["<ALERT>"]);
    refuses(
        cockpit(&home).args(["silence", "staging", "--matcher", "high"]),
        2,
        &["a matcher is name=value"],
    );
    refuses(cockpit(&home).args(["expire-silence", "../status"]), 2, &["not the id of a silence"]);
    refuses(cockpit(&home).args(["demo", "--speed", "0"]), 2, &["a number from 0.1 to 1000"]);
    refuses(cockpit(&home).args(["demo", "nowhere"]), 2, &["there is no scenario nowhere; there are "]);
    refuses(cockpit(&home).args(["demo", "--user", "mallory"]), 2, &["nobody is called mallory"]);
}

#[test]
fn mistakes_in_the_settings_name_file_line_and_remedy() {
    let home = home();
    let config = file(&home, "c.toml", "# mine\nthme = \"dark\"\n");
    refuses(
        cockpit(&home).arg("--config").arg(&config).arg("status"),
        2,
        &["c.toml, line 2: there is no setting `thme` (did you mean `theme`?)"],
    );
    let config = file(&home, ".config/release-cockpit/release-cockpit.toml", "[log]\nlevel = 3\n");
    refuses(
        cockpit(&home).arg("status"),
        2,
        &["release-cockpit.toml, line 2: `log.level` cannot be integer 3: allowed is \"error\", \"warn\""],
    );
    std::fs::remove_file(config).unwrap();
    refuses(
        cockpit(&home).args(["--config", "/nowhere/x.toml", "status"]),
        2,
        &["/nowhere/x.toml cannot be read: there is no such file"],
    );
    refuses(
        cockpit(&home).env("RELEASE_COCKPIT_RANGE", "long").arg("status"),
        2,
        &["the environment variable RELEASE_COCKPIT_RANGE: `range` cannot be `long`: allowed is a duration"],
    );
    refuses(
        cockpit(&home).args(["--log-level", "loud", "status"]),
        2,
        &["the flag --log-level: `log.level`"],
    );
}

#[test]
fn the_settings_are_printed_with_their_origins() {
    let home = home();
    let config = file(&home, "c.toml", "theme = \"light\"\n");
    let output = cockpit(&home)
        .args(["config", "--config"])
        .arg(&config)
        .args(["-n", "a", "-n", "b"])
        .env("RELEASE_COCKPIT_RANGE", "1h")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let row = |key: &str| {
        let line = printed.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("theme"), format!("theme \"light\" {}:1", config.display()));
    assert_eq!(row("range"), "range \"1h\" variable RELEASE_COCKPIT_RANGE");
    assert_eq!(row("namespaces"), "namespaces [\"a\", \"b\"] flag --namespace");
    assert_eq!(row("mouse"), "mouse false default");
}

#[test]
fn the_samples_are_accepted_as_they_are() {
    let home = home();
    for (what, flag) in [("default", "--config"), ("keymap", "")] {
        let sample = cockpit(&home).args(["config", what]).output().unwrap();
        let path = file(&home, &format!("{what}.toml"), &String::from_utf8(sample.stdout).unwrap());
        if !flag.is_empty() {
            assert!(cockpit(&home).arg(flag).arg(path).arg("config").output().unwrap().status.success());
        }
    }
}

#[test]
fn kubeconfigs_that_cannot_be_used_are_told_apart() {
    let home = home();
    refuses(
        cockpit(&home).args(["--kubeconfig", "/nowhere/kc", "status"]),
        2,
        &["/nowhere/kc cannot be read"],
    );
    let broken = file(&home, "broken", "contexts: [\n");
    for command in [
        &["status"][..],
        &["queue"],
        &["abort", "x", "--reason", "why"],
        &["deploy", "x", "v1"],
        &["logs", "x"],
    ] {
        refuses(cockpit(&home).arg("--kubeconfig").arg(&broken).args(command), 2, &["is not valid YAML"]);
    }
    let kubeconfig = kubeconfig(&home, "http://127.0.0.1:1");
    refuses(
        cockpit(&home).arg("--kubeconfig").arg(&kubeconfig).args(["--context", "nope", "status"]),
        2,
        &["no context nope", "here", "there"],
    );
    refuses(
        cockpit(&home)
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["--context", "here", "--context", "there"])
            .args(["pause", "x"]),
        2,
        &["name one --context"],
    );
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let home = home();
    let kubeconfig = kubeconfig(&home, "http://127.0.0.1:1");
    for verb in [&["status"][..], &["deploy", "staging", "v1"], &["wait", "x", "--timeout", "1s"]] {
        refuses(cockpit(&home).arg("--kubeconfig").arg(&kubeconfig).args(verb), 6, &["nothing listens"]);
    }
}

#[test]
fn a_server_that_accepts_and_never_answers_is_given_up() {
    let home = home();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let kubeconfig = kubeconfig(&home, &format!("http://{}", listener.local_addr().unwrap()));
    refuses(
        cockpit(&home).arg("--kubeconfig").arg(&kubeconfig).arg("status"),
        6,
        // whichever limit of time is reached first, ours or the connection's
        &["answer", "check its load"],
    );
}

#[test]
fn completions_and_manual_are_printed() {
    let home = home();
    for arguments in [&["completions", "bash"][..], &["completions", "fish"], &["man"]] {
        let output = cockpit(&home).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("promote"), "{arguments:?}");
    }
}

#[test]
fn kubectl_finds_it_under_its_own_name() {
    let home = home();
    let link = home.path().join("kubectl-cockpit");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_BIN_EXE_release-cockpit")), &link).unwrap();
    let output = std::process::Command::new(link).arg("--help").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: kubectl cockpit"));
}

#[test]
fn without_a_terminal_the_cockpit_says_what_else_there_is() {
    let home = home();
    let kubeconfig = kubeconfig(&home, "http://127.0.0.1:1");
    refuses(cockpit(&home).arg("--kubeconfig").arg(kubeconfig), 2, &["needs a terminal", "status"]);
    refuses(cockpit(&home).arg("status"), 2, &["there is no kubeconfig", "release-cockpit demo"]);
}

#[test]
fn what_no_cluster_would_take_is_said_before_one_is_looked_for() {
    let home = home();
    for (arguments, words) in [
        (
            &["deny", "production", "sha256:abc", "--reason", "it leaks"][..],
            "sha256: and 64 hexadecimal digits",
        ),
        (&["allow", "production", "v1.8.2", "--reason", "it is mended"], "sha256: and 64 hexadecimal digits"),
        (
            &["override", "production", "--gate", "lane", "--incident", "INC-1", "--reason", "it burns"],
            "gate lane cannot be passed by force",
        ),
        (
            &["override", "production", "--gate", "windows", "--reason", "it burns"],
            "override needs an incident",
        ),
        (&["freeze", "production", "--for", "2h"], "freeze needs a reason"),
        (&["reject", "production"], "reject needs a reason"),
    ] {
        refuses(cockpit(&home).args(arguments), 2, &[words]);
    }
    // what could be right needs one
    let gate = ["override", "production", "--gate", "windows", "--incident", "INC-1", "--reason", "it burns"];
    refuses(cockpit(&home).args(gate), 2, &["there is no kubeconfig"]);
}

#[test]
fn keys_and_commands_are_the_same_verbs() {
    let with_keys: Vec<&str> = {
        let mut verbs: Vec<&str> = release_cockpit::app::command::cli_verbs().map(|(verb, _)| verb).collect();
        verbs.sort_unstable();
        verbs.dedup();
        verbs
    };
    let by_cli = release_cockpit::cli::verbs();
    for verb in &with_keys {
        assert!(by_cli.iter().any(|known| known == verb), "`{verb}` has a key and no command");
    }
    let shared = [
        "deploy",
        "promote",
        "rollback",
        "approve",
        "reject",
        "pause",
        "resume",
        "abort",
        "retry",
        "weight",
        "promote-step",
        "promote-full",
        "freeze",
        "unfreeze",
        "stop",
        "scale",
        "restart",
        "deny",
        "allow",
        "override",
        "review",
        "check",
        "withdraw",
        "drive",
        "hand-over",
        "inbox",
        "why",
        "logs",
        "events",
        "alerts",
        "silence",
        "expire-silence",
        "diff",
    ];
    for verb in shared {
        assert!(with_keys.contains(&verb), "`{verb}` is a command that the terminal does not have");
    }
}
