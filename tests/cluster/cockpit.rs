//! The cockpit in a pseudo-terminal on the real server: what its keys ask of it.

use std::time::Duration;

use release_cockpit::app::command::COMMANDS;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, action};
use crate::terminal::Terminal;
use crate::world::{self, PROGRAM, World};

/// A terminal tells the key Esc from the beginning of a longer sequence by the time that passes after it, and by nothing else.
const ESC_ALONE: Duration = Duration::from_millis(60);

/// The cockpit as one person opens it on some namespaces.
pub fn open(world: &World, who: &str, namespaces: &[&str]) -> Terminal {
    let kubeconfig = world.kubeconfig_of(who).display().to_string();
    let mut arguments = vec!["--kubeconfig", kubeconfig.as_str()];
    for namespace in namespaces {
        arguments.extend(["--namespace", namespace]);
    }
    Terminal::start_program(PROGRAM, &arguments, (45, 170), &[])
}

/// Closes whatever is open, and waits until the help has been shown and put away: then every key before it has been dealt with.
pub fn settle(terminal: &mut Terminal) {
    // on a busy machine an Esc may have run into the key after it
    for _ in 0..20 {
        for _ in 0..3 {
            terminal.press("\u{1b}");
            std::thread::sleep(ESC_ALONE);
        }
        terminal.press("?");
        if terminal.shows_within("Releasing", Duration::from_secs(2)) {
            break;
        }
    }
    terminal.until_text("Releasing");
    terminal.press("\u{1b}");
    terminal.until("the help to be gone", |screen| !screen.contents().contains("Releasing"));
}

/// What the API server wrote down from some moment on.
struct Log {
    world: &'static World,
    from: usize,
}

impl Log {
    fn begin(world: &'static World) -> Self {
        Self { world, from: std::fs::read(world.audit_log()).expect("the audit log").len() }
    }

    /// Requests of a person that the server answered with this code, as verb and path.
    fn answered(&self, who: &str, code: u64) -> Vec<String> {
        let bytes = std::fs::read(self.world.audit_log()).expect("the audit log");
        let text = String::from_utf8_lossy(&bytes[self.from..]).into_owned();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["user"]["username"] == who && event["responseStatus"]["code"] == code)
            .map(|event| format!("{} {}", event["verb"], event["requestURI"]))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_viewer_is_within_their_rights() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "sweep").await;
    let more = json!({
        "approval": {"slots": [{"name": "leads", "group": "team-leads"}]},
        "gates": {"checklist": ["Migrations tested"]},
        "metrics": {"prometheus": {"service": "monitoring/prometheus:9090"}}
    });
    space.application(&["backend"], more).await;
    let _controller = Controller::start(&[&space], "only").await;
    let done = space.ask("alice", "done", "v1.0.1", &["backend"]).await;
    space.act(action("stop", "Abort", "alice", &done)).await.expect("accepted");
    space.ask("alice", "waiting", "v1.1.0", &["backend"]).await;
    space.until_waiting("waiting").await;

    let log = Log::begin(world);
    let mut terminal = open(world, "vera", &[&space.namespace]);
    terminal.until_text("production");
    terminal.until_text("v1.1.0");
    settle(&mut terminal);
    let leaves = ["quit", "suspend"];
    for key in (' '..='~')
        .filter(|key| *key != 'q')
        .map(String::from)
        .chain(["\t", "\r", "\u{2}", "\u{6}", "\u{c}", "\u{12}"].map(str::to_owned))
    {
        terminal.press("1");
        terminal.press(&key);
        settle(&mut terminal);
    }
    for command in COMMANDS.iter().filter(|command| !leaves.contains(&command.id)) {
        terminal.press("1:");
        terminal.press(command.id);
        // whoever gets a form fills in nothing and confirms whatever stands there
        terminal.press("\r");
        terminal.press("x\t\r");
        settle(&mut terminal);
    }
    terminal.press("q");
    assert!(terminal.ended().success());

    let refused = log.answered("vera", 403);
    assert!(refused.is_empty(), "{} requests were refused: {refused:#?}", refused.len());
    let asked = log.answered("vera", 200).len() + log.answered("vera", 201).len();
    assert!(asked > 20, "the log has {asked} requests of hers");
    let written = log.answered("vera", 201);
    assert!(written.iter().all(|request| request.contains("/selfsubject")), "{written:#?}");
    // the log would show it
    let tried = world.kubectl("vera", &["get", "secrets", "-n", &space.namespace], "").await;
    assert_ne!(tried.code, 0);
    world::until(10, "the log tells of it", || async {
        (log.answered("vera", 403).len() == 1).then_some(())
    })
    .await;
}
