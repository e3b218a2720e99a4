//! Keys as the registry of commands has them: the sample key map and the page of documentation.

use std::fmt::Write as _;

use crate::app::command::COMMANDS;
use crate::app::state::scope::Group;

/// The sample key map: every command with its keys, commented out.
#[must_use]
pub fn sample() -> String {
    let mut text = String::from(
        "# Keys of Release Cockpit: command = [\"key\", …]. Every line shows the default; take away the `# ` to change it.\n\
         #\n\
         # This file belongs beside release-cockpit.toml; `keymap = \"FILE\"` there names another one.\n\
         # A command named here loses the keys that it had. A key given to one command is taken from any other.\n\
         # Keys: a character, f1 to f24, enter, space, esc, tab, backspace, delete, insert, up, down, left, right,\n\
         # home, end, pgup, pgdn; before it ctrl-, alt- or shift-, as in ctrl-x and shift-tab.\n",
    );
    for group in Group::ALL {
        let _ = writeln!(text, "\n# {}", group.title());
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            let keys: Vec<String> = command.keys.iter().map(|key| format!("{:?}", key.to_string())).collect();
            let _ = writeln!(text, "# {}\n# {} = [{}]", command.help, command.id, keys.join(", "));
        }
    }
    text
}

/// The page about keys.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Keys\n\n\
         `release-cockpit config keymap` prints a key map to change. `?` in the cockpit shows the keys that are in force.\n",
    );
    for group in Group::ALL {
        let _ = writeln!(text, "\n## {}\n\n| key | command | does |\n| --- | --- | --- |", group.title());
        for command in COMMANDS.iter().filter(|command| command.group == group) {
            let keys: Vec<String> =
                command.keys.iter().map(|key| format!("`{}`", key.to_string().replace('|', "\\|"))).collect();
            let help = command.help.replace('|', "\\|");
            let _ = writeln!(text, "| {} | `:{}` | {help} |", keys.join(" "), command.id);
        }
    }
    text
}
