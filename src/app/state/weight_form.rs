//! The form of *weight* as data: which weight, why, and what it would do.

use crate::api::Tier;
use crate::api::strategy::Weight;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::{EnvironmentId, ReleaseId};

/// A form that ends in a shift of weight.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightForm {
    /// Which release.
    pub release: ReleaseId,
    /// Where.
    pub environment: EnvironmentId,
    /// Its application, for the title.
    pub application: String,
    /// Its version.
    pub version: String,
    /// How careful everybody must be there.
    pub tier: Tier,
    /// The weight, in per cent.
    pub weight: LineEditor,
    /// Why; optional.
    pub reason: LineEditor,
    /// The field that has the keys.
    pub focus: WeightField,
    /// The weight now, in per cent.
    pub now: i32,
    /// What it would do, line by line: what it is, and its value; empty while no weight is typed.
    pub preview: Vec<(&'static str, String)>,
    /// Why it cannot be sent as it stands; absent when it can.
    pub problem: Option<String>,
}

impl WeightForm {
    /// The fields in the order in which `tab` visits them.
    pub const FIELDS: [WeightField; 4] =
        [WeightField::Weight, WeightField::Reason, WeightField::Submit, WeightField::Cancel];

    /// The weight that is typed, if it is one.
    #[must_use]
    pub fn wanted(&self) -> Option<Weight> {
        let text = self.weight.text().trim();
        text.strip_suffix('%').unwrap_or(text).trim().parse().ok().and_then(Weight::new)
    }
}

/// A field or button of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightField {
    /// The weight: up and down shift it.
    Weight,
    /// Why.
    Reason,
    /// The button that closes the form.
    Cancel,
    /// The button that asks for confirmation.
    Submit,
}
