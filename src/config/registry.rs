//! Every setting: its key, kind, default and explanation. The sample file, the checks and the listing derive from this table.

use std::fmt::Write as _;

use super::value::{Kind, Value};
use crate::api::Duration;

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in the file; a dot parts table and key.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its default, as a variable would give it.
    pub default: &'static str,
    /// What it means, line by line.
    pub help: &'static [&'static str],
}

impl Setting {
    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("RELEASE_COCKPIT_{}", self.key.replace(['.', '-'], "_").to_ascii_uppercase())
    }

    /// The default value.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.kind.read_text(self.default).unwrap_or_else(|| Value::Text(self.default.to_owned()))
    }
}

/// The setting of that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn span(min: u64, max: u64) -> Kind {
    Kind::Span { min: Duration::from_secs(min), max: Duration::from_secs(max) }
}

/// The themes that are compiled in.
pub const THEMES: &[&str] = &["dark", "light", "high-contrast", "colour-blind", "terminal", "mono"];

/// Every setting, in the order of the sample file: plain keys first, then tables.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "contexts",
        kind: Kind::List,
        default: "",
        help: &["Contexts of the kubeconfig to open, side by side. Empty: the current one."],
    },
    Setting {
        key: "namespaces",
        kind: Kind::List,
        default: "",
        help: &[
            "Namespaces to look into. Empty: all of them, or, where that is not allowed, the context's own.",
        ],
    },
    Setting {
        key: "kubeconfig",
        kind: Kind::Path,
        default: "",
        help: &["The kubeconfig. Empty: $KUBECONFIG, else ~/.kube/config, else the pod's ServiceAccount."],
    },
    Setting {
        key: "controller-namespace",
        kind: Kind::Text,
        default: "release-cockpit",
        help: &["Namespace that the controller runs in; its lease is read there."],
    },
    Setting {
        key: "theme",
        kind: Kind::Text,
        default: "dark",
        help: &[
            "dark, light, high-contrast, colour-blind, terminal (its own sixteen colours) or mono, or the path of a theme file.",
            "`:theme NAME` changes it for a session.",
        ],
    },
    Setting {
        key: "colour",
        kind: Kind::Choice(&["auto", "always", "never"]),
        default: "auto",
        help: &["auto draws colours unless NO_COLOR is set or the terminal has none."],
    },
    Setting {
        key: "borders",
        kind: Kind::Choice(&["auto", "unicode", "ascii"]),
        default: "auto",
        help: &["auto draws ASCII where the locale is not UTF-8 or TERM is linux or dumb."],
    },
    Setting {
        key: "plain",
        kind: Kind::Switch,
        default: "false",
        help: &[
            "Whether lines are printed instead of a screen drawn: for screen readers and terminals that cannot draw.",
        ],
    },
    Setting {
        key: "mouse",
        kind: Kind::Switch,
        default: "false",
        help: &[
            "Whether clicks select and the wheel scrolls; nothing else is done by the mouse. While it is on, the terminal's own selection",
            "needs shift.",
        ],
    },
    Setting {
        key: "attention",
        kind: Kind::Words(&["bell", "osc9", "osc777", "title", "none"]),
        default: "bell,title",
        help: &[
            "How you are called when you are needed: something new waits for you, or your release is held or has ended.",
            "bell; osc9 (iTerm2, Windows Terminal, WezTerm, kitty, Ghostty) or osc777 (foot, urxvt, VTE) tell your desktop, in",
            "tmux with allow-passthrough on; title shows place, release and how much waits for you.",
        ],
    },
    Setting {
        key: "keymap",
        kind: Kind::Path,
        default: "",
        help: &["A key map. Empty: keymap.toml beside this file, where it exists."],
    },
    Setting {
        key: "range",
        kind: span(300, 86_400),
        default: "30m",
        help: &["How far back the curves reach."],
    },
    Setting {
        key: "stale-after",
        kind: span(10, 600),
        default: "15s",
        help: &[
            "Data that the API server has not confirmed for this long is drawn as stale, and nothing is started on its strength.",
            "Pause, abort, reject, freeze, stop, deny and rollback show its age and go through.",
        ],
    },
    Setting {
        key: "allow-hosts",
        kind: Kind::List,
        default: "",
        help: &[
            "Servers that Environments may name besides public and private addresses: \"HOST:PORT\", \"127.0.0.1\", \"10.0.0.0/8\", or",
            "\"service://NAMESPACE/NAME\" for probes in other namespaces. Link-local and metadata addresses are never asked.",
        ],
    },
    Setting {
        key: "arming.production",
        kind: Kind::Switch,
        default: "false",
        help: &[
            "Whether every production environment opens read-only, until it is armed with `:arm 15m REASON`.",
            "An Environment can demand that for itself: spec.openReadOnly.",
        ],
    },
    Setting {
        key: "arming.idle",
        kind: span(60, 28_800),
        default: "15m",
        help: &["After this long without a key an armed environment is read-only again."],
    },
    Setting {
        key: "prometheus.url",
        kind: Kind::Url,
        default: "",
        help: &[
            "A Prometheus to ask directly, for environments that name none.",
            "Environments that name one are asked there.",
        ],
    },
    Setting {
        key: "prometheus.service",
        kind: Kind::Service,
        default: "",
        help: &["The same through the API server's service proxy: \"namespace/name:port\"."],
    },
    Setting {
        key: "prometheus.at-once",
        kind: Kind::Number { min: 1, max: 64 },
        default: "4",
        help: &["Queries that one Prometheus is asked at the same time; the others wait for their turn."],
    },
    Setting {
        key: "alertmanager.url",
        kind: Kind::Url,
        default: "",
        help: &[
            "An Alertmanager (API v2) to ask directly, for environments that name none: what is silenced, who is told, silences.",
            "Environments that name one are asked there.",
        ],
    },
    Setting {
        key: "alertmanager.service",
        kind: Kind::Service,
        default: "",
        help: &["The same through the API server's service proxy: \"namespace/name:port\"."],
    },
    Setting {
        key: "registry.resolve",
        kind: Kind::Switch,
        default: "true",
        help: &[
            "Whether registries are asked which digest a tag means when a release is asked for. Where none answers, the tag",
            "alone is released, and said to be.",
        ],
    },
    Setting {
        key: "registry.mirrors",
        kind: Kind::List,
        default: "",
        help: &[
            "Other addresses of registries, as \"ghcr.io=https://mirror.example.com\"; \"*=…\" is every registry that no other",
            "entry names. The controller asks there too.",
        ],
    },
    Setting {
        key: "refresh.metrics",
        kind: span(1, 600),
        default: "10s",
        help: &["How often the curves are asked for."],
    },
    Setting {
        key: "refresh.permissions",
        kind: span(5, 3_600),
        default: "1m",
        help: &["How often we ask what we may do."],
    },
    Setting {
        key: "controller.request-timeout",
        kind: span(1, 300),
        default: "15s",
        help: &["How long the controller waits for one answer of the API server before it asks again."],
    },
    Setting {
        key: "controller.reconcile-timeout",
        kind: span(5, 3_600),
        default: "1m",
        help: &[
            "How long one reconcile of a release or an environment may take before it ends and is tried again.",
        ],
    },
    Setting {
        key: "controller.stop-deadline",
        kind: span(1, 60),
        default: "5s",
        help: &[
            "Within which a freeze, deny, stop, pause, abort or reject is judged. A later one is counted, logged and an Event.",
        ],
    },
    Setting {
        key: "controller.watch-timeout",
        kind: span(5, 290),
        default: "30s",
        help: &["The longest silence of the controller's watches before they are opened again."],
    },
    Setting {
        key: "log.file",
        kind: Kind::Path,
        default: "",
        help: &[
            "A file to append the log to. Empty: none while the terminal is drawn, standard error otherwise.",
        ],
    },
    Setting {
        key: "log.level",
        kind: Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        default: "info",
        help: &["The least important entry that is logged."],
    },
];

