//! Keys in the forms of *deploy* and *promote*, and their live validation.

use super::Pressed;
use crate::api::{Environment, Release, ReleaseKind, Verb};
use crate::app::ask::running;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::form::{Field, Form, ImageChange, strategies};
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::{guard, versions};
use crate::config::key::{KeyChord, KeyCode};
use crate::domain::intent::{self, Author, IntentError, RequestDetails};

/// Opens a form for that environment, `version` being typed already.
pub(in crate::app) fn open(store: &mut Store, kind: ReleaseKind, id: &EnvironmentId, version: &str) {
    let Some(environment) = store.environment(id).cloned() else { return };
    let source = versions::source(store, &environment, id.cluster);
    let mut form = Form {
        kind,
        environment: id.clone(),
        application: environment.spec.application.clone(),
        tier: environment.spec.tier,
        source: source.filter(|_| kind == ReleaseKind::Promote),
        version: LineEditor::with(version),
        strategies: strategies(&environment),
        strategy: 0,
        reason: LineEditor::default(),
        ticket: LineEditor::default(),
        focus: Field::Version,
        suggestions: Vec::new(),
        suggestion: None,
        preview: Vec::new(),
        problem: None,
        refusal: None,
        checking: None,
    };
    if kind == ReleaseKind::Promote {
        form.focus = Field::Reason;
        if let Some(version) = form.source.as_ref().and_then(|id| versions::promotable(store, id).ok()) {
            form.version = LineEditor::with(&version.version);
        }
    }
    renew(store, &mut form);
    store.ui.overlays.push(Overlay::Form(Box::new(form)));
}

/// Suggestions, preview and problem as they are now.
pub(in crate::app) fn renew(store: &Store, form: &mut Form) {
    let Some(environment) = store.environment(&form.environment) else {
        form.problem = Some("this environment is gone".to_owned());
        return;
    };
    form.suggestions = match form.kind {
        ReleaseKind::Deploy => versions::suggestions(store, &form.environment, form.version.text().trim()),
        _ => Vec::new(),
    };
    if form.suggestion.is_some_and(|chosen| chosen >= form.suggestions.len()) {
        form.suggestion = None;
    }
    let lock = guard::lock(store, form.environment.cluster)
        .or_else(|| guard::refusal(store, &form.environment, Verb::Deploy));
    match build(store, form, environment, "preview") {
        Ok(release) => {
            form.preview = preview(store, &form.environment, &release);
            form.problem = lock.or_else(|| nothing_changes(&form.preview, &release.spec.version));
        }
        Err(problem) => {
            form.preview = Vec::new();
            form.problem = Some(problem);
        }
    }
}

fn nothing_changes(preview: &[ImageChange], version: &str) -> Option<String> {
    let nothing = !preview.is_empty() && preview.iter().all(ImageChange::is_nothing);
    nothing.then(|| format!("{version} runs here already"))
}

fn preview(store: &Store, id: &EnvironmentId, release: &Release) -> Vec<ImageChange> {
    let change = |image: &crate::api::release::ComponentImage| ImageChange {
        component: image.component.to_string(),
        from: running(store, id, image.component.as_str()),
        to: image.image.clone(),
    };
    release.spec.images.iter().map(change).collect()
}

/// The release that the form describes, or one sentence why there is none.
fn build(store: &Store, form: &Form, environment: &Environment, nonce: &str) -> Result<Release, String> {
    let identity = store.cluster(form.environment.cluster).and_then(|cluster| cluster.identity.as_ref());
    let Some(identity) = identity else { return Err("not connected yet".to_owned()) };
    let author = Author { user: &identity.user, groups: &identity.groups };
    let said = |editor: &LineEditor| (!editor.is_blank()).then(|| editor.text().trim().to_owned());
    let words = RequestDetails {
        strategy: (form.strategy > 0).then(|| form.chosen_strategy()),
        reason: said(&form.reason),
        ticket: said(&form.ticket),
        ..RequestDetails::default()
    };
    let version = form.version.text().trim();
    let release = match form.kind {
        ReleaseKind::Promote => {
            let Some(source) = &form.source else {
                return Err("this environment names none that versions are promoted from".to_owned());
            };
            versions::promotable(store, source)
                .and_then(|source| intent::promote(environment, author, &source, &words, nonce))
        }
        _ if version.is_empty() => return Err("which version?".to_owned()),
        _ => intent::deploy(environment, author, version, &words, nonce),
    };
    release.map_err(|error: IntentError| error.to_string())
}

