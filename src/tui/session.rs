//! One session: the task that owns the store.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use chrono::TimeDelta;
use crossterm::event::EventStream;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::effect_runner::EffectRunner;
use super::handoff::{self, KubectlTarget};
use super::pace::Pace;
use super::signals::{Asked, Signals};
use super::state_file::{self, StateFile};
use super::terminal::{self, Screen};
use super::{Error, Options, Reader, input};
use crate::app::state::effect::TerminalEffect;
use crate::app::state::effect::{Effect, HandOff};
use crate::app::state::event::Event;
use crate::app::state::located::ClusterId;
use crate::app::state::pointing::Pointed;
use crate::app::state::store::Store;
use crate::app::{settle, take_in, update, update_all};
use crate::ui::theme::Theme;

/// Events that wait for the loop; beyond it their senders wait.
pub(super) const BACKLOG: usize = 4_096;
/// Events that are folded into one frame.
pub(super) const BATCH: usize = 1_024;
/// How often time passes on the screen.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// How long the end of a session waits for the answers of what it has changed.
pub(super) const PARTING: Duration = Duration::from_secs(3);

pub(super) async fn run(options: Options) -> Result<(), Error> {
    terminal::install_panic_hook();
    let mut session = Session::open(&options)?;
    let ended = session.turn().await;
    session.state_file.keep(&session.store).await;
    let pending = session.runner.part();
    // Dropping the session restores the terminal before anything is waited for or printed.
    drop(session);
    let _ = tokio::time::timeout(PARTING, pending).await;
    ended
}

struct Session {
    store: Store,
    theme: Theme,
    reader: Reader,
    state_file: StateFile,
    clock: crate::time::Clock,
    screen: Screen,
    pace: Pace,
    runner: EffectRunner,
    receiver: mpsc::Receiver<Event>,
    /// How kubectl reaches each cluster.
    reaches: Vec<KubectlTarget>,
    /// What the terminal is to be handed over for, once the loop can let go of it.
    leaving: Option<(ClusterId, HandOff)>,
    drawn_heights: Vec<(crate::app::state::view::Focus, u16)>,
    quit: bool,
}

impl Session {
    /// Takes the terminal, draws the first frame, and only then begins to connect.
    fn open(options: &Options) -> Result<Self, Error> {
        let contexts = options.clusters.iter().map(|(name, _)| name.as_str().into());
        let mut store = Store::new(contexts, &session_name());
        crate::app::preferences::take(&mut store, options.preferences.clone());
        store.range = TimeDelta::from_std(options.range).unwrap_or(store.range);
        let mut theme = options.theme.clone();
        let state_file = StateFile::take(options.state.clone(), &mut store, &mut theme, &options.reader);
        state_file::tour_once(options.toured.as_deref(), &mut store);
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let mut session = Self {
            store,
            theme,
            reader: options.reader.clone(),
            state_file,
            clock: options.clock.clone(),
            screen: Screen::take(options.mouse)?,
            pace: Pace::new(),
            runner: EffectRunner::new(sender),
            receiver,
            reaches: Vec::new(),
            leaving: None,
            drawn_heights: Vec::new(),
            quit: false,
        };
        session.reaches =
            options.clusters.iter().map(|(name, connect)| KubectlTarget::of(name, connect)).collect();
        for (cluster, reach) in session.store.clusters.iter_mut().zip(&session.reaches) {
            cluster.no_kubectl = reach.cannot().map(Into::into);
        }
        let (width, height) = session.screen.size();
        session.feed([Event::Tick(session.clock.now()), Event::Resize { width, height }])?;
        session.draw()?;
        session.runner.follow(options);
        Ok(session)
    }

    /// Gives the terminal to kubectl until it ends. What happens meanwhile is taken in, and nothing of it is drawn.
    async fn leave(
        &mut self,
        cluster: ClusterId,
        what: &HandOff,
        signals: &mut Signals,
    ) -> Result<(), Error> {
        let reach = self.reaches.get(usize::from(cluster.0));
        let words =
            match reach.map_or_else(|| Err("no such cluster".to_owned()), |reach| reach.arguments(what)) {
                Ok(words) => words,
                Err(reason) => return self.feed([Event::CameBack(Err(reason))]),
            };
        self.screen.give(&handoff::written(&words))?;
        let outcome = match handoff::start(&words) {
            Err(error) => Err(handoff::not_started(&error)),
            Ok(mut child) => {
                let mut batch = Vec::with_capacity(BATCH);
                let ended = loop {
                    tokio::select! {
                        ended = child.wait() => break ended,
                        asked = signals.next() => match asked {
                            // ctrl-c is for kubectl, which has the terminal, and ctrl-z for both of us.
                            Asked::Interrupt | Asked::Continue => {}
                            Asked::Stop => terminal::stop(false)?,
                            Asked::Quit => {
                                self.quit = true;
                                return Ok(());
                            }
                        },
                        _ = self.receiver.recv_many(&mut batch, BATCH) => self.feed(batch.drain(..))?,
                    }
                };
                handoff::verdict(&ended)
            }
        };
        if let Err(reason) = &outcome {
            terminal::wait_for_enter(reason).await;
        }
        self.screen.resume()?;
        self.resumed()?;
        self.feed([Event::CameBack(outcome)])
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let mut signals = Signals::listen()?;
        let mut keys = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut batch = Vec::with_capacity(BATCH);
        while !self.quit {
            if let Some((cluster, what)) = self.leaving.take() {
                // Two readers of one terminal would take each other's keys.
                drop(keys);
                self.leave(cluster, &what, &mut signals).await?;
                keys = EventStream::new();
            }
            // What was taken in becomes lists only as often as somebody can see them.
            let next = self.store.revision + u64::from(!self.store.is_settled());
            let due = self.pace.due(next, Instant::now());
            if due.is_some_and(|due| due <= Instant::now()) {
                let effects = settle(&mut self.store);
                self.perform_all(effects)?;
                self.draw()?;
                continue;
            }
            tokio::select! {
                biased;
                asked = signals.next() => self.signal(asked)?,
                key = keys.next() => self.input(key)?,
                _ = self.receiver.recv_many(&mut batch, BATCH) => {
                    let effects = take_in(&mut self.store, batch.drain(..));
                    self.perform_all(effects)?;
                }
                _ = tick.tick() => {
                    if let Some(message) = terminal::fatal() {
                        return Err(Error::Panicked(message));
                    }
                    self.feed([Event::Tick(self.clock.now())])?;
                    self.state_file.keep_now_and_then(&self.store);
                }
                () = sleep_until(due) => {}
                () = self.runner.one_ended() => {}
            }
        }
        Ok(())
    }

