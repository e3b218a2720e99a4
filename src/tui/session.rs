//! One session: the task that owns the store.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use chrono::TimeDelta;
use crossterm::event::EventStream;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::effects::{self, Request};
use super::logs::Logs;
use super::pace::Pace;
use super::signals::{Asked, Signals};
use super::sources::{Plan, Source};
use super::terminal::{self, Screen};
use super::{Error, Options, files, input};
use crate::app::cluster_state::ClusterId;
use crate::app::effect::{Effect, RequestId};
use crate::app::event::{ClusterEvent, Event};
use crate::app::store::Store;
use crate::app::{update, update_all};
use crate::domain::pod_row::PodKey;
use crate::ui::theme::Theme;

/// Events that wait for the loop; beyond it their senders wait.
const BACKLOG: usize = 4_096;
/// Events that are folded into one frame.
const BATCH: usize = 1_024;
/// How often time passes on the screen.
const TICK: Duration = Duration::from_secs(1);
/// How long the end of a session waits for the answers of what it has changed.
const PARTING: Duration = Duration::from_secs(3);

pub(super) async fn run(options: Options) -> Result<(), Error> {
    terminal::install_panic_hook();
    let mut session = Session::open(options)?;
    let ended = session.turn().await;
    let pending = session.part();
    // Dropping the session restores the terminal before anything is waited for or printed.
    drop(session);
    let _ = tokio::time::timeout(PARTING, pending).await;
    ended
}

struct Session {
    store: Store,
    theme: Theme,
    clock: crate::time::Clock,
    screen: Screen,
    pace: Pace,
    sources: Vec<Source>,
    sender: mpsc::Sender<Event>,
    receiver: mpsc::Receiver<Event>,
    /// Requests that change something.
    mutations: JoinSet<Option<ClusterId>>,
    /// Requests that only look; aborted at the end.
    looks: JoinSet<Option<ClusterId>>,
    /// Logs that are followed for open views.
    logs: Logs,
    drawn_heights: Vec<(crate::app::ui_state::Pane, u16)>,
    quit: bool,
}

