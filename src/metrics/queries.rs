//! Query templates (`domain::query`), with failures as this room tells them.

pub(crate) use crate::domain::query::{Values, template};

use super::error::{Error, Kind};
use crate::domain::query;

/// PromQL out of a template; `name` is for the sentence when something is wrong.
pub(crate) fn render(name: &str, template: &str, values: &Values<'_>) -> Result<String, Error> {
    query::render(name, template, values)
        .map_err(|error| Error::new(Kind::Query, crate::sanitize::line(&error.to_string())))
}
