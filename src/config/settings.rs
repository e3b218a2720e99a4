//! The settings in force, typed.

use std::path::PathBuf;

use super::error::ConfigError;
use super::layer::{Layers, Origin};
use super::registry::SETTINGS;
use super::sections::{self, Section};
use super::{default_path, toml_file};
use crate::api::Duration;

/// Whether colours are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// Where the terminal has them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which characters frames are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Borders {
    /// Unicode where the terminal has it.
    #[default]
    Auto,
    /// Unicode.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// Every setting in force, with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    layers: Layers,
    flags: Vec<GivenFlag>,
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    /// Contexts to open; empty: the current one.
    pub contexts: Vec<String>,
    /// Namespaces to look into; empty: all.
    pub namespaces: Vec<String>,
    /// The kubeconfig, where it is named.
    pub kubeconfig: Option<PathBuf>,
    /// Namespace of the controller.
    pub controller_namespace: String,
    /// Name or path of the theme.
    pub theme: String,
    /// Whether colours are drawn.
    pub colours: Colours,
    /// Frames.
    pub borders: Borders,
    /// Whether lines are printed instead of a screen drawn.
    pub plain: bool,
    /// Sections of the list of environments, in their order.
    pub sections: Vec<Section>,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// By which ways a person is called.
    pub attention: Vec<String>,
    /// The key map, where there is one.
    pub keymap: Option<PathBuf>,
    /// How far back curves reach.
    pub range: Duration,
    /// From which age on data counts as stale.
    pub stale_after: Duration,
    /// Whether production opens read-only.
    pub arming_production: bool,
    /// After how long without a key an armed environment is read-only again.
    pub arming_idle: Duration,
    /// A Prometheus asked directly.
    pub prometheus_url: Option<String>,
    /// A Prometheus behind the API server: `namespace/name:port`.
    pub prometheus_service: Option<String>,
    /// An Alertmanager to ask directly.
    pub alertmanager_url: Option<String>,
    /// An Alertmanager to ask through the API server.
    pub alertmanager_service: Option<String>,
    /// Queries that one Prometheus is asked at the same time.
    pub prometheus_at_once: usize,
    /// Whether registries are asked what tags mean.
    pub registry_resolve: bool,
    /// Other addresses of registries: `registry=url`.
    pub registry_mirrors: Vec<String>,
    /// Servers that Environments may name besides the rule.
    pub allow_hosts: Vec<String>,
    /// How often curves are asked for.
    pub refresh_metrics: Duration,
    /// How often permissions are asked for.
    pub refresh_permissions: Duration,
    /// How long the controller waits for one answer.
    pub controller_request_timeout: Duration,
    /// How long one reconcile may take.
    pub controller_reconcile_timeout: Duration,
    /// Within which a stop is judged.
    pub controller_stop_deadline: Duration,
    /// The longest silence of a watch.
    pub controller_watch_timeout: Duration,
    /// The log's file.
    pub log_file: Option<PathBuf>,
    /// The log's level.
    pub log_level: String,
}

/// Settings that a session takes over while it runs.
const CHANGEABLE: [&str; 6] =
    ["theme", "keymap", "attention", "stale-after", "arming.production", "arming.idle"];

/// A flag that was given: the setting's key, the flag as it was typed, its values.
pub(crate) type GivenFlag = (&'static str, &'static str, Vec<String>);

impl Default for Settings {
    fn default() -> Self {
        Self::from_layers(Layers::default(), None)
    }
}

impl Settings {
    /// Reads every layer: the file (`--config`, else the default one where it exists), the variables, the flags.
    ///
    /// `variable` reads an environment variable; tests hand in their own.
    pub fn load(
        config: Option<PathBuf>,
        variable: &dyn Fn(&str) -> Option<String>,
        flags: &[GivenFlag],
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        let named = config
            .or_else(|| variable("RELEASE_COCKPIT_CONFIG").filter(|p| !p.is_empty()).map(PathBuf::from));
        let file = named.or_else(|| default_path().filter(|path| path.exists()));
        let mut sections = Vec::new();
        if let Some(path) = &file {
            let text = toml_file::read(path)?;
            layers.file(path, &text)?;
            sections = sections::read(path, &text)?;
        }
        layers.variables(variable)?;
        for (key, flag, given) in flags {
            layers.flag(key, flag, given)?;
        }
        Ok(Self { flags: flags.to_vec(), sections, ..Self::from_layers(layers, file) })
    }

    /// Reads the same layers again, as they are now. A file that has come into being meanwhile counts where none was named.
    pub fn again(&self) -> Result<Self, ConfigError> {
        Self::load(self.file.clone(), &|name| std::env::var(name).ok(), &self.flags)
    }

    /// Whether those other settings differ in what a session takes over at its start alone.
    #[must_use]
    pub fn needs_restart(&self, other: &Self) -> bool {
        let lasting = |settings: &Self| {
            let listed = settings.listing().filter(|(key, ..)| !CHANGEABLE.contains(key));
            listed.map(|(key, value, _)| (key, value)).collect::<Vec<_>>()
        };
        lasting(self) != lasting(other)
    }