impl Session {
    /// Takes the terminal, draws the first frame, and only then begins to connect.
    fn open(options: Options) -> Result<Self, Error> {
        let contexts = options.clusters.iter().map(|(name, _)| name.as_str().into());
        let mut store = Store::new(contexts, &session_name());
        store.keymap = options.keymap.clone();
        store.arming = options.arming;
        store.range = TimeDelta::from_std(options.range).unwrap_or(store.range);
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let mut session = Self {
            store,
            theme: options.theme.clone(),
            clock: options.clock.clone(),
            screen: Screen::take()?,
            pace: Pace::new(),
            sources: Vec::new(),
            sender,
            receiver,
            mutations: JoinSet::new(),
            looks: JoinSet::new(),
            logs: Logs::default(),
            drawn_heights: Vec::new(),
            quit: false,
        };
        let (width, height) = session.screen.size();
        session.feed([Event::Tick(session.clock.now()), Event::Resize { width, height }])?;
        session.draw()?;
        session.sources = plans(options).map(|plan| Source::start(plan, session.sender.clone())).collect();
        Ok(session)
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let mut signals = Signals::listen()?;
        let mut keys = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut batch = Vec::with_capacity(BATCH);
        while !self.quit {
            let due = self.pace.due(self.store.revision, Instant::now());
            if due.is_some_and(|due| due <= Instant::now()) {
                self.draw()?;
                continue;
            }
            tokio::select! {
                biased;
                asked = signals.next() => self.signal(asked)?,
                key = keys.next() => self.input(key)?,
                _ = self.receiver.recv_many(&mut batch, BATCH) => self.feed(batch.drain(..))?,
                _ = tick.tick() => {
                    if let Some(message) = terminal::fatal() {
                        return Err(Error::Panicked(message));
                    }
                    self.feed([Event::Tick(self.clock.now())])?;
                }
                () = sleep_until(due) => {}
                Some(done) = self.mutations.join_next() => self.finished(done.ok().flatten()),
                Some(done) = self.looks.join_next() => self.finished(done.ok().flatten()),
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
        let Some(event) = input::event(input) else { return Ok(()) };
        let before = self.store.revision;
        self.feed([event])?;
        if self.store.revision != before {
            self.pace.hurry();
        }
        Ok(())
    }

    fn signal(&mut self, asked: Asked) -> Result<(), Error> {
        match asked {
            Asked::Quit => self.quit = true,
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
        for effect in effects {
            self.perform(effect)?;
        }
        Ok(())
    }

    fn draw(&mut self) -> Result<(), Error> {
        let (store, theme) = (&self.store, &self.theme);
        self.screen.draw(|frame| crate::ui::render(frame, store, theme))?;
        self.pace.drawn(self.store.revision, Instant::now());
        let heights: Vec<_> = crate::ui::screens::heights(&self.store).into_iter().collect();
        if heights != self.drawn_heights {
            self.drawn_heights.clone_from(&heights);
            for effect in update(&mut self.store, Event::Viewport(heights)) {
                self.perform(effect)?;
            }
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::CreateRelease { cluster, release, dry_run, request } => {
                self.send(cluster, Request::Release { release, dry_run }, request);
            }
            Effect::CreateAction { cluster, action, dry_run, request } => {
                self.send(cluster, Request::Action { action, dry_run }, request);
            }
            Effect::Fetch { cluster, what, request } => self.send(cluster, Request::Text(what), request),
            Effect::FollowEvents { cluster, namespaces } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.follow_events(namespaces);
                }
            }
            Effect::FollowLog { cluster, ask, view } => {
                let cluster = self.cluster(cluster);
                self.logs.follow(cluster, ask, view, self.sender.clone());
            }
            Effect::EndLogs(view) => self.logs.end(view),
            Effect::Save { path, text } => {
                let events = self.sender.clone();
                self.looks.spawn(async move {
                    files::save(path, text, events).await;
                    None
                });
            }
            Effect::Focus { cluster, environment, second } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.focus(environment, second);
                }
            }
            Effect::Zoom { cluster, wish } => {
                if let Some(source) = self.sources.get(usize::from(cluster.0)) {
                    source.zoom(wish);
                }
            }
            Effect::Examine { cluster, pod, crashed } => self.examine(cluster, pod, crashed),
            Effect::RefreshMetrics => self.sources.iter().for_each(Source::refresh),
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Bell => self.screen.bell()?,
            Effect::Suspend => {
                self.screen.suspend(true)?;
                self.resumed()?;
            }
            Effect::Redraw => {
                self.screen.forget()?;
                self.pace.forget();
            }
            Effect::Quit => self.quit = true,
        }
        Ok(())
    }

    fn send(&mut self, id: ClusterId, request: Request, request_id: RequestId) {
        let cluster = self.cluster(id);
        let events = self.sender.clone();
        let tasks = if request.is_mutation() { &mut self.mutations } else { &mut self.looks };
        tasks.spawn(async move {
            let denied = effects::perform(cluster, request, request_id, events).await;
            denied.then_some(id)
        });
    }

    fn cluster(&self, id: ClusterId) -> Option<crate::cluster::Cluster> {
        self.sources.get(usize::from(id.0)).and_then(|source| source.cluster.borrow().clone())
    }

    /// Reads what there is to know about a pod; the answer is an event, and nothing follows where there is no connection yet.
    fn examine(&mut self, id: ClusterId, pod: PodKey, crashed: bool) {
        let source = self.sources.get(usize::from(id.0));
        let Some(cluster) = source.and_then(|source| source.cluster.borrow().clone()) else { return };
        let events = self.sender.clone();
        self.looks.spawn(async move {
            let evidence = cluster.examine(&pod, crashed).await;
            // The loop is gone: so is whoever wanted to know.
            let _ = events.send(Event::Cluster(id, ClusterEvent::Examined(pod, evidence))).await;
            None
        });
    }

    /// A request has ended; one that was denied says that permissions have changed.
    fn finished(&self, denied: Option<ClusterId>) {
        if let Some(source) = denied.and_then(|id| self.sources.get(usize::from(id.0))) {
            source.recheck_permissions();
        }
    }

    /// What still runs and must not be cut off.
    fn part(&mut self) -> impl Future<Output = ()> + use<> {
        let mut mutations = std::mem::take(&mut self.mutations);
        async move { while mutations.join_next().await.is_some() {} }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn plans(options: Options) -> impl Iterator<Item = Plan> {
    let Options { clusters, .. } = options.clone();
    (0_u16..).map(ClusterId).zip(clusters).map(move |(id, (_, connect))| Plan {
        id,
        connect,
        namespaces: options.namespaces.clone(),
        controller_namespace: options.controller_namespace.clone(),
        prometheus: options.prometheus.clone(),
        range: options.range,
        refresh_metrics: options.refresh_metrics,
        queries_at_once: options.queries_at_once,
        refresh_permissions: options.refresh_permissions,
        clock: options.clock.clone(),
    })
}

/// A short name that no other session has.
fn session_name() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{random:012x}").chars().take(6).collect()
}
