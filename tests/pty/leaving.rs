//! The terminal is handed to kubectl and taken back: modes, keys and screen are whole on both sides.

use std::os::unix::fs::PermissionsExt as _;

use release_cockpit::sim::scenario::Scenario;
use release_cockpit::sim::server::{StartOptions, start_with};
use release_cockpit::time::Clock;

use super::terminal::Terminal;

/// What stands for kubectl: tells its words and the terminal's mode, reads a line, and ends.
const KUBECTL: &str = "#!/bin/sh\necho \"CALLED $*\"\nstty -a | grep -q ' icanon' && echo COOKED\nread line\necho \"GOT $line\"\n";

#[test]
fn a_shell_gets_the_terminal_and_gives_it_back() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = StartOptions { without_script: true, ..StartOptions::default() };
    let scenario = Scenario::builtin("quiet").unwrap();
    let running = runtime.block_on(start_with(scenario, Clock::system(), options)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (config, kubectl) = (home.path().join("config"), home.path().join("kubectl"));
    std::fs::write(&config, running.kubeconfig_yaml("admin")).unwrap();
    std::fs::write(&kubectl, KUBECTL).unwrap();
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path().display());
    let config = config.display().to_string();
    let arguments = ["--kubeconfig", config.as_str()];
    let mut terminal = Terminal::start_with(&arguments, (24, 160), &[("PATH", path.as_str())]);
    terminal.until_text("Running");
    terminal.press("\t");
    loop {
        terminal.press("S");
        let answered = |screen: &vt100::Screen| {
            let shown = screen.contents();
            shown.contains("COOKED") || shown.contains("not known yet")
        };
        terminal.until("an answer to S", answered);
        if terminal.until("the screen", |_| true).contains("COOKED") {
            break;
        }
        terminal.press("\u{1b}");
        terminal.until("no message", |screen| !screen.contents().contains("not known yet"));
    }
    let shown =
        terminal.until("the shell's screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    let shown = shown.replace('\n', "");
    assert!(shown.contains("--context demo --namespace quiet exec --stdin --tty backend-"), "{shown}");
    assert!(shown.contains(&format!("CALLED --kubeconfig {config}")), "{shown}");
    terminal.press("hello\r");
    terminal.until("the cockpit again", |screen| {
        screen.alternate_screen() && screen.contents().contains("Running")
    });
    // every key reaches the cockpit again
    terminal.press("?");
    terminal.until_text("Releasing");
    terminal.press("\u{1b}");
    terminal.until("the home screen again", |screen| {
        let text = screen.contents();
        text.contains("Running") && !text.contains("Releasing")
    });
    // without kubectl one sentence says so
    std::fs::remove_file(&kubectl).unwrap();
    if std::process::Command::new("/usr/bin/env")
        .args(["-i", "PATH=/usr/bin:/bin", "sh", "-c", "command -v kubectl"])
        .output()
        .is_ok_and(|found| !found.status.success())
    {
        terminal.press("S");
        terminal.until_text("kubectl is not installed");
        terminal.press("\r");
        terminal.until("the cockpit again", |screen| {
            screen.alternate_screen() && screen.contents().contains("kubectl is not installed")
        });
    }
    terminal.press("q");
    assert!(terminal.ended().success());
    drop(running);
}

#[test]
fn a_world_without_a_cluster_says_why_nobody_can_enter() {
    let mut terminal = Terminal::start(&["demo", "quiet"], (24, 160));
    terminal.until_text("Running");
    terminal.press("\tS");
    terminal.until_text("nothing runs in its pods");
    terminal.press("q");
    assert!(terminal.ended().success());
}
