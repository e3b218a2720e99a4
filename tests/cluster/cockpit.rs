//! The cockpit in a pseudo-terminal on the real server: what its keys ask of it.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use release_cockpit::api::{Environment, Phase};
use release_cockpit::app::command::COMMANDS;
use serde_json::{Value, json};

use crate::controller::Controller;
use crate::space::{Space, action, on_environment};
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

    /// Requests of a person, as verb and path.
    fn of(&self, who: &str, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
        let bytes = std::fs::read(self.world.audit_log()).expect("the audit log");
        let text = String::from_utf8_lossy(&bytes[self.from..]).into_owned();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["user"]["username"] == who && wanted(event))
            .map(|event| format!("{} {}", event["verb"], event["requestURI"]))
            .collect()
    }

    /// Those that the server answered with this code.
    fn answered(&self, who: &str, code: u64) -> Vec<String> {
        self.of(who, |event| event["responseStatus"]["code"] == code)
    }

    /// Those that would have changed something of ours in that namespace.
    fn intents(&self, who: &str, namespace: &str) -> Vec<String> {
        self.of(who, |event| {
            let object = &event["objectRef"];
            let is_ours = object["apiGroup"] == "release-cockpit.dev" && object["namespace"] == namespace;
            is_ours && ["create", "update", "patch", "delete"].iter().any(|verb| event["verb"] == *verb)
        })
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

/// What kubectl and the commands try in `forgery` and the server refuses: the keys say why not, and send nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_would_refuse_no_key_sends() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "refused-keys").await;
    let more = json!({"approval": {"slots": [{"name": "leads", "group": "team-leads"}]}});
    space.application(&["backend"], more).await;
    let _controller = Controller::start(&[&space], "only").await;
    space.ask("bob", "one", "v1.1.0", &["backend"]).await;
    space.until_waiting("one").await;

    let log = Log::begin(world);
    for (who, key, sentence) in [
        ("bob", "v", "approve: you asked for it: someone else must approve"),
        ("alice", "v", "approve: needs approve on environments/production"),
        ("vera", "v", "approve: needs approve on environments/production"),
        ("vera", "n", "deploy: needs deploy on environments/production"),
    ] {
        says_why_not(&space, who, key, sentence);
    }
    space
        .act(on_environment("freeze", "Freeze", "oscar", &json!({"inFlight": "Finish"})))
        .await
        .expect("accepted");
    assert_eq!(space.verdict("freeze").await.0, "Applied");
    says_why_not(&space, "alice", "n", "deploy: production is frozen by oscar");
    // what is sent, the log tells of
    space.act(on_environment("thaw", "Unfreeze", "oscar", &json!({}))).await.expect("accepted");
    world::until(10, "the log tells of both", || async {
        (log.intents("oscar", &space.namespace).len() >= 2).then_some(())
    })
    .await;
    for who in ["alice", "bob", "vera"] {
        assert_eq!(log.intents(who, &space.namespace), Vec::<String>::new(), "{who}");
    }
}

/// Between the question and the answer somebody else acts: what this person was asked is not what they would answer now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_what_has_changed_meanwhile_is_not_sent() {
    let Some(world) = world::world().await else { return };
    let space = Space::new(world, "answers").await;
    let more = json!({"approval": {"slots": [{"name": "leads", "group": "team-leads"}]}});
    space.application(&["backend"], more).await;
    let _controller = Controller::start(&[&space], "only").await;
    space.ask("alice", "one", "v1.1.0", &["backend"]).await;
    space.until_waiting("one").await;

    let log = Log::begin(world);
    let mut terminal = asked_to_approve(&space, "erin");
    let change = json!({"spec": {"bake": "2s"}});
    space
        .api::<Environment>()
        .patch("production", &PatchParams::default(), &Patch::Merge(&change))
        .await
        .expect("another plan");
    terminal.until_text("changed meanwhile");
    answer(&mut terminal);
    let planned = space.until_waiting("one").await;

    // asked anew, and rejected by somebody else while the question stands
    let mut terminal = asked_to_approve(&space, "erin");
    space.act(action("no", "Reject", "carol", &planned)).await.expect("accepted");
    space.until_phase("one", Phase::Rejected).await;
    terminal.until_text("changed meanwhile");
    answer(&mut terminal);

    // and where nothing has changed, the same keys do approve
    space.ask("alice", "two", "v1.2.0", &["backend"]).await;
    space.until_waiting("two").await;
    let mut terminal = asked_to_approve(&space, "erin");
    answer(&mut terminal);
    space.until_phase("two", Phase::Succeeded).await;
    world::until(10, "the log tells of it", || async {
        (!log.intents("erin", &space.namespace).is_empty()).then_some(())
    })
    .await;
    let sent = log.intents("erin", &space.namespace);
    assert!(sent.len() == 1 && sent[0].contains("create"), "{sent:?}");
}

/// The cockpit of a person, in which the question stands whether they approve what waits.
fn asked_to_approve(space: &Space, who: &str) -> Terminal {
    let mut terminal = open(space.world, who, &[&space.namespace]);
    terminal.until_text("waits for approval");
    for _ in 0..20 {
        terminal.press("1");
        terminal.press("v");
        if terminal.shows_within("Approve ", Duration::from_secs(1)) {
            break;
        }
    }
    terminal.until_text("missing after you");
    terminal
}

/// Types whatever is to be typed, and says yes.
fn answer(terminal: &mut Terminal) {
    let screen = terminal.screen.parser.lock().unwrap().0.screen().contents();
    let phrase = screen.split_once("to go on, type").map(|(_, rest)| rest.trim_start());
    match phrase.and_then(|rest| rest.split_whitespace().next()) {
        Some(phrase) => terminal.press(&format!("{phrase}\r\r")),
        None => terminal.press("y"),
    }
    settle(terminal);
}

/// Presses a key until the cockpit says that: before, it may not yet know what this person may do.
fn says_why_not(space: &Space, who: &str, key: &str, sentence: &str) {
    let mut terminal = open(space.world, who, &[&space.namespace]);
    terminal.until_text("v1.1.0");
    for _ in 0..20 {
        terminal.press("1");
        terminal.press(key);
        if terminal.shows_within(sentence, Duration::from_secs(1)) {
            break;
        }
    }
    terminal.until_text(sentence);
    // text right after a refusal is dropped; a key that is no text ends that
    terminal.press("\u{1b}[A");
    terminal.press("q");
    assert!(terminal.ended().success());
}