    fn from_layers(layers: Layers, file: Option<PathBuf>) -> Self {
        let value = |key: &str| layers.get(key).0.clone();
        let beside =
            file.as_ref().and_then(|path| path.parent()).map(|directory| directory.join("keymap.toml"));
        Self {
            contexts: value("contexts").list().to_vec(),
            namespaces: value("namespaces").list().to_vec(),
            kubeconfig: value("kubeconfig").some_path(),
            controller_namespace: value("controller-namespace").text().to_owned(),
            theme: value("theme").text().to_owned(),
            colours: match value("colour").text() {
                "always" => Colours::Always,
                "never" => Colours::Never,
                _ => Colours::Auto,
            },
            borders: match value("borders").text() {
                "ascii" => Borders::Ascii,
                "unicode" => Borders::Unicode,
                _ => Borders::Auto,
            },
            plain: value("plain").switch(),
            mouse: value("mouse").switch(),
            attention: value("attention").list().to_vec(),
            keymap: value("keymap").some_path().or_else(|| beside.filter(|path| path.exists())),
            range: value("range").span(),
            stale_after: value("stale-after").span(),
            arming_production: value("arming.production").switch(),
            arming_idle: value("arming.idle").span(),
            prometheus_url: value("prometheus.url").some_text(),
            prometheus_service: value("prometheus.service").some_text(),
            alertmanager_url: value("alertmanager.url").some_text(),
            alertmanager_service: value("alertmanager.service").some_text(),
            prometheus_at_once: value("prometheus.at-once").number(),
            registry_resolve: value("registry.resolve").switch(),
            registry_mirrors: value("registry.mirrors").list().to_vec(),
            allow_hosts: value("allow-hosts").list().to_vec(),
            refresh_metrics: value("refresh.metrics").span(),
            refresh_permissions: value("refresh.permissions").span(),
            controller_request_timeout: value("controller.request-timeout").span(),
            controller_reconcile_timeout: value("controller.reconcile-timeout").span(),
            controller_stop_deadline: value("controller.stop-deadline").span(),
            controller_watch_timeout: value("controller.watch-timeout").span(),
            log_file: value("log.file").some_path(),
            log_level: value("log.level").text().to_owned(),
            sections: Vec::new(),
            file,
            layers,
            flags: Vec::new(),
        }
    }

    /// Whether to draw colours on a terminal of that `TERM`.
    #[must_use]
    pub fn draws_colours(&self, term: Option<&str>) -> bool {
        match self.colours {
            Colours::Always => true,
            Colours::Never => false,
            Colours::Auto => term.is_some_and(|term| !term.is_empty() && term != "dumb"),
        }
    }

    /// Whether to draw ASCII only, given `TERM` and the locale (`LC_ALL`, else `LC_CTYPE`, else `LANG`).
    #[must_use]
    pub fn draws_ascii(&self, term: Option<&str>, locale: Option<&str>) -> bool {
        match self.borders {
            Borders::Ascii => true,
            Borders::Unicode => false,
            Borders::Auto => {
                let poor = matches!(term, Some("linux" | "dumb"));
                let utf8 = locale.is_some_and(|locale| {
                    let locale = locale.to_ascii_lowercase();
                    locale.contains("utf-8") || locale.contains("utf8")
                });
                poor || !utf8
            }
        }
    }

    /// Every key with its value, as TOML writes it, and its origin.
    pub fn listing(&self) -> impl Iterator<Item = (&'static str, String, &Origin)> {
        SETTINGS.iter().map(|setting| {
            let (value, origin) = self.layers.get(setting.key);
            (setting.key, value.to_string(), origin)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&'static str, &'static str)]) -> Settings {
        let read = move |name: &str| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::load(Some(empty_file()), &read, &[]).unwrap()
    }

    fn empty_file() -> PathBuf {
        let directory = tempfile::tempdir().unwrap().keep();
        let path = directory.join("release-cockpit.toml");
        std::fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn a_keymap_beside_the_file_is_found() {
        let path = empty_file();
        let beside = path.with_file_name("keymap.toml");
        assert_eq!(Settings::load(Some(path.clone()), &|_| None, &[]).unwrap().keymap, None);
        std::fs::write(&beside, "").unwrap();
        assert_eq!(Settings::load(Some(path), &|_| None, &[]).unwrap().keymap, Some(beside));
    }

    #[test]
    fn a_file_that_changed_is_read_again_with_the_same_flags() {
        let path = empty_file();
        let flags = [("theme", "--theme", vec!["light".to_owned()])];
        let before = Settings::load(Some(path.clone()), &|_| None, &flags).unwrap();
        std::fs::write(&path, "theme = \"mono\"\nattention = [\"osc9\"]\n").unwrap();
        let after = before.again().unwrap();
        assert_eq!((after.theme.as_str(), after.attention.as_slice()), ("light", &["osc9".to_owned()][..]));
        assert!(!before.needs_restart(&after));
        std::fs::write(&path, "range = \"1h\"\n").unwrap();
        assert!(before.needs_restart(&before.again().unwrap()));
        std::fs::write(&path, "rnge = 1\n").unwrap();
        assert!(before.again().unwrap_err().to_string().contains("line 1: there is no setting `rnge`"));
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = Settings::load(Some("/nonexistent/x.toml".into()), &|_| None, &[]).unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/x.toml cannot be read: there is no such file");
    }

    #[test]
    fn colours_and_borders_follow_the_terminal_unless_told() {
        let auto = with(&[]);
        for (term, colours) in [(None, false), (Some("dumb"), false), (Some("xterm-256color"), true)] {
            assert_eq!(auto.draws_colours(term), colours, "{term:?}");
        }
        for (term, locale, ascii) in [
            (Some("xterm"), Some("en_US.UTF-8"), false),
            (Some("xterm"), Some("C.utf8"), false),
            (Some("xterm"), Some("C"), true),
            (Some("xterm"), None, true),
            (Some("linux"), Some("C.UTF-8"), true),
        ] {
            assert_eq!(auto.draws_ascii(term, locale), ascii, "{term:?} {locale:?}");
        }
        assert!(!with(&[("NO_COLOR", "1")]).draws_colours(Some("xterm")));
        assert!(with(&[("RELEASE_COCKPIT_BORDERS", "ascii")]).draws_ascii(Some("xterm"), Some("C.UTF-8")));
    }
}
