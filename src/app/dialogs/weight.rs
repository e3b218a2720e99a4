//! Keys in the form of *weight*.

use super::Pressed;
use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::api::strategy::Weight;
use crate::app::act::{self, With};
use crate::app::shifting::{self, Direction};
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::ReleaseId;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::state::weight_form::{WeightField, WeightForm};
use crate::config::key::{KeyChord, KeyCode};

/// By how much a key shifts the weight.
const STEP: u8 = 5;

/// Opens the form with a proposal in that direction.
pub(in crate::app) fn open(store: &mut Store, id: &ReleaseId, direction: Direction) {
    let Some(environment_id) = store.environment_of(id) else { return };
    let (Some(release), Some(environment)) = (store.release(id), store.environment(&environment_id)) else {
        return;
    };
    let proposal = shifting::proposal(store, environment, release, direction);
    let mut form = WeightForm {
        release: id.clone(),
        environment: environment_id.clone(),
        application: environment.spec.application.clone(),
        version: release.spec.version.clone(),
        tier: environment.spec.tier,
        weight: LineEditor::with(&proposal.percent().to_string()),
        reason: LineEditor::default(),
        focus: WeightField::Weight,
        now: shifting::present(release),
        preview: Vec::new(),
        problem: None,
    };
    renew(store, &mut form);
    store.ui.overlays.push(Overlay::Weight(Box::new(form)));
}

/// Preview and problem as they are now.
pub(in crate::app) fn renew(store: &Store, form: &mut WeightForm) {
    if let Some(release) = store.release(&form.release) {
        form.now = shifting::present(release);
    }
    let Some(wanted) = form.wanted() else {
        form.preview = Vec::new();
        form.problem = Some("a weight is a whole number from 0 to 100".to_owned());
        return;
    };
    let (preview, refusal) = shifting::told(store, &form.release, wanted);
    form.preview = preview;
    form.problem = act::why_not(store, &form.release, ActionKind::SetWeight).or(refusal);
}

pub(in crate::app) fn press(store: &mut Store, chord: KeyChord, mut form: Box<WeightForm>) -> Pressed {
    let on_button = matches!(form.focus, WeightField::Cancel | WeightField::Submit);
    let cycle = |form: &WeightForm, by| super::form::cycle(&WeightForm::FIELDS, form.focus, by);
    match chord.code() {
        KeyCode::Esc => return Pressed::Taken(Vec::new()),
        KeyCode::Tab => form.focus = cycle(&form, if chord.modifiers().shift { -1 } else { 1 }),
        KeyCode::Up | KeyCode::Char('+') if form.focus == WeightField::Weight => shift(&mut form, true),
        KeyCode::Down | KeyCode::Char('-') if form.focus == WeightField::Weight => shift(&mut form, false),
        KeyCode::Up => form.focus = cycle(&form, -1),
        KeyCode::Down => form.focus = cycle(&form, 1),
        KeyCode::Left | KeyCode::Right if on_button => {
            form.focus =
                if form.focus == WeightField::Cancel { WeightField::Submit } else { WeightField::Cancel };
        }
        KeyCode::Enter => return enter(store, form),
        _ => {
            let taken = match form.focus {
                WeightField::Weight => form.weight.key(chord),
                WeightField::Reason => form.reason.key(chord),
                WeightField::Cancel | WeightField::Submit => false,
            };
            if !taken {
                store.ui.overlays.push(Overlay::Weight(form));
                return Pressed::Passed;
            }
        }
    }
    renew(store, &mut form);
    store.ui.overlays.push(Overlay::Weight(form));
    Pressed::Taken(Vec::new())
}

pub(in crate::app) fn paste(store: &Store, form: &mut WeightForm, text: &str) {
    match form.focus {
        WeightField::Weight => form.weight.insert(text.trim()),
        WeightField::Reason => form.reason.insert(text),
        WeightField::Cancel | WeightField::Submit => {}
    }
    renew(store, form);
}

/// To the next multiple of the step.
fn shift(form: &mut WeightForm, up: bool) {
    let now = form.wanted().map_or(0, Weight::percent);
    let next =
        if up { (now / STEP + 1).saturating_mul(STEP).min(100) } else { now.saturating_sub(1) / STEP * STEP };
    form.weight.set(&next.to_string());
}

fn enter(store: &mut Store, mut form: Box<WeightForm>) -> Pressed {
    let mut effects = Vec::new();
    match form.focus {
        WeightField::Cancel => return Pressed::Taken(effects),
        WeightField::Weight => form.focus = WeightField::Reason,
        WeightField::Reason => form.focus = WeightField::Submit,
        WeightField::Submit => {
            renew(store, &mut form);
            let wanted = form.wanted().filter(|_| form.problem.is_none());
            let (release, reason) = (form.release.clone(), form.reason.text().trim().to_owned());
            // It stays below the question, so that Cancel leads back to it.
            store.ui.overlays.push(Overlay::Weight(form));
            if let Some(weight) = wanted {
                let weight = Some(i32::from(weight.percent()));
                let parameters = Parameters { weight, ..Parameters::default() };
                let with = With { parameters: Some(Box::new(parameters)), reason };
                effects = act::open(store, &release, ActionKind::SetWeight, with);
            }
            return Pressed::Taken(effects);
        }
    }
    renew(store, &mut form);
    store.ui.overlays.push(Overlay::Weight(form));
    Pressed::Taken(effects)
}
