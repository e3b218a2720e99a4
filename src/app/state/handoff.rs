//! The question before the terminal is handed to kubectl.

use crate::api::Tier;
use crate::app::state::confirm::Phrase;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::PodId;

/// What is asked before the terminal is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOffForm {
    /// The question, such as `Shell in backend-5b8f77-t7vzd?`.
    pub title: String,
    /// How careful everybody must be there; absent where the pod belongs to no environment.
    pub tier: Option<Tier>,
    /// The pod.
    pub pod: PodId,
    /// Which ports are forwarded; absent for a shell.
    pub ports: Option<LineEditor>,
    /// What must be typed in production.
    pub phrase: Option<Phrase>,
    /// The keys go to the phrase, not to the ports.
    pub on_phrase: bool,
    /// Why the last try was not carried out.
    pub refusal: Option<String>,
}