/// The sample file: every setting with its explanation and default, commented out.
#[must_use]
pub fn sample() -> String {
    let mut text = String::from(
        "# Settings of Release Cockpit. Every value shown is the default; take away the `# ` of a line to change it.\n\
         #\n\
         # This file belongs at $XDG_CONFIG_HOME/release-cockpit/release-cockpit.toml, by default\n\
         # ~/.config/release-cockpit/release-cockpit.toml; `--config FILE` names another one.\n\
         # Environment variables have precedence over it, flags over both: `release-cockpit config` tells\n\
         # which value is in force and where it came from.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let (in_table, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        text.push('\n');
        if in_table != table {
            let _ = writeln!(text, "[{in_table}]");
            table = in_table;
        }
        for line in setting.help {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "# Variable: {}", setting.variable());
        let _ = writeln!(text, "# {key} = {}", setting.default_value());
    }
    text.push_str(super::sections::SAMPLE);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_is_allowed() {
        for setting in SETTINGS {
            assert!(setting.kind.read_text(setting.default).is_some(), "{}", setting.key);
        }
        assert_eq!(find("log.level").unwrap().variable(), "RELEASE_COCKPIT_LOG_LEVEL");
    }

    #[test]
    fn the_sample_without_its_comment_signs_is_a_file_of_defaults() {
        let sample = sample();
        let uncommented: Vec<&str> = sample
            .lines()
            .filter_map(|line| match line.strip_prefix("# ") {
                Some(line) if line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => Some(line),
                Some(_) => None,
                None => Some(line),
            })
            .collect();
        let file: toml::Table = uncommented.join("\n").parse().unwrap();
        let count = |table: &toml::Table| table.values().filter(|value| !value.is_table()).count();
        let inner: usize = file.values().filter_map(toml::Value::as_table).map(count).sum();
        assert_eq!(count(&file) + inner, SETTINGS.len());
    }
}
