//! Questions to a Prometheus and what they bring, as plain data.
//!
//! Owns what a number can be when it is none: nothing, not a number, several. Must not know how anything is asked (`gate`) nor what
//! it means (`analysis`, `burn_rate`, `alerts`).

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::environment::PrometheusRef;

/// Several queries that are asked at the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The Prometheus; absent: the controller's own setting.
    pub prometheus: Option<PrometheusRef>,
    /// Name of a reading → PromQL.
    pub queries: BTreeMap<String, String>,
}

/// The readings of one [`Measure`], by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement(pub BTreeMap<String, Reading>);

impl Measurement {
    /// The reading of that name; one that was not asked for is empty.
    #[must_use]
    pub fn reading(&self, name: &str) -> &Reading {
        self.0.get(name).unwrap_or(&Reading::Empty)
    }

    /// The number of that name, where it is one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.reading(name) {
            Reading::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// What one query gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// No series.
    Empty,
    /// Not a number, or an infinite one.
    NotANumber,
    /// More than one series, where one is needed.
    Several(usize),
    /// One number.
    Number(f64),
    /// A histogram: upper bound and count up to it, ascending.
    Buckets(Arc<[(f64, f64)]>),
    /// Single samples.
    List(Arc<[f64]>),
}

/// Which alerts are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertsQuestion {
    /// The Prometheus; absent: the controller's own setting.
    pub prometheus: Option<PrometheusRef>,
    /// Their names.
    pub names: Vec<String>,
    /// Alerts that bear the label `namespace` must bear this one.
    pub namespace: String,
}

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Since when its condition holds.
    pub since: DateTime<Utc>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
