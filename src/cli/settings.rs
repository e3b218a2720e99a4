//! Flags as the uppermost layer of the settings, and `config`.

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{ConfigWhat, Global};
use super::output;
use super::table::Table;
use crate::config::registry;
use crate::config::settings::GivenFlag;
use crate::config::theme::Theme;
use crate::config::{Settings, default_path};

/// The settings in force.
pub(super) fn load(global: &Global) -> Result<Settings, CliError> {
    let variable = |name: &str| std::env::var(name).ok();
    let settings = Settings::load(global.config.clone(), &variable, &flags(global))?;
    // also for commands that draw nothing: a name that is wrong is wrong everywhere
    Theme::load(&settings.theme)?;
    Ok(settings)
}

/// `config`.
pub(super) fn print(global: &Global, what: Option<&ConfigWhat>) -> Result<Exit, CliError> {
    match what {
        Some(ConfigWhat::Default) => output::text(&registry::sample())?,
        Some(ConfigWhat::Keymap) => output::text(&super::keys::sample())?,
        None => {
            let settings = load(global)?;
            let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
            for (key, value, origin) in settings.listing() {
                table.row([key, &value, &origin.to_string()]);
            }
            let file = match (&settings.file, default_path()) {
                (Some(path), _) => format!("read {}", path.display()),
                (None, Some(path)) => format!("there is no {}: defaults are in force", path.display()),
                (None, None) => "there is no home directory: defaults are in force".to_owned(),
            };
            output::remark(&file);
            output::text(&table.to_string())?;
        }
    }
    Ok(Exit::Ok)
}

fn flags(global: &Global) -> Vec<GivenFlag> {
    let mut given: Vec<GivenFlag> = Vec::new();
    let path = |path: &std::path::PathBuf| vec![path.display().to_string()];
    if !global.context.is_empty() {
        given.push(("contexts", "--context", global.context.clone()));
    }
    if !global.namespace.is_empty() {
        given.push(("namespaces", "--namespace", global.namespace.clone()));
    }
    if let Some(file) = &global.kubeconfig {
        given.push(("kubeconfig", "--kubeconfig", path(file)));
    }
    if let Some(address) = &global.prometheus {
        let key = if address.contains("://") { "prometheus.url" } else { "prometheus.service" };
        given.push((key, "--prometheus", vec![address.clone()]));
    }
    if let Some(address) = &global.alertmanager {
        let key = if address.contains("://") { "alertmanager.url" } else { "alertmanager.service" };
        given.push((key, "--alertmanager", vec![address.clone()]));
    }
    if let Some(theme) = &global.theme {
        given.push(("theme", "--theme", vec![theme.clone()]));
    }
    if global.no_color {
        given.push(("colour", "--no-color", vec!["never".to_owned()]));
    }
    if global.ascii {
        given.push(("borders", "--ascii", vec!["ascii".to_owned()]));
    }
    if global.mouse {
        given.push(("mouse", "--mouse", vec!["true".to_owned()]));
    }
    if global.plain {
        given.push(("plain", "--plain", vec!["true".to_owned()]));
    }
    if let Some(file) = &global.log_file {
        given.push(("log.file", "--log-file", path(file)));
    }
    if let Some(level) = &global.log_level {
        given.push(("log.level", "--log-level", vec![level.clone()]));
    }
    given
}
