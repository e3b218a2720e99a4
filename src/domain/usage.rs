//! What a pod uses: CPU and memory, as Kubernetes writes quantities.

use std::fmt;

/// What a pod uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Thousandths of a core.
    pub cpu: u32,
    /// Bytes.
    pub memory: u64,
}

impl Usage {
    /// Thousandths of so many cores; what runs at all uses something.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    pub fn millicores(cores: f64) -> u32 {
        (cores * 1e3).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
    }

    /// Whole bytes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    pub fn bytes(bytes: f64) -> u64 {
        bytes.clamp(0.0, 9e18) as u64
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_add(other.cpu), memory: self.memory.saturating_add(other.memory) }
    }
}

/// Letters behind a number, and what they multiply it with; longer ones first.
const SUFFIXES: [(&str, f64); 16] = [
    ("Ki", 1_024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("", 1.0),
];

/// A quantity such as `100m`, `1.5`, `240Mi` or `12e3`, as a number.
#[must_use]
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, factor)))?;
    let number = number.parse::<f64>().ok()?;
    number.is_finite().then_some(number * factor)
}

/// Thousandths of a core out of a quantity; what runs at all uses something.
#[must_use]
pub(crate) fn millicores(text: &str) -> Option<u32> {
    quantity(text).map(Usage::millicores)
}

/// Bytes out of a quantity.
#[must_use]
pub(crate) fn bytes(text: &str) -> Option<u64> {
    quantity(text).map(Usage::bytes)
}

/// CPU as a table shows it: `250m`, from ten cores on `12`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu(pub u32);

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 10_000 { write!(f, "{}", self.0 / 1_000) } else { write!(f, "{}m", self.0) }
    }
}

/// Memory as a table shows it: `240Mi`, `1.5Gi`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory(pub u64);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebi = self.0 >> 20;
        if mebi >= 1_000 {
            let tenths = (self.0 >> 20).saturating_mul(10) / 1_024;
            return write!(f, "{}.{}Gi", tenths / 10, tenths % 10);
        }
        if mebi == 0 { write!(f, "{}Ki", self.0 >> 10) } else { write!(f, "{mebi}Mi") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, expected) in [
            ("100m", Some(0.1)),
            ("1.5", Some(1.5)),
            ("2", Some(2.0)),
            ("500000000n", Some(0.5)),
            ("240Mi", Some(251_658_240.0)),
            ("129M", Some(129e6)),
            ("12e3", Some(12_000.0)),
            ("", None),
            ("Mi", None),
            ("x1", None),
            ("nan", None),
        ] {
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= b.abs() * 1e-12,
                (a, b) => a == b,
            };
            assert!(near(quantity(text), expected), "{text}: {:?}", quantity(text));
        }
        assert_eq!((millicores("1n"), millicores("250m"), bytes("1Ki")), (Some(1), Some(250), Some(1_024)));
    }

    #[test]
    fn they_are_written_in_few_cells() {
        let cpu: Vec<String> = [0, 250, 9_999, 12_345].map(|cpu| Cpu(cpu).to_string()).into();
        assert_eq!(cpu, ["0m", "250m", "9999m", "12"]);
        let memory = [0, 4_096, 251_658_240, 1_048_576_000, 1_610_612_736, 12 << 30]
            .map(|bytes| Memory(bytes).to_string());
        assert_eq!(memory, ["0Ki", "4Ki", "240Mi", "0.9Gi", "1.5Gi", "12.0Gi"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,12}") {
            let _ = (quantity(&text), millicores(&text), bytes(&text));
        }
    }
}
