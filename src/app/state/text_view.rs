//! A text that is looked at: YAML, description, difference.

use crate::app::state::effect::{FetchText, RequestId};
use crate::app::state::located::ClusterId;
use crate::app::state::pattern::Pattern;
use crate::app::state::text_scroll::TextScroll;

/// A text that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextView {
    /// What it is, such as `YAML · backend-7f9c6d-2xk4p`.
    pub title: String,
    /// The question whose answer it waits for or has got.
    pub request: RequestId,
    /// The text.
    pub body: TextBody,
    /// Where it was fetched from; absent: it was made here.
    pub source: Option<(ClusterId, FetchText)>,
    /// Where in it the eye is.
    pub look: TextScroll,
    /// Which of its lines are shown.
    pub filter: Option<Pattern>,
}

/// The text, as far as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextBody {
    /// Asked for.
    Loading,
    /// Its lines, sanitised by the adapter.
    Lines(Vec<Box<str>>),
    /// One sentence why there is none.
    Failed(String),
}

impl TextView {
    /// A text, seen from its beginning.
    #[must_use]
    pub fn new(title: String, request: RequestId, body: TextBody) -> Self {
        Self { title, request, body, source: None, look: TextScroll::default(), filter: None }
    }

    /// It is YAML.
    #[must_use]
    pub const fn is_yaml(&self) -> bool {
        matches!(self.source, Some((_, FetchText::Yaml { .. })))
    }

    /// The lines; none while it is loading or has failed.
    #[must_use]
    pub fn lines(&self) -> &[Box<str>] {
        match &self.body {
            TextBody::Lines(lines) => lines,
            TextBody::Loading | TextBody::Failed(_) => &[],
        }
    }

    /// The lines that the filter lets through.
    pub fn shown(&self) -> impl Iterator<Item = &str> {
        let lines = self.lines().iter().map(|line| &**line);
        lines.filter(move |line| self.filter.as_ref().is_none_or(|filter| filter.matches(line)))
    }
}