pub(in crate::app) fn press(store: &mut Store, chord: KeyChord, mut form: Box<Form>) -> Pressed {
    let shift = chord.modifiers().shift;
    let on_button = matches!(form.focus, Field::Cancel | Field::Submit);
    match chord.code() {
        KeyCode::Esc if form.suggestion.is_some() => form.suggestion = None,
        KeyCode::Esc => return Pressed::Taken(Vec::new()),
        KeyCode::Tab if shift => form.focus = cycle(&form.fields(), form.focus, -1),
        KeyCode::Tab => {
            take_suggestion(&mut form);
            form.focus = cycle(&form.fields(), form.focus, 1);
        }
        KeyCode::Up | KeyCode::Down if form.focus == Field::Version && !form.suggestions.is_empty() => {
            choose_suggestion(&mut form, chord.code() == KeyCode::Down);
        }
        KeyCode::Left | KeyCode::Right | KeyCode::Char(' ') if form.focus == Field::Strategy => {
            let count = form.strategies.len().max(1);
            let by = if chord.code() == KeyCode::Left { count - 1 } else { 1 };
            form.strategy = (form.strategy + by) % count;
        }
        KeyCode::Up => form.focus = cycle(&form.fields(), form.focus, -1),
        KeyCode::Down => form.focus = cycle(&form.fields(), form.focus, 1),
        KeyCode::Left | KeyCode::Right if on_button => {
            form.focus = if form.focus == Field::Cancel { Field::Submit } else { Field::Cancel };
        }
        KeyCode::Enter => return enter(store, form),
        _ => {
            let taken = match form.focus {
                Field::Version if form.kind == ReleaseKind::Promote => false,
                Field::Version => form.version.key(chord),
                Field::Reason => form.reason.key(chord),
                Field::Ticket => form.ticket.key(chord),
                Field::Strategy | Field::Cancel | Field::Submit => false,
            };
            if !taken {
                store.ui.overlays.push(Overlay::Form(form));
                return Pressed::Passed;
            }
            form.suggestion = None;
        }
    }
    form.refusal = None;
    renew(store, &mut form);
    store.ui.overlays.push(Overlay::Form(form));
    Pressed::Taken(Vec::new())
}

pub(in crate::app) fn paste(store: &Store, form: &mut Form, text: &str) {
    match form.focus {
        Field::Version if form.kind == ReleaseKind::Deploy => form.version.insert(text.trim()),
        Field::Reason => form.reason.insert(text),
        Field::Ticket => form.ticket.insert(text),
        _ => {}
    }
    renew(store, form);
}

fn choose_suggestion(form: &mut Form, down: bool) {
    let last = form.suggestions.len() - 1;
    form.suggestion = match (form.suggestion, down) {
        (None, true) => Some(0),
        (None, false) => Some(last),
        (Some(chosen), true) => (chosen < last).then_some(chosen + 1),
        (Some(chosen), false) => chosen.checked_sub(1),
    };
}

/// Tells whether one was chosen.
fn take_suggestion(form: &mut Form) -> bool {
    let Some(suggestion) = form.suggestion.take().and_then(|chosen| form.suggestions.get(chosen)) else {
        return false;
    };
    let version = suggestion.version.clone();
    form.version.set(&version);
    true
}

fn enter(store: &mut Store, mut form: Box<Form>) -> Pressed {
    let mut effects = Vec::new();
    match form.focus {
        Field::Cancel => return Pressed::Taken(effects),
        Field::Submit => effects = submit(store, &mut form),
        _ => {
            if !take_suggestion(&mut form) {
                form.focus = cycle(&form.fields(), form.focus, 1);
            }
            renew(store, &mut form);
        }
    }
    store.ui.overlays.push(Overlay::Form(form));
    Pressed::Taken(effects)
}

/// Asks the server first; the question to the person follows when it would pass.
fn submit(store: &mut Store, form: &mut Form) -> Vec<Effect> {
    renew(store, form);
    if form.problem.is_some() || form.checking.is_some() {
        return Vec::new();
    }
    let request = store.next_request();
    let nonce = format!("{}-{}", store.session, request.0);
    let Some(environment) = store.environment(&form.environment) else { return Vec::new() };
    match build(store, form, environment, &nonce) {
        Err(problem) => {
            form.problem = Some(problem);
            Vec::new()
        }
        Ok(release) => {
            let release = Box::new(release);
            form.refusal = None;
            form.checking = Some((request, release.clone()));
            vec![Effect::Background(BackgroundEffect::CreateRelease {
                cluster: form.environment.cluster,
                release,
                dry_run: true,
                request,
            })]
        }
    }
}

/// The neighbour of something in a ring.
pub(in crate::app) fn cycle<T: Copy + PartialEq>(ring: &[T], from: T, by: isize) -> T {
    let index = ring.iter().position(|item| *item == from).unwrap_or_default();
    let next = index.checked_add_signed(by).unwrap_or(ring.len().saturating_sub(1));
    ring.get(next).or(ring.first()).copied().unwrap_or(from)
}
