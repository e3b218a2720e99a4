//! The plan of a release: steps done, the step that is being done with its components, steps to come.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::names::ComponentName;
use crate::api::release::{
    ComponentProgress, ComponentState, PartStep, PlanStep, ReleaseStatus, RollStep, TrackProgress,
};
use crate::api::strategy::Step;
use crate::api::{Phase, Release};
use crate::app::components;
use crate::app::state::cluster_state::WatchedKind;
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::state::view::{Focus, View};
use crate::app::steps::{self, StepWords};
use crate::domain::age::Age;
use crate::ui::chrome::{grey, stand_in};
use crate::ui::format::{Short, head};
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::queue::bar;
use crate::ui::pen::Pen;

/// The pane.
pub(crate) static PANE: Pane = Pane { id: "plan", focus: Some(Focus::Plan), draw, ..Pane::ROW };

const EMPTY: &str = "No plan yet: the controller makes it when it sees the release.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, WatchedKind::Releases);
    let status = ctx.store.release(&view.id).and_then(|release| release.status.as_ref());
    let plan = status.and_then(|status| status.plan.as_ref());
    let digest = plan.map_or("", |plan| head(&plan.digest, 15));
    let chrome = ctx.chrome(Some(Focus::Plan), freshness);
    let started = status.is_some_and(|status| status.started_at.is_some());
    let place = ctx.store.release(&view.id).and_then(|release| steps::present(release));
    let title = match place.filter(|_| started) {
        Some((step, all)) => Short::of(format_args!("Plan {} step {step} of {all}", theme.glyphs.dot)),
        None => Short::of(format_args!("Plan")),
    };
    let (below, left_out) = details_in(ctx.store, &view.id);
    let alone = ctx.alone(&view.id, left_out);
    let note = (theme.muted, format_args!("{digest}"));
    let inner = chrome.draw(buf, area, format_args!("{}{}", title.as_str(), alone.as_str()), note);
    if stand_in(buf, inner, theme, freshness, plan.is_none().then_some(EMPTY)) {
        return;
    }
    let (Some(release), Some(status), Some(plan)) = (ctx.store.release(&view.id), status, plan) else {
        return;
    };
    let current = steps::done(release).map_or(0, |(done, _)| done);
    let height = usize::from(inner.height);
    let first =
        view.plan_offset.unwrap_or_else(|| steps::followed(current, plan.steps.len() + below.len(), height));
    let mut row = 0;
    for (index, step) in plan.steps.iter().enumerate().skip(first) {
        if row >= inner.height {
            break;
        }
        let state = StepState::of(release, index, current);
        step_line(&mut Pen::new(buf, inner, row), ctx, (step, state), status);
        row += 1;
        if matches!(state, StepState::Current | StepState::Failed | StepState::Undone) {
            for detail in &below {
                detail_line(&mut Pen::new(buf, inner, row), ctx, *detail);
                row += 1;
            }
        }
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
    }
}

/// A line below the present step.
#[derive(Clone, Copy)]
enum Detail<'a> {
    Component(&'a ComponentProgress),
    Track(&'a TrackProgress),
}

impl Detail<'_> {
    fn component(&self) -> &ComponentName {
        match self {
            Self::Component(progress) => &progress.component,
            Self::Track(track) => &track.component,
        }
    }

    /// Whether it may be left out where another component is shown alone. What is not well never is.
    fn is_well(&self) -> bool {
        match self {
            Self::Component(progress) => matches!(
                progress.state,
                ComponentState::Waiting | ComponentState::Progressing | ComponentState::Done
            ),
            Self::Track(track) => track.drift.is_none(),
        }
    }
}

/// What stands below the present step, and how many components are left out of it.
fn details_in<'a>(store: &'a Store, id: &ReleaseId) -> (Vec<Detail<'a>>, usize) {
    let present = || {
        let release = store.release(id)?;
        let status = release.status.as_ref()?;
        let current = steps::done(release).map_or(0, |(done, _)| done);
        Some(details(status.plan.as_ref()?.steps.get(current)?, status))
    };
    let mut found = present().unwrap_or_default();
    let all = found.len();
    if let Some(alone) = components::of_release(store, id) {
        found.retain(|detail| *detail.component() == alone.name || !detail.is_well());
    }
    let left_out = all - found.len();
    (found, left_out)
}

/// How far each component of a step is, where the step changes pods or traffic.
fn details<'a>(step: &PlanStep, status: &'a ReleaseStatus) -> Vec<Detail<'a>> {
    let tracks = |components: Option<&[ComponentName]>| {
        let of = |track: &&TrackProgress| components.is_none_or(|wanted| wanted.contains(&track.component));
        status.tracks.iter().filter(of).map(Detail::Track).collect()
    };
    match step {
        PlanStep::Roll(RollStep { components, .. }) | PlanStep::Part(PartStep { components, .. }) => status
            .components
            .iter()
            .filter(|progress| components.contains(&progress.component))
            .map(Detail::Component)
            .collect(),
        PlanStep::Canary(Step::SetWeight(_)) => tracks(None),
        PlanStep::Raise(step) | PlanStep::Switch(step) | PlanStep::Settle(step) => {
            tracks(Some(&step.components))
        }
        _ => Vec::new(),
    }
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StepState {
    Done,
    Current,
    Failed,
    Undone,
    Todo,
    Never,
}

