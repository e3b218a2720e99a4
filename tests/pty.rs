//! The real program in a pseudo-terminal: keys typed, screen read, signals sent. Conditions are awaited, never times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so and stop"
)]

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "integration/double.rs"]
mod double;
#[path = "pty/forgeries.rs"]
mod forgeries;
#[path = "pty/leaving.rs"]
mod leaving;
#[path = "pty/terminal.rs"]
mod terminal;

use double::{Asked, Double, Reply};
use terminal::{PATIENCE, Terminal, line_with};

fn quiet() -> Terminal {
    Terminal::start(&["demo", "quiet"], (24, 80))
}

#[test]
fn it_opens_shows_the_world_and_quits() {
    let mut terminal = quiet();
    terminal.until("the alternate screen", vt100::Screen::alternate_screen);
    let home = terminal.until_text("staging");
    assert!(home.contains("alice") || home.contains("quiet"), "{home}");
    terminal.until_text("Running");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn the_mouse_selects_only_where_it_is_wanted_and_is_given_back() {
    let on = "\u{1b}[?1000h";
    let mut terminal = Terminal::start(&["--mouse", "demo", "planera"], (24, 80));
    terminal.until_text("production");
    terminal.until_written("the mouse", |all| all.contains(on));
    let marked = |name: &'static str| {
        move |screen: &vt100::Screen| {
            screen.contents().lines().any(|line| line.starts_with('▸') && line.contains(name))
        }
    };
    // rows and columns count from 1: the second and the third row are staging and production
    terminal.press("\u{1b}[<0;10;3M\u{1b}[<0;10;3m");
    terminal.until("production selected", marked("2  production"));
    terminal.press("\u{1b}[<0;10;2M\u{1b}[<0;10;2m");
    terminal.until("staging selected", marked("1  staging"));
    let screen = Arc::clone(&terminal.screen);
    terminal.press("q");
    assert!(terminal.ended().success());
    assert!(screen.written().contains("\u{1b}[?1000l"), "the mouse was not given back");

    let mut terminal = quiet();
    terminal.until_text("Running");
    let screen = Arc::clone(&terminal.screen);
    terminal.press("q");
    assert!(terminal.ended().success());
    assert!(!screen.written().contains(on));
}

#[test]
fn the_title_tells_the_place_and_is_given_back() {
    let variables = [("RELEASE_COCKPIT_ATTENTION", "title,osc9")];
    let mut terminal = Terminal::start_with(&["demo", "quiet"], (24, 80), &variables);
    terminal.until_text("Running");
    terminal.until_written("the title", |all| {
        let (_, rest) = all.split_once("\u{1b}[22;2t").unwrap_or_default();
        rest.contains("\u{1b}]2;") && rest.contains(" - release-cockpit\u{7}")
    });
    let screen = Arc::clone(&terminal.screen);
    terminal.press("q");
    assert!(terminal.ended().success());
    let all = screen.written();
    let (_, after) = all.rsplit_once("\u{1b}]2;").unwrap();
    assert!(after.contains("\u{1b}[23;2t"), "the title was not given back");
    assert!(!all.contains("\u{1b}]9;"), "it calls for what was there when it opened");
}

