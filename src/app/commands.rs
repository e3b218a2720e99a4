//! One file per command; [`COMMANDS`] is the registry, and its order is the help's.

mod abort;
mod alerts;
mod all;
mod all_logs;
mod allow;
mod approve;
mod arm;
mod audit;
mod back;
mod bookmark;
mod bottom;
mod cause;
mod changes;
mod check;
mod collapse;
mod columns;
mod compare;
mod component;
mod containers;
mod copy;
mod cursor_left;
mod cursor_right;
mod deny;
mod deploy;
mod describe;
mod diff;
mod differences;
mod disarm;
mod down;
mod drive;
mod emergency;
mod environment;
mod events;
mod expand;
mod expire_silence;
mod filter;
mod follow;
mod forward;
mod freeze;
mod go;
mod hand_over;
mod help;
mod history_back;
mod history_forward;
mod inbox;
mod left;
mod logs;
mod managed_fields;
mod mark;
mod matrix;
mod metric;
mod next_match;
mod next_pane;
mod numbers;
mod objects;
mod open;
mod override_gate;
mod page_down;
mod page_up;
mod palette;
mod pause;
mod previous_log;
mod previous_match;
mod previous_pane;
mod promote;
mod promote_full;
mod promote_step;
mod quit;
mod range;
mod redraw;
mod refresh;
mod reject;
mod release;
mod reload;
mod restart;
mod resume;
mod retry;
mod reverse;
mod review;
mod right;
mod rollback;
mod same;
mod save;
mod scale;
mod search;
mod shell;
mod silence;
mod since;
mod sort;
mod stop;
mod suspend;
mod theme;
mod timestamps;
mod top;
mod tour;
mod unfreeze;
mod up;
mod warnings;
mod weight;
mod why;
mod withdraw;
mod wrap;
mod yaml;
mod zoom;

use crate::app::command::Command;

/// Every command, in the help's order.
pub const COMMANDS: &[&Command] = &[
    &deploy::COMMAND,
    &promote::COMMAND,
    &approve::COMMAND,
    &reject::COMMAND,
    &pause::COMMAND,
    &resume::COMMAND,
    &weight::COMMAND,
    &promote_step::COMMAND,
    &promote_full::COMMAND,
    &retry::COMMAND,
    &abort::COMMAND,
    &rollback::COMMAND,
    &diff::COMMAND,
    &emergency::COMMAND,
    &freeze::COMMAND,
    &unfreeze::COMMAND,
    &stop::COMMAND,
    &scale::COMMAND,
    &restart::COMMAND,
    &deny::COMMAND,
    &allow::COMMAND,
    &override_gate::COMMAND,
    &review::COMMAND,
    &check::COMMAND,
    &withdraw::COMMAND,
    &drive::COMMAND,
    &hand_over::COMMAND,
    &arm::COMMAND,
    &disarm::COMMAND,
    &silence::COMMAND,
    &expire_silence::COMMAND,
    &open::COMMAND,
    &why::COMMAND,
    &cause::COMMAND,
    &changes::COMMAND,
    &alerts::COMMAND,
    &events::COMMAND,
    &warnings::COMMAND,
    &differences::COMMAND,
    &same::COMMAND,
    &objects::COMMAND,
    &component::COMMAND,
    &describe::COMMAND,
    &logs::COMMAND,
    &all_logs::COMMAND,
    &follow::COMMAND,
    &since::COMMAND,
    &previous_log::COMMAND,
    &containers::COMMAND,
    &search::COMMAND,
    &next_match::COMMAND,
    &previous_match::COMMAND,
    &timestamps::COMMAND,
    &wrap::COMMAND,
    &save::COMMAND,
    &yaml::COMMAND,
    &managed_fields::COMMAND,
    &shell::COMMAND,
    &forward::COMMAND,
    &audit::COMMAND,
    &inbox::COMMAND,
    &matrix::COMMAND,
    &numbers::COMMAND,
    &filter::COMMAND,
    &copy::COMMAND,
    &mark::COMMAND,
    &sort::COMMAND,
    &reverse::COMMAND,
    &columns::COMMAND,
    &metric::COMMAND,
    &zoom::COMMAND,
    &range::COMMAND,
    &compare::COMMAND,
    &release::COMMAND,
    &environment::COMMAND,
    &all::COMMAND,
    &collapse::COMMAND,
    &expand::COMMAND,
    &up::COMMAND,
    &down::COMMAND,
    &cursor_left::COMMAND,
    &cursor_right::COMMAND,
    &page_up::COMMAND,
    &page_down::COMMAND,
    &left::COMMAND,
    &right::COMMAND,
    &top::COMMAND,
    &bottom::COMMAND,
    &next_pane::COMMAND,
    &previous_pane::COMMAND,
    &history_back::COMMAND,
    &history_forward::COMMAND,
    &palette::COMMAND,
    &help::COMMAND,
    &back::COMMAND,
    &bookmark::COMMAND,
    &go::COMMAND,
    &refresh::COMMAND,
    &redraw::COMMAND,
    &theme::COMMAND,
    &tour::COMMAND,
    &reload::COMMAND,
    &suspend::COMMAND,
    &quit::COMMAND,
];

/// What every command's file needs.
mod prelude {
    pub(super) use crate::api::Verb;
    pub(super) use crate::app::command::{
        Availability, Command, Confirmation, Group, Invocation, Scope, Target,
    };
    pub(super) use crate::app::effect::Effect;
    pub(super) use crate::app::store::Store;
    pub(super) use crate::app::toast::Level;
    pub(super) use crate::app::ui_state::{Pane, View};
    pub(super) use crate::config::key::{KeyChord, KeyCode};
    pub(super) use crate::domain::action_rule::rule;

    /// For commands that fold and unfold.
    pub(super) fn needs_sections(store: &Store, _: &Target) -> Availability {
        if store.sections.is_empty() {
            let why = "there are no sections: [[sections]] in the settings' file makes some";
            return Availability::Unavailable(why.to_owned());
        }
        Availability::Ready
    }

    /// For commands that only need something to be about.
    pub(super) fn needs_environment(_: &Store, target: &Target) -> Availability {
        match target.environment {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("no environment is selected".to_owned()),
        }
    }
}