impl StepState {
    fn of(release: &Release, index: usize, current: usize) -> Self {
        let phase = release.phase();
        let started = release.status.as_ref().is_some_and(|status| status.started_at.is_some());
        match (phase, index.cmp(&current)) {
            (Phase::Succeeded, _) | (_, std::cmp::Ordering::Less) => Self::Done,
            (Phase::RollingBack | Phase::RolledBack, std::cmp::Ordering::Equal) => Self::Undone,
            (Phase::Failed | Phase::Errored | Phase::Held, std::cmp::Ordering::Equal) if started => {
                Self::Failed
            }
            (phase, _) if phase.is_final() => Self::Never,
            (phase, std::cmp::Ordering::Equal) if phase.holds_lane() => Self::Current,
            _ => Self::Todo,
        }
    }

    fn look(self, ctx: &Ctx<'_>) -> (&'static str, Style) {
        let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
        match self {
            Self::Done => (glyphs.done, theme.healthy),
            Self::Current => (glyphs.current, theme.title),
            Self::Failed => (glyphs.failing, theme.failing),
            Self::Undone => (glyphs.warning, theme.failing),
            Self::Todo => (glyphs.todo, theme.muted),
            Self::Never => (glyphs.todo, theme.stale),
        }
    }
}

fn step_line(
    pen: &mut Pen<'_>,
    ctx: &Ctx<'_>,
    (step, state): (&PlanStep, StepState),
    status: &ReleaseStatus,
) {
    let theme = ctx.theme;
    let (glyph, style) = state.look(ctx);
    let text = if matches!(state, StepState::Done | StepState::Current) { theme.text } else { style };
    if state == StepState::Current {
        present(pen, ctx, step, status);
    }
    match state {
        StepState::Failed => {
            pen.last(style, format_args!("failed "));
        }
        StepState::Undone => {
            pen.last(style, format_args!("undone "));
        }
        StepState::Never => {
            pen.last(style, format_args!("not done "));
        }
        _ => {}
    }
    pen.fmt(style, format_args!(" {glyph} ")).fmt(text, format_args!("{}", StepWords(step)));
}

/// For how long the present step has been going on, what it waits for, and how long that takes.
fn present(pen: &mut Pen<'_>, ctx: &Ctx<'_>, step: &PlanStep, status: &ReleaseStatus) {
    let (theme, now) = (ctx.theme, ctx.store.now);
    let Some(progress) = &status.step else { return };
    match progress.until {
        Some(until) if until > now => {
            let (passed, all) =
                (Age::between(progress.started_at, now), Age::between(progress.started_at, until));
            let count = |age: Age| usize::try_from(age.seconds()).unwrap_or_default();
            pen.last(theme.accent, format_args!("{} left ", Age::between(now, until)));
            if pen.room() > 26 {
                let column = pen.column() + pen.room() - 6;
                pen.last_at(column, |pen| bar(pen, ctx, (count(passed), count(all)), (6, theme.accent)));
            }
        }
        _ => {
            let person =
                matches!(step, PlanStep::Canary(Step::Approval(_) | Step::Checklist(_) | Step::Pause(_)));
            let age = Age::between(progress.started_at, now);
            if person {
                pen.last(theme.warning, format_args!("waits for a person, {age} "));
            } else {
                pen.last(theme.muted, format_args!("for {age} "));
            }
        }
    }
}

fn detail_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, detail: Detail<'_>) {
    match detail {
        Detail::Component(progress) => component_line(pen, ctx, progress),
        Detail::Track(track) => track_line(pen, ctx, track),
    }
}

/// `◐ backend canary ▰▰▱ 2/3 pods, traffic 10%: the router states 0% yet`
fn track_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, track: &TrackProgress) {
    let theme = ctx.theme;
    let settled = track.available >= track.desired && track.verified.is_none_or(|seen| seen == track.traffic);
    let (glyph, style) = match (&track.drift, settled) {
        (Some(_), _) => (theme.glyphs.failing, theme.failing),
        (None, true) => (theme.glyphs.done, theme.healthy),
        (None, false) => (theme.glyphs.moving, theme.accent),
    };
    let count = |number: i32| usize::try_from(number).unwrap_or(0);
    pen.fmt(style, format_args!("     {glyph} "));
    pen.left(12, theme.text, theme, track.component.as_str()).skip(1);
    bar(pen, ctx, (count(track.available), count(track.desired)), (6, style));
    pen.fmt(theme.text, format_args!(" {}/{} pods of {}", track.available, track.desired, track.track));
    match track.verified {
        _ if track.drift.is_some() => pen.put(theme.failing, ", DRIFT"),
        Some(seen) if seen != track.traffic => {
            pen.fmt(theme.accent, format_args!(", traffic {seen}% → {}%", track.traffic))
        }
        Some(seen) => pen.fmt(theme.muted, format_args!(", traffic {seen}%")),
        None => pen,
    };
}

fn component_line(pen: &mut Pen<'_>, ctx: &Ctx<'_>, progress: &ComponentProgress) {
    let theme = ctx.theme;
    let (glyph, style) = match progress.state {
        ComponentState::Waiting => (theme.glyphs.todo, theme.muted),
        ComponentState::Progressing => (theme.glyphs.moving, theme.accent),
        ComponentState::Done => (theme.glyphs.done, theme.healthy),
        ComponentState::Failed => (theme.glyphs.failing, theme.failing),
        ComponentState::RollingBack | ComponentState::RolledBack => (theme.glyphs.warning, theme.warning),
    };
    let count = |number: i32| usize::try_from(number).unwrap_or(0);
    pen.fmt(style, format_args!("     {glyph} "));
    pen.left(12, theme.text, theme, progress.component.as_str()).skip(1);
    bar(pen, ctx, (count(progress.available), count(progress.total)), (6, style));
    pen.fmt(theme.text, format_args!(" {}/{} pods ", progress.available, progress.total));
    let room = pen.room();
    pen.cut(room, theme.muted, theme, &progress.message);
}
