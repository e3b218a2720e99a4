//! A session in lines: for screen readers, terminals that cannot draw, and pipes. Nothing but text leaves it, and each line once.

use std::io::{self, BufRead as _, Write as _};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::effect_runner::EffectRunner;
use super::session::{BACKLOG, BATCH, PARTING, TICK, session_name};
use super::signals::{Asked, Signals};
use super::{Error, Options};
use crate::app::plain::{self, News, Reported};
use crate::app::state::effect::Effect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::event::Event;
use crate::app::state::store::Store;
use crate::app::state::text_view::TextBody;
use crate::app::state::view::View;
use crate::app::{update, update_all};
use crate::ui::theme::Theme;

/// The screen that views are laid out on: as wide as a reader likes lines, and tall enough for most of what a view has.
const WIDTH: u16 = 100;
const HEIGHT: u16 = 200;
/// After this long the state is told, whatever has not come.
const OPENING: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// Runs a session in lines until its input ends, `quit` is read or a signal comes.
pub(super) async fn run(options: Options) -> Result<(), Error> {
    let mut session = Session::open(options)?;
    let ended = session.turn().await;
    let _ = tokio::time::timeout(PARTING, session.runner.part()).await;
    match ended {
        // whoever read us has gone: that is an end like any other
        Err(Error::Terminal(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

struct Session {
    store: Store,
    theme: Theme,
    options: Options,
    runner: EffectRunner,
    receiver: mpsc::Receiver<Event>,
    told: Reported,
    /// When it began, on the world's clock.
    began: chrono::DateTime<chrono::Utc>,
    quit: bool,
}

impl Session {
    fn open(options: Options) -> Result<Self, Error> {
        let contexts = options.clusters.iter().map(|(name, _)| name.as_str().into());
        let mut store = Store::new(contexts, &session_name());
        crate::app::preferences::take(&mut store, options.preferences.clone());
        for cluster in &mut store.clusters {
            cluster.no_kubectl = Some("line mode has no terminal to give away: call kubectl yourself".into());
        }
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let began = options.clock.now();
        let mut session = Self {
            store,
            theme: options.theme.clone().ascii(),
            runner: EffectRunner::new(sender),
            options,
            receiver,
            told: Reported::default(),
            began,
            quit: false,
        };
        session.feed([Event::Tick(began), Event::Resize { width: WIDTH, height: HEIGHT }])?;
        session.runner.follow(&session.options);
        Ok(session)
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let mut signals = Signals::listen()?;
        let mut lines = typed();
        let mut input_over = false;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut batch = Vec::with_capacity(BATCH);
        while !self.quit {
            let begun = self.begun();
            if input_over && begun && self.runner.is_idle() && self.store.pending.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                asked = signals.next() => self.quit = matches!(asked, Asked::Quit | Asked::Interrupt),
                _ = self.receiver.recv_many(&mut batch, BATCH) => self.feed(batch.drain(..))?,
                _ = tick.tick() => self.feed([Event::Tick(self.options.clock.now())])?,
                () = self.runner.one_ended() => {}
                line = lines.recv(), if begun && !input_over && self.runner.is_idle() => match line {
                    Some(line) => self.read(&line)?,
                    None => input_over = true,
                },
            }
            self.tell()?;
        }
        Ok(())
    }

    /// The state can be told, and lines mean something.
    fn begun(&self) -> bool {
        plain::is_loaded(&self.store) || self.store.now - self.began > OPENING
    }

    fn read(&mut self, line: &str) -> Result<(), Error> {
        let (effects, news) = plain::line(&mut self.store, line);
        self.perform(effects)?;
        self.print(&news)
    }

    fn tell(&mut self) -> Result<(), Error> {
        if !self.begun() {
            return Ok(());
        }
        let news = plain::news(&mut self.told, &self.store);
        self.print(&news)
    }

    fn print(&self, news: &News) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        for line in &news.lines {
            writeln!(out, "{line}")?;
        }
        if news.view {
            for line in view(&self.store, &self.theme) {
                writeln!(out, "{line}")?;
            }
        }
        Ok(out.flush()?)
    }

    fn feed(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), Error> {
        let effects = update_all(&mut self.store, events);
        self.perform(effects)
    }

    /// Handles a terminal effect in plain mode; returns the event that answers it.
    fn answer(&mut self, effect: &TerminalEffect) -> Option<Event> {
        match effect {
            TerminalEffect::Quit => {
                self.quit = true;
                None
            }
            TerminalEffect::Theme(_) => Some(Event::Theme(Err("lines have no theme".to_owned()))),
            TerminalEffect::Reload => {
                let read = self.options.reader.settings();
                Some(Event::Reloaded(read.map(|read| (Box::new(read.preferences), read.sentence))))
            }
            // a bell, a clipboard and a screen are what lines do without
            TerminalEffect::HandOff { .. }
            | TerminalEffect::Copy(_)
            | TerminalEffect::Bell
            | TerminalEffect::Notify { .. }
            | TerminalEffect::Title(_)
            | TerminalEffect::Suspend
            | TerminalEffect::Redraw => None,
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<(), Error> {
        for effect in effects {
            let answer = match effect {
                Effect::Background(effect) => {
                    self.runner.perform(effect);
                    None
                }
                Effect::Terminal(effect) => self.answer(&effect),
            };
            if let Some(answer) = answer {
                let more = update(&mut self.store, answer);
                self.perform(more)?;
            }
        }
        Ok(())
    }
}

/// Lines that are typed, read on a thread of their own: a read cannot be given up, and must keep nothing waiting.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The open view as lines: its texts as they are, its panes as they would be drawn, without frames and rules.
fn view(store: &Store, theme: &Theme) -> Vec<String> {
    if let View::Text(text) = store.ui.view() {
        let body = match &text.body {
            TextBody::Loading => vec!["on its way".to_owned()],
            TextBody::Failed(reason) => vec![reason.clone()],
            TextBody::Lines(lines) => lines.iter().map(ToString::to_string).collect(),
        };
        return std::iter::once(format!("view: {}", text.title)).chain(body).collect();
    }
    let area = Rect::new(0, 0, WIDTH, HEIGHT);
    let mut buf = Buffer::empty(area);
    let mut drawn = store.clone();
    drawn.ui.overlays.clear();
    drawn.toasts.clear();
    crate::ui::screens::draw(&mut buf, area, &drawn, theme);
    let rows = buf.content.chunks(usize::from(WIDTH));
    let rows = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    // the header stands above, status and keys below
    let body = rows.skip(1).take(usize::from(HEIGHT) - 3).map(|row| unruled(&row));
    let body = body.filter(|line| !line.is_empty());
    std::iter::once("view:".to_owned()).chain(body).collect()
}

/// A line without rules, bars and wide gaps, which a reader would spell out.
fn unruled(line: &str) -> String {
    let is_rule = |c: char| matches!(c, '-' | '=' | '#' | '|' | '+' | '_' | '.');
    let words = line.split_whitespace().filter(|word| word.chars().count() < 3 || !word.chars().all(is_rule));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_gaps_are_not_spelt_out() {
        for (drawn, told) in [
            ("+- Needs you - 1 ------------- oldest first +", "+- Needs you - 1 oldest first +"),
            ("   backend     1/1   Running  ", "backend 1/1 Running"),
            ("----------", ""),
            ("v1.8.1 - v1.8.2", "v1.8.1 - v1.8.2"),
        ] {
            assert_eq!(unruled(drawn), told);
        }
    }
}
