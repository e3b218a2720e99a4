//! A program in a pseudo-terminal: keys typed, screen read, signals sent. Conditions are awaited, never times.
#![allow(dead_code, reason = "every suite uses another part of it")]

use std::io::{Read as _, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// How long a condition is awaited before the test gives up and shows the screen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Screen {
    pub parser: Mutex<(vt100::Parser, bool)>,
    changed: Condvar,
    /// Everything that was written, as it was written.
    raw: Mutex<Vec<u8>>,
}

impl Screen {
    /// Everything that was written so far.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.raw.lock().unwrap()).into_owned()
    }
}

/// The program, its keyboard and its screen.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    pub screen: Arc<Screen>,
    _home: TempDir,
}

impl Terminal {
    pub fn start(arguments: &[&str], (rows, columns): (u16, u16)) -> Self {
        Self::start_with(arguments, (rows, columns), &[])
    }

    pub fn start_with(arguments: &[&str], size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_release-cockpit"), arguments, size, variables)
    }

    pub fn start_program(
        program: &str,
        arguments: &[&str],
        (rows, columns): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(home.path());
        command.args(arguments);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Screen {
            parser: Mutex::new((
                vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0),
                false,
            )),
            changed: Condvar::new(),
            raw: Mutex::default(),
        });
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                let read = output.read(&mut bytes).unwrap_or(0);
                let mut parser = shown.parser.lock().unwrap();
                if read == 0 {
                    parser.1 = true;
                    shown.changed.notify_all();
                    return;
                }
                shown.raw.lock().unwrap().extend_from_slice(&bytes[..read]);
                parser.0.process(&bytes[..read]);
                shown.changed.notify_all();
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { child, master: pair.master, keyboard, screen, _home: home }
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut parser = self.screen.parser.lock().unwrap();
        parser.0.screen_mut().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the screen fulfils the condition, and returns its text.
    pub fn until(&self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.parser.lock().unwrap();
        loop {
            if condition(parser.0.screen()) {
                return parser.0.screen().contents();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !parser.1,
                "{what}: not on the screen\n{}",
                parser.0.screen().contents()
            );
            parser = self.screen.changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    /// Whether the screen shows the text before that time is over.
    pub fn shows_within(&self, text: &str, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut parser = self.screen.parser.lock().unwrap();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let is_there = parser.0.screen().contents().contains(text);
            if is_there || left.is_zero() || parser.1 {
                return is_there;
            }
            parser = self.screen.changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    pub fn until_text(&self, text: &str) -> String {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the condition holds for all that was written so far.
    pub fn until_written(&self, what: &str, condition: impl Fn(&str) -> bool) {
        self.until(what, |_| condition(&self.screen.written()));
    }

    /// Waits for the end of the program and checks that the terminal is as it was.
    pub fn ended(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.parser.lock().unwrap();
        while !parser.1 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not end\n{}", parser.0.screen().contents());
            parser = self.screen.changed.wait_timeout(parser, left).unwrap().0;
        }
        let screen = parser.0.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left open");
        assert!(!screen.hide_cursor(), "the cursor was left hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste was left on");
        drop(parser);
        self.child.wait().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// One line of the screen has all of these words.
pub fn line_with(screen: &vt100::Screen, words: &[&str]) -> bool {
    screen.contents().lines().any(|line| words.iter().all(|word| line.contains(word)))
}
