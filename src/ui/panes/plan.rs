//! The plan of a release: steps done, the step that is being done with its components, steps to come.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::api::release::{ComponentProgress, ComponentState, PlanStep, ReleaseStatus};
use crate::api::strategy::Step;
use crate::api::{Phase, Release};
use crate::app::cluster_state::Feed;
use crate::app::ui_state::{Pane as Focus, View};
use crate::domain::age::Age;
use crate::ui::chrome::{grey, stand_in};
use crate::ui::format::head;
use crate::ui::pane::{Ctx, Pane};
use crate::ui::panes::queue::bar;
use crate::ui::pen::Pen;

/// The pane.
pub static PANE: Pane = Pane { id: "plan", title: "Plan", focus: Some(Focus::Plan), min: (30, 3), draw };

const EMPTY: &str = "No plan yet: the controller makes it when it sees the release.";

fn draw(buf: &mut Buffer, area: Rect, ctx: &Ctx<'_>) {
    let View::Release(view) = ctx.store.ui.view() else { return };
    let theme = ctx.theme;
    let freshness = ctx.freshness(view.id.cluster, Feed::Releases);
    let status = ctx.store.release(&view.id).and_then(|release| release.status.as_ref());
    let plan = status.and_then(|status| status.plan.as_ref());
    let digest = plan.map_or("", |plan| head(&plan.digest, 15));
    let chrome = ctx.chrome(Some(Focus::Plan), freshness);
    let inner = chrome.draw(buf, area, format_args!("Plan"), (theme.muted, format_args!("{digest}")));
    if stand_in(buf, inner, theme, freshness, plan.is_none().then_some(EMPTY)) {
        return;
    }
    let (Some(release), Some(status), Some(plan)) = (ctx.store.release(&view.id), status, plan) else {
        return;
    };
    let current = status.step.as_ref().map_or(0, |step| usize::try_from(step.index).unwrap_or(0));
    let mut row = 0;
    for (index, step) in plan.steps.iter().enumerate().skip(view.plan_offset) {
        if row >= inner.height {
            break;
        }
        let state = StepState::of(release, index, current);
        step_line(&mut Pen::new(buf, inner, row), ctx, (step, state), status);
        row += 1;
        if let (PlanStep::Roll(roll), StepState::Current | StepState::Failed | StepState::Undone) =
            (step, state)
        {
            for progress in status.components.iter().filter(|c| roll.components.contains(&c.component)) {
                component_line(&mut Pen::new(buf, inner, row), ctx, progress);
                row += 1;
            }
        }
    }
    if freshness.is_stale() {
        grey(buf, inner, theme);
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
    if let (StepState::Current, Some(progress)) = (state, &status.step) {
        pen.last(theme.muted, format_args!("{} ", Age::between(progress.started_at, ctx.store.now)));
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
    pen.fmt(style, format_args!(" {glyph} ")).fmt(text, format_args!("{}", StepText(step)));
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

/// What a step does, in a few words.
struct StepText<'a>(&'a PlanStep);

impl fmt::Display for StepText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PlanStep::Roll(roll) => {
                f.write_str("roll ")?;
                for (at, component) in roll.components.iter().enumerate() {
                    write!(f, "{}{component}", if at > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
            PlanStep::Smoke(smoke) if smoke.probes == 1 => f.write_str("smoke test"),
            PlanStep::Smoke(smoke) => write!(f, "{} smoke tests", smoke.probes),
            PlanStep::Bake(bake) => write!(f, "watch for {}", bake.duration),
            PlanStep::Canary(step) => match step {
                Step::SetWeight(weight) => write!(f, "weight {weight}"),
                Step::Pause(pause) => match pause.duration {
                    Some(duration) => write!(f, "pause {duration}"),
                    None => f.write_str("pause until promoted"),
                },
                Step::Analysis(_) => f.write_str("analysis"),
                Step::Approval(_) => f.write_str("approval"),
                Step::Checklist(_) => f.write_str("checklist"),
            },
            PlanStep::Raise(raise) => write!(f, "bring up {}", raise.track),
            PlanStep::Switch(switch) => write!(f, "switch to {}", switch.track),
            PlanStep::Keep(keep) => write!(f, "keep the way back for {}", keep.duration),
            PlanStep::Settle(settle) => write!(f, "move in and remove {}", settle.track),
        }
    }
}