#[test]
fn themes_and_settings_change_while_it_runs() {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let mut terminal = Terminal::start(&["--config", &path, "demo", "quiet"], (24, 80));
    terminal.until_text("Running");
    let has_ground = |screen: &vt100::Screen| {
        screen.cell(23, 79).is_some_and(|cell| cell.bgcolor() == vt100::Color::Idx(16))
    };
    terminal.until("the terminal's own ground", |screen| !has_ground(screen));
    terminal.press(":theme high-contrast\r");
    terminal.until("the theme's ground", has_ground);
    terminal.press(":theme drak\r");
    terminal.until_text("The theme stays as it was");
    terminal.press("\r");
    file.write_all(b"theme = \"dark\"\nmose = true\n").unwrap();
    terminal.press(":reload\r");
    terminal.until_text("The settings stay as they were");
    terminal.until("the theme's ground still", has_ground);
    terminal.press("\r");
    std::fs::write(&path, "theme = \"dark\"\n").unwrap();
    terminal.press(":reload\r");
    terminal.until("the terminal's own ground again", |screen| !has_ground(screen));
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// Without a terminal at all: commands come from a pipe, and what is told goes into another.
#[test]
fn in_lines_a_release_is_approved_by_its_phrase() {
    let home = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_release-cockpit"))
        .args(["--plain", "demo", "planera"])
        .env_clear()
        .env("HOME", home.path())
        .env("TERM", "dumb")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut all = Vec::new();
    let mut until = |wanted: &str| {
        for line in lines.by_ref() {
            let line = line.unwrap();
            let found = line.contains(wanted);
            all.push(line);
            if found {
                return;
            }
        }
        panic!("{wanted} was not told:\n{}", all.join("\n"));
    };
    until("environment PROD planera/production");
    until("needs you: approve PROD planera v1.8.2");
    writeln!(input, "inbox\nno such command\nback\napprove production").unwrap();
    until("Needs you");
    until("`no such command` is not a command");
    until("type deploy-to-production to Approve, or cancel");
    writeln!(input, "yes\ndeploy-to-production").unwrap();
    until("that is not the phrase: nothing was sent");
    until("over: needs you: approve PROD planera v1.8.2");
    writeln!(input, "quit").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(all.iter().all(|line| !line.contains('\u{1b}')), "{all:#?}");
}

#[test]
fn the_help_lists_keys_and_closes() {
    let mut terminal = quiet();
    terminal.until_text("Running");
    terminal.press("?");
    terminal.until_text("Releasing");
    terminal.press("\u{1b}");
    terminal.until("the home screen again", |screen| {
        let text = screen.contents();
        text.contains("Running") && !text.contains("Releasing")
    });
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn it_restores_the_terminal_when_it_is_told_to_end() {
    for signal in ["TERM", "HUP", "INT"] {
        let terminal = quiet();
        terminal.until_text("staging");
        terminal.signal(signal);
        terminal.ended();
    }
}

#[test]
fn a_tiny_terminal_and_a_storm_of_sizes_are_survived() {
    let mut terminal = Terminal::start(&["demo", "quiet"], (5, 20));
    terminal.until("anything", |screen| !screen.contents().trim().is_empty());
    for (rows, columns) in [(1, 1), (60, 200), (2, 80), (24, 3), (5, 20), (24, 80)] {
        terminal.resize(rows, columns);
    }
    terminal.until_text("Running");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn without_colour_nothing_is_coloured() {
    let mut terminal = Terminal::start_with(&["demo", "quiet"], (24, 80), &[("NO_COLOR", "1")]);
    terminal.until_text("Running");
    terminal.until("no colour anywhere", |screen| {
        (0..24).all(|row| {
            (0..80).all(|column| {
                screen.cell(row, column).is_none_or(|cell| {
                    cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default
                })
            })
        })
    });
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn it_stops_and_goes_on_as_job_control_wants() {
    let mut terminal = quiet();
    terminal.until_text("Running");
    terminal.signal("TSTP");
    terminal.until("the shell's screen", |screen| {
        !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
    });
    let stat = format!("/proc/{}/stat", terminal.child.process_id().unwrap());
    let deadline = Instant::now() + PATIENCE;
    // The state follows the name in parentheses; nothing on the screen announces it.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") T ")) {
        assert!(Instant::now() < deadline, "it does not stop");
        std::thread::yield_now();
    }
    terminal.signal("CONT");
    terminal.until("the cockpit again", |screen| {
        screen.alternate_screen() && screen.contents().contains("Running")
    });
    // Drawing all anew asks the terminal for nothing either.
    terminal.press("\u{c}?");
    terminal.until_text("Releasing");
    terminal.press("\u{1b}");
    // while all is drawn anew the screen is empty for a moment, and an escape right before another key is another key
    terminal.until("the home screen again", |screen| {
        let text = screen.contents();
        text.contains("Running") && !text.contains("Releasing")
    });
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// A kubeconfig for a server without credentials.
fn kubeconfig(server: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: u, user: {{}}}}]\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n"
    )
    .unwrap();
    file
}

