//! A text that is looked at: YAML, description, log.

use crate::app::effect::RequestId;
use crate::app::filter::Filter;

/// A text that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextView {
    /// What it is, such as `YAML · backend-7f9c6d-2xk4p`.
    pub title: String,
    /// The question whose answer it waits for or has got.
    pub request: RequestId,
    /// The text.
    pub body: TextBody,
    /// Lines scrolled past.
    pub offset: usize,
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
    /// The lines; none while it is loading or has failed.
    #[must_use]
    pub fn lines(&self) -> &[Box<str>] {
        match &self.body {
            TextBody::Lines(lines) => lines,
            TextBody::Loading | TextBody::Failed(_) => &[],
        }
    }

    /// The lines that a filter lets through.
    pub fn shown<'a>(&'a self, filter: Option<&'a Filter>) -> impl Iterator<Item = &'a str> {
        let lines = self.lines().iter().map(|line| &**line);
        lines.filter(move |line| filter.is_none_or(|filter| filter.matches(&[line])))
    }
}
