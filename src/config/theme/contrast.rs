//! Whether text can be read: WCAG's contrast of every role, and whether eyes without red or green tell the states of health apart.

use super::{Colour, ROLES, Role, Style, Theme};
use crate::config::registry::THEMES;

/// The least contrast of ordinary text (WCAG 2.2, 1.4.3), and of what is no text (1.4.11).
const TEXT: f64 = 4.5;
const GRAPHICS: f64 = 3.0;

/// What xterm's palette makes of an index; the first sixteen are the terminal's own choice.
fn rgb(colour: Colour) -> Option<[f64; 3]> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let bytes = match colour {
        Colour::Indexed(0..16) => return None,
        Colour::Indexed(index @ 16..232) => {
            let cube = index - 16;
            [level(cube / 36), level(cube / 6 % 6), level(cube % 6)]
        }
        Colour::Indexed(index) => [8 + 10 * (index - 232); 3],
        Colour::Rgb(red, green, blue) => [red, green, blue],
    };
    Some(bytes.map(|byte| {
        let share = f64::from(byte) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    }))
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |[red, green, blue]: [f64; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The ground that a theme is drawn on where it draws none itself: what it says that it is for.
fn ground(name: &str) -> Option<[f64; 3]> {
    match name {
        "dark" => Some([0.0; 3]),
        "light" => Some([1.0; 3]),
        _ => None,
    }
}

#[test]
fn text_has_the_contrast_that_the_rules_for_access_demand() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    let mut judged = 0;
    for name in THEMES {
        let theme = Theme::load(name).unwrap();
        for (key, role) in ROLES {
            let Style { fg, bg, .. } = theme.style(role);
            let (Some(fg), Some(bg)) = (fg.and_then(rgb), bg.map_or(ground(name), rgb)) else { continue };
            let least = if matches!(role, Role::Border | Role::BorderFocused) { GRAPHICS } else { TEXT };
            // frames of lesser weight may fade where the ground is only supposed
            let least = if role == Role::Border && ground(name).is_some() { 1.5 } else { least };
            let found = contrast(fg, bg);
            assert!(found >= least, "{name}: {key} has {found:.2}, and needs {least}");
            judged += 1;
        }
    }
    assert!(judged > 60, "{judged}");
}

#[test]
fn themes_with_a_ground_of_their_own_have_it_everywhere() {
    for name in ["high-contrast", "colour-blind"] {
        let theme = Theme::load(name).unwrap();
        for (key, role) in ROLES {
            let style = theme.style(role);
            assert!(style.fg.and_then(rgb).is_some() && style.bg.and_then(rgb).is_some(), "{name}: {key}");
        }
    }
}

#[test]
fn the_terminals_own_theme_asks_for_its_own_colours_only() {
    let theme = Theme::load("terminal").unwrap();
    for (key, role) in ROLES {
        let Style { fg, bg, .. } = theme.style(role);
        let own = |colour| matches!(colour, None | Some(Colour::Indexed(0..16)));
        assert!(own(fg) && own(bg), "{key}");
    }
}

/// As eyes without green or red see it (Machado, Oliveira and Fernandes 2009), in linear light.
const BLINDNESS: [(&str, [[f64; 3]; 3]); 2] = [
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
];

#[test]
fn the_colour_blind_tell_health_apart() {
    let theme = Theme::load("colour-blind").unwrap();
    // what is broken is told by its ground
    let seen = [
        ("healthy", theme.style(Role::Healthy).fg),
        ("warning", theme.style(Role::Warning).fg),
        ("failing", theme.style(Role::Failing).bg),
        ("text", theme.style(Role::Text).fg),
    ];
    for (blindness, matrix) in BLINDNESS {
        let eyes = |colour: Option<Colour>| {
            let light = colour.and_then(rgb).unwrap();
            matrix.map(|row| row.iter().zip(light).map(|(share, light)| share * light).sum::<f64>())
        };
        for (i, (a, first)) in seen.iter().enumerate() {
            for (b, second) in &seen[i + 1..] {
                let (x, y) = (eyes(*first), eyes(*second));
                let distance = x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                assert!(distance > 0.25, "{blindness}: {a} and {b} are {distance:.2} apart");
            }
        }
    }
}