#[test]
fn a_server_that_never_answers_is_named_and_delays_no_key() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = kubeconfig(&format!("http://{}", listener.local_addr().unwrap()));
    let mut terminal = Terminal::start(&["--kubeconfig", file.path().to_str().unwrap()], (40, 200));
    terminal.until_text("Environments");
    terminal.press("?");
    terminal.until_text("Releasing");
    terminal.press("\u{1b}");
    terminal.until_text("accepts connections but has not answered");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn a_cluster_that_hangs_delays_no_other_one() {
    use release_cockpit::sim::{scenario::Scenario, server};
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = kubeconfig(&format!("http://{}", hanging.local_addr().unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clock = release_cockpit::time::Clock::system();
    let options = server::StartOptions { without_script: true, ..server::StartOptions::default() };
    let scenario = Scenario::builtin("planera").unwrap();
    let world = runtime.block_on(server::start_with(scenario, clock, options)).unwrap();
    let yaml = world.kubeconfig_yaml("alice");
    let context = yaml.lines().find_map(|line| line.strip_prefix("current-context: ")).unwrap();
    let mut live = tempfile::NamedTempFile::new().unwrap();
    live.write_all(yaml.as_bytes()).unwrap();
    let both = format!("{}:{}", dead.path().display(), live.path().display());
    let arguments = ["--context", "here", "--context", context.trim_matches(['"', '\''])];
    let mut terminal = Terminal::start_with(&arguments, (24, 120), &[("KUBECONFIG", &both)]);
    terminal.until_text("Running");
    terminal.press("M");
    terminal.until("the other cluster's cells, and what is wrong with this one", |screen| {
        line_with(screen, &["planera", "v1."]) && screen.contents().contains("here: ")
    });
    terminal.press("q");
    assert!(terminal.ended().success());
    drop(hanging);
}

#[test]
fn a_server_that_is_down_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = kubeconfig(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let mut terminal = Terminal::start(&["--kubeconfig", file.path().to_str().unwrap()], (40, 200));
    terminal.until_text("connection refused");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn a_wrong_kubeconfig_is_named_before_the_screen_is_taken() {
    let file = kubeconfig("http://127.0.0.1:1");
    let path = file.path().to_str().unwrap();
    for (arguments, expected) in [
        (&["--kubeconfig", "/nonexistent/config"][..], "there is no such file"),
        (&["--kubeconfig", path, "--context", "prod"], "no context prod: it has here"),
    ] {
        let terminal = Terminal::start(arguments, (24, 200));
        let shown = Arc::clone(&terminal.screen);
        assert!(!terminal.ended().success());
        let text = shown.parser.lock().unwrap().0.screen().contents();
        assert!(text.contains(expected), "{text}");
    }
}

/// Somebody's promotion is approved with the typed phrase, rolls out, and is rolled back for a reason; staging gets another version, which
/// is then asked for in production.
#[test]
fn the_journey_by_keys() {
    let mut terminal = Terminal::start(&["demo", "planera", "--speed", "5"], (45, 170));
    terminal.until_text("needs you");

    terminal.press("2");
    terminal.until_text("planera·production");
    terminal.press("v");
    terminal.until_text("to go on, type");
    terminal.press("deploy-to-production");
    terminal.until_text("✔ typed");
    terminal.press("\t\r");
    terminal.until("production to run v1.8.2", |screen| {
        line_with(screen, &["v1.8.2", "production", "Succeeded"])
    });

    terminal.press("R");
    terminal.until_text("last known good");
    terminal.press("\r");
    terminal.until_text("Roll back planera on production to v1.8.1?");
    // the way back needs a reason, never the phrase
    terminal.press("it was better before\t");
    terminal.until_text("y yes");
    terminal.press("y");
    terminal.until("production to run v1.8.1 again", |screen| {
        line_with(screen, &["v1.8.2→v1.8.1", "production", "Succeeded"])
    });

    terminal.press("1");
    terminal.until_text("planera·staging");
    terminal.press("n");
    terminal.until_text("Deploy planera → staging");
    terminal.press("v1.8.3\r\r\r\r");
    terminal.until_text("Deploy planera v1.8.3 to staging?");
    terminal.press("\t\r");
    terminal.until("staging to run v1.8.3", |screen| line_with(screen, &["v1.8.3", "staging", "Succeeded"]));

    terminal.press("2");
    terminal.until_text("planera·production");
    terminal.press("P");
    terminal.until_text("Promote planera → production");
    terminal.press("\r\r\r\r");
    terminal.until_text("Promote planera v1.8.3 to production?");
    terminal.press("deploy-to-production");
    terminal.until_text("✔ typed");
    terminal.press("\t\r");
    // What one asks for oneself waits for somebody else.
    terminal.until("the promotion to wait", |screen| {
        line_with(screen, &["v1.8.1→v1.8.3", "production", "Pending", "by alice"])
    });
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// A cluster without our kinds of object, with one pod and a Prometheus behind the same address.
fn without_our_kinds(path: &str) -> Reply {
    let json = |value: serde_json::Value| Reply::Json(200, value.to_string());
    let list = |items: serde_json::Value| {
        json(
            serde_json::json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
        )
    };
    if path.contains("release-cockpit.dev") {
        return Reply::Html(404, "404 page not found".to_owned());
    }
    if path.contains("watch=true") {
        return Reply::Stream(Vec::new());
    }
    if path == "/version" {
        return json(
            serde_json::json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2", "gitCommit": "", "gitTreeState": "",
            "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
        );
    }
    if path.contains("/query_range") {
        let start: f64 =
            path.split("start=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().parse().unwrap();
        let samples: Vec<_> = (0..180).map(|step| (start + f64::from(step) * 10.0, "0.0312")).collect();
        return json(serde_json::json!({"status": "success", "data": {"resultType": "matrix",
            "result": [{"metric": {"component": "shop"}, "values": samples}]}}));
    }
    if path.contains("/pods") {
        return list(
            serde_json::json!([{"metadata": {"name": "shop-1", "namespace": "default"}, "status": {"phase": "Running"}}]),
        );
    }
    if path.contains("/apis/apps/v1/") {
        return list(serde_json::json!([]));
    }
    Reply::Json(404, r#"{"kind":"Status","code":404,"reason":"NotFound","message":"not found"}"#.to_owned())
}

#[test]
fn where_nothing_is_installed_pods_and_numbers_are_shown_and_how_to_install() {
    let server = Double::start(|asked: &Asked| without_our_kinds(&asked.path));
    let file = kubeconfig(&server.url);
    let arguments = ["--kubeconfig", file.path().to_str().unwrap(), "--prometheus", &server.url];
    let mut terminal = Terminal::start(&arguments, (40, 200));
    terminal.until_text("manifests crds");
    terminal.until_text("shop-1");
    terminal.until_text("3.1%");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn a_task_that_fails_ends_the_session_on_a_restored_terminal() {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "session_whose_task_fails", "--nocapture"];
    let terminal = Terminal::start_program(program.to_str().unwrap(), &arguments, (24, 150), &[]);
    terminal.until_text("Environments");
    terminal.signal("USR1");
    let shown = Arc::clone(&terminal.screen);
    terminal.ended();
    let text = shown.parser.lock().unwrap().0.screen().contents();
    assert!(text.contains("rather than show half of the truth") && text.contains("out of luck"), "{text}");
}

/// Not a test of its own: the session that the one above looks at.
#[test]
#[ignore = "run in a terminal by `a_task_that_fails_ends_the_session_on_a_restored_terminal`"]
fn session_whose_task_fails() {
    use release_cockpit::{app, cluster, config, metrics, time, tui, ui};
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let source = cluster::Source::Server("http://127.0.0.1:1".to_owned());
    let connect = cluster::ConnectOptions { source, ..cluster::ConnectOptions::default() };
    let second = Duration::from_secs(60);
    let options = tui::Options {
        clusters: vec![("nowhere".to_owned(), connect)],
        namespaces: Vec::new(),
        controller_namespace: "release-cockpit".to_owned(),
        prometheus: metrics::Address::default(),
        alertmanager: metrics::Address::default(),
        range: second,
        refresh_metrics: second,
        queries_at_once: 4,
        refresh_permissions: second,
        theme: ui::theme::Theme::of(&config::theme::Theme::load("mono").unwrap()),
        preferences: app::state::preferences::Preferences::default(),
        reader: tui::Reader::new(|| Err("nothing to read".to_owned()), |_| Err("no theme".to_owned())),
        mouse: false,
        toured: None,
        state: None,
        clock: time::Clock::system(),
    };
    let ended = runtime.block_on(async {
        let mut told = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1()).unwrap();
        tokio::spawn(async move {
            told.recv().await;
            panic!("out of luck");
        });
        tui::run(options).await
    });
    panic!("{}", ended.unwrap_err());
}