    /// What a person did; drawn at once.
    fn input(&mut self, input: Option<std::io::Result<crossterm::event::Event>>) -> Result<(), Error> {
        // The terminal is gone, or cannot be read: nobody can use this session any more.
        let Some(Ok(input)) = input else {
            self.quit = true;
            return Ok(());
        };
        let Some(event) = self.pointer(&input).or_else(|| input::event(input)) else { return Ok(()) };
        let before = self.store.revision;
        self.feed([event])?;
        if self.store.revision != before {
            self.pace.hurry();
        }
        Ok(())
    }

    /// What the mouse means where it is.
    fn pointer(&self, input: &crossterm::event::Event) -> Option<Event> {
        let (mouse, column, row) = input::pointed(input)?;
        let (pane, line) = crate::ui::pointing::hit(&self.store, column, row)?;
        let what = match mouse {
            input::Mouse::Click => Pointed::Click(line),
            input::Mouse::Up => Pointed::Up,
            input::Mouse::Down => Pointed::Down,
        };
        Some(Event::Pointer { pane, what })
    }

    fn signal(&mut self, asked: Asked) -> Result<(), Error> {
        match asked {
            Asked::Quit | Asked::Interrupt => self.quit = true,
            Asked::Stop => {
                self.screen.suspend(false)?;
                self.resumed()?;
            }
            Asked::Continue => {
                self.screen.resume()?;
                self.resumed()?;
            }
        }
        Ok(())
    }

    /// We were away: the size may be another, and the screen holds nothing of ours.
    fn resumed(&mut self) -> Result<(), Error> {
        let (width, height) = self.screen.size();
        self.feed([Event::Tick(self.clock.now()), Event::Resize { width, height }])?;
        self.pace.forget();
        Ok(())
    }

    /// Takes events in and carries out what they want.
    fn feed(&mut self, events: impl IntoIterator<Item = Event>) -> Result<(), Error> {
        let effects = update_all(&mut self.store, events);
        self.perform_all(effects)
    }

    fn perform_all(&mut self, effects: Vec<Effect>) -> Result<(), Error> {
        effects.into_iter().try_for_each(|effect| self.perform(effect))
    }

    fn draw(&mut self) -> Result<(), Error> {
        let (store, theme) = (&self.store, &self.theme);
        self.screen.draw(|frame| crate::ui::render(frame, store, theme))?;
        self.pace.drawn(self.store.revision, Instant::now());
        let heights: Vec<_> = crate::ui::screens::heights(&self.store).into_iter().collect();
        if heights != self.drawn_heights {
            self.drawn_heights.clone_from(&heights);
            let effects = update(&mut self.store, Event::Viewport(heights));
            self.perform_all(effects)?;
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::Background(effect) => self.runner.perform(effect),
            Effect::Terminal(effect) => self.perform_on_terminal(effect)?,
        }
        Ok(())
    }

    fn perform_on_terminal(&mut self, effect: TerminalEffect) -> Result<(), Error> {
        match effect {
            TerminalEffect::HandOff { cluster, what } => self.leaving = Some((cluster, what)),
            TerminalEffect::Copy(text) => self.screen.copy(&text)?,
            TerminalEffect::Bell => self.screen.bell()?,
            TerminalEffect::Notify { protocol, text } => self.screen.notify(protocol, text)?,
            TerminalEffect::Theme(choice) => {
                let drawn = self.reader.theme(&choice).map(|theme| self.theme = theme);
                self.feed([Event::Theme(drawn.map(|()| choice))])?;
            }
            TerminalEffect::Reload => {
                let read = self.reader.settings().map(|read| {
                    self.theme = read.theme;
                    (Box::new(read.preferences), read.sentence)
                });
                self.feed([Event::Reloaded(read)])?;
            }
            TerminalEffect::Title(title) => self.screen.title(title)?,
            TerminalEffect::Suspend => {
                self.screen.suspend(true)?;
                self.resumed()?;
            }
            TerminalEffect::Redraw => {
                self.screen.forget()?;
                self.pace.forget();
            }
            TerminalEffect::Quit => self.quit = true,
        }
        Ok(())
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// A short name that no other session has.
pub(super) fn session_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{random:012x}").chars().take(6).collect()
}
