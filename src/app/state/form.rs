//! The forms of *deploy* and *promote* as data: fields, live validation, a preview of what changes.

use crate::api::strategy::StrategyName;
use crate::api::{Environment, Release, ReleaseKind, Tier};
use crate::app::state::effect::RequestId;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::EnvironmentId;

/// A form that ends in a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Deploy or promote.
    pub kind: ReleaseKind,
    /// Where to.
    pub environment: EnvironmentId,
    /// Its application, for the title.
    pub application: String,
    /// How careful everybody must be there.
    pub tier: Tier,
    /// Where a promoted version comes from.
    pub source: Option<EnvironmentId>,
    /// The version.
    pub version: LineEditor,
    /// Strategies that may be chosen, the default first.
    pub strategies: Vec<StrategyName>,
    /// The chosen one.
    pub strategy: usize,
    /// Why; optional.
    pub reason: LineEditor,
    /// Where it is tracked; optional.
    pub ticket: LineEditor,
    /// The field that has the keys.
    pub focus: Field,
    /// Versions that complete what is typed, newest first.
    pub suggestions: Vec<Suggestion>,
    /// The chosen suggestion, while one is.
    pub suggestion: Option<usize>,
    /// What changes, per component.
    pub preview: Vec<ImageChange>,
    /// Why it cannot be sent as it stands; absent when it can.
    pub problem: Option<String>,
    /// The server's refusal of the last try, verbatim.
    pub refusal: Option<String>,
    /// The dry run that is being waited for, and the release that it tries.
    pub checking: Option<(RequestId, Box<Release>)>,
}

impl Form {
    /// The chosen strategy; the environment's default when there is no choice.
    #[must_use]
    pub fn chosen_strategy(&self) -> StrategyName {
        self.strategies.get(self.strategy).copied().unwrap_or_default()
    }

    /// The fields in the order in which `tab` visits them.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Version];
        if self.strategies.len() > 1 {
            fields.push(Field::Strategy);
        }
        fields.extend([Field::Reason, Field::Ticket, Field::Submit, Field::Cancel]);
        fields
    }
}

/// A field or button of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The version.
    Version,
    /// The strategy: left and right choose.
    Strategy,
    /// Why.
    Reason,
    /// Where it is tracked.
    Ticket,
    /// The button that closes the form.
    Cancel,
    /// The button that asks the server, then for confirmation.
    Submit,
}

/// A version that was seen somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The version.
    pub version: String,
    /// Where it was seen, such as `runs in staging`.
    pub seen: String,
}

/// What happens to one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageChange {
    /// The component.
    pub component: String,
    /// The image that runs; absent where that is not known.
    pub from: Option<String>,
    /// The image that is to run.
    pub to: String,
}

impl ImageChange {
    /// Nothing happens.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.from.as_deref() == Some(self.to.as_str())
    }
}

/// The strategies that a release into this environment may name, the default first.
#[must_use]
pub(crate) fn strategies(environment: &Environment) -> Vec<StrategyName> {
    let default = environment.spec.default_strategy();
    let others = environment.spec.allowed_strategies.iter().copied().filter(|name| *name != default);
    std::iter::once(default).chain(others).collect()
}
