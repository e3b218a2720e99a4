//! The terminal as we take it and as we give it back.
//!
//! Owns every mode that is switched on, and switches each off again however the session ends: by a return, an error, a panic on
//! any thread, or a signal.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::layout::{Position, Rect};

use super::attention::{self, Voice};
use super::clipboard;
use super::diff_writer::DiffWriter;
use super::multiplexer::Multiplexer;
use crate::app::state::attention::Protocol;

/// Room for one whole frame, so that a frame is one write.
const FRAME_BYTES: usize = 128 << 10;
/// Saves and restores the window's title (xterm's title stack); terminals without one ignore it.
const PUSH_TITLE: &[u8] = b"\x1b[22;2t";
const POP_TITLE: &[u8] = b"\x1b[23;2t";

/// Clicks and the wheel, with places beyond column 223. Not where the mouse moves: nobody needs it, and each move costs bytes.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Modes are on. Read by the panic hook and by signals, which have no [`Screen`] at hand.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The mouse is wanted. While it is, the terminal's own selection needs shift.
static MOUSE: AtomicBool = AtomicBool::new(false);
/// Keyboard enhancement is on.
static ENHANCED: AtomicBool = AtomicBool::new(false);
/// What a thread other than the drawing one has panicked with.
static FATAL: Mutex<Option<String>> = Mutex::new(None);

/// The terminal while it is ours; gives it back when dropped.
pub(super) struct Screen {
    terminal: Terminal<DiffWriter<BufWriter<Stdout>>>,
    voice: Voice,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        MOUSE.store(mouse, Ordering::SeqCst);
        enter()?;
        let writer = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        match Terminal::new(DiffWriter::new(writer)) {
            Ok(terminal) => Ok(Self { terminal, voice: Voice::default() }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Draws one frame.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render).map(drop)
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Unlike `clear`, this asks the terminal for nothing: an answer would have to pass the stream of keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Rings the bell.
    pub(super) fn bell(&mut self) -> io::Result<()> {
        let bytes = self.voice.bell();
        self.write(bytes.as_bytes())
    }

    /// Puts text on the clipboard of the terminal that a person sits at.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        self.write(clipboard::sequence(text, Multiplexer::present()).as_bytes())
    }

    /// Tells the desktop of the person at the terminal.
    pub(super) fn notify(&mut self, protocol: Protocol, text: String) -> io::Result<()> {
        let bytes = self.voice.notify(protocol, text, Multiplexer::present());
        self.write(bytes.as_bytes())
    }

    /// Gives the window a title; the one that it had comes back when the terminal is given back.
    pub(super) fn title(&mut self, title: String) -> io::Result<()> {
        let bytes = self.voice.title(title);
        self.write(bytes.as_bytes())
    }

    /// Gives the terminal to the shell and comes back when continued. `group` stops the whole job, as ctrl-z does.
    pub(super) fn suspend(&mut self, group: bool) -> io::Result<()> {
        restore();
        stop(group)?;
        self.resume()
    }

    /// Gives the terminal away, and says on it which command has it now.
    pub(super) fn give(&mut self, command: &str) -> io::Result<()> {
        restore();
        self.voice.pass();
        let mut out = io::stdout();
        writeln!(out, "$ {command}")?;
        out.flush()
    }

    /// Takes the terminal over anew: after a stop, whoever had it meanwhile may have changed its modes.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        restore();
        enter()?;
        self.terminal.backend_mut().cursor_was_hidden();
        let bytes = self.voice.take_back(Multiplexer::present());
        self.write(bytes.as_bytes())?;
        self.forget()
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        self.terminal.size().map_or((80, 24), |size| (size.width, size.height))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // a byte more would be one in the middle of what somebody else writes
        if bytes.is_empty() {
            return Ok(());
        }
        self.terminal.backend_mut().say(bytes)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Leaves what stands on the terminal to be read until a person presses enter.
pub(super) async fn wait_for_enter(reason: &str) {
    let mut out = io::stdout();
    // A terminal that is gone shows itself when it is taken over again.
    let _ = writeln!(out, "\n{reason}. Press enter to go back to the cockpit.");
    let _ = out.flush();
    let read = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
    let _ = read.await;
}

/// Stops this process, or its whole job.
#[cfg(unix)]
pub(super) fn stop(group: bool) -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    // SIGSTOP instead of SIGTSTP: the latter would come back to our own handler.
    if group {
        kill_current_process_group(Signal::STOP)?;
    } else {
        kill_process(getpid(), Signal::STOP)?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn stop(_group: bool) -> io::Result<()> {
    Ok(())
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    out.write_all(PUSH_TITLE)?;
    out.write_all(attention::title("").as_bytes())?;
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if MOUSE.load(Ordering::SeqCst) {
        out.write_all(MOUSE_ON)?;
    }
    if speaks_enhanced_keys(|name| std::env::var(name).ok()) {
        let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
            | KeyboardEnhancementFlags::REPORT_EVENT_TYPES;
        execute!(out, PushKeyboardEnhancementFlags(flags))?;
        ENHANCED.store(true, Ordering::SeqCst);
    }
    Ok(())
}

/// Switches every mode off. Does nothing when they are off, and never fails: there is nobody left to tell.
pub(super) fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    if ENHANCED.swap(false, Ordering::SeqCst) {
        let _ = queue!(out, PopKeyboardEnhancementFlags);
    }
    if MOUSE.load(Ordering::SeqCst) {
        let _ = out.write_all(MOUSE_OFF);
    }
    let _ = execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.write_all(POP_TITLE);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Asking the terminal costs a wait of up to two seconds where it does not answer; its name is enough.
fn speaks_enhanced_keys(variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("TMUX").is_some() || variable("STY").is_some() {
        return false;
    }
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    ["xterm-kitty", "foot", "xterm-ghostty", "alacritty", "rio"].iter().any(|name| term.starts_with(name))
        || matches!(program.as_str(), "WezTerm" | "ghostty" | "iTerm.app")
}

/// From now on a panic on this thread restores the terminal before it is reported, and a panic on any other thread is kept for
/// [`fatal`] while the screen stays whole.
pub(super) fn install_panic_hook() {
    let drawing: ThreadId = thread::current().id();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == drawing || !TAKEN.load(Ordering::SeqCst) {
            restore();
            previous(info);
            return;
        }
        tracing::error!(%info, "a task panicked");
        if let Ok(mut fatal) = FATAL.lock() {
            fatal.get_or_insert_with(|| info.to_string());
        }
    }));
}

/// What a task has panicked with, once.
pub(super) fn fatal() -> Option<String> {
    FATAL.lock().ok().and_then(|mut fatal| fatal.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terminals_that_are_known_get_enhanced_keys() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], false),
            (&[("TERM", "xterm-kitty")][..], true),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")][..], false),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")][..], true),
            (&[("TERM", "screen"), ("STY", "1.pts")][..], false),
            (&[][..], false),
        ] {
            let read = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(speaks_enhanced_keys(read), expected, "{variables:?}");
        }
    }
}
