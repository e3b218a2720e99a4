//! What templates cannot say: expressions in CEL over the numbers of one measurement.
//!
//! Lists and maps are refused, so that no expression takes longer than it is long.

use cel::{Context, Program, Value};

/// The numbers that an expression may name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub value: f64,
    pub samples: Option<f64>,
    pub stable: Option<f64>,
    pub stable_samples: Option<f64>,
    pub confidence: Option<f64>,
}

const NAMES: [&str; 5] = ["value", "samples", "stable", "stableSamples", "confidence"];
/// Those that need the old version beside the new one.
const OF_BOTH: [&str; 3] = ["stable", "stableSamples", "confidence"];

/// An expression that has been understood.
#[derive(Debug)]
pub(super) struct Expression {
    program: Program,
    text: String,
    /// The names in it.
    names: Vec<&'static str>,
}

impl Expression {
    /// Understands a text, and tries it once; the sentence says what is wrong and what is allowed.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let allowed = "write a comparison over value, samples, stable, stableSamples and confidence, such as \
                       `value > 2.0 * stable && samples > 100.0`";
        let wrong = |why: String| format!("`{text}` {why}: {allowed}");
        if text.contains(['[', '{']) {
            return Err(wrong("holds a list or a map".to_owned()));
        }
        let program = Program::compile(text).map_err(|error| {
            let line = error.to_string().lines().next().unwrap_or_default().to_owned();
            wrong(format!("is not an expression ({line})"))
        })?;
        let references = program.references();
        if let Some(unknown) = references.variables().into_iter().find(|name| !NAMES.contains(name)) {
            return Err(wrong(format!("names `{unknown}`, which there is not")));
        }
        let names = NAMES.into_iter().filter(|name| references.has_variable(name)).collect();
        let read = Self { program, text: text.to_owned(), names };
        let some = Some(0.5);
        let trial = Facts { value: 0.5, samples: some, stable: some, stable_samples: some, confidence: some };
        match read.run(&trial) {
            Ok(_) => Ok(read),
            Err(why) => Err(wrong(format!("cannot be evaluated ({why}; numbers have a point, as in 2.0)"))),
        }
    }

    /// As written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it compares two versions.
    pub(super) fn needs_stable(&self) -> bool {
        self.names.iter().any(|name| OF_BOTH.contains(name))
    }

    /// Whether it names how sure the statistical test is.
    pub(super) fn needs_confidence(&self) -> bool {
        self.names.contains(&"confidence")
    }

    /// Whether it holds; the sentence says which number is missing or what is not a truth.
    pub(super) fn run(&self, facts: &Facts) -> Result<bool, String> {
        let known = [Some(facts.value), facts.samples, facts.stable, facts.stable_samples, facts.confidence];
        let mut context = Context::default();
        for (name, number) in NAMES.into_iter().zip(known) {
            match number {
                Some(number) => context.add_variable_from_value(name, number),
                None if self.names.contains(&name) => return Err(format!("{name} is not known")),
                None => {}
            }
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err("it gives something else than true or false".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        value: 0.12,
        samples: Some(1_203.0),
        stable: Some(0.003),
        stable_samples: Some(10_911.0),
        confidence: None,
    };

    #[test]
    fn numbers_are_compared() {
        for (text, expected) in [
            ("value > 2.0 * stable && samples > 100.0", Ok(true)),
            ("value - stable > 0.2", Ok(false)),
            ("value > 0.1 ? stable < 0.01 : false", Ok(true)),
            ("samples / (samples + stableSamples) > 0.5", Ok(false)),
            ("confidence > 0.9", Err("confidence is not known".to_owned())),
        ] {
            assert_eq!(Expression::read(text).unwrap().run(&FACTS), expected, "{text}");
        }
        assert!(Expression::read("value > stable").unwrap().needs_stable());
        assert!(!Expression::read("value > 1.0").unwrap().needs_stable());
    }

    #[test]
    fn what_is_none_is_found_when_it_is_read() {
        for text in [
            "",
            "value >",
            "value + 1.0",
            "'text'",
            "pods > 1.0",
            "value > 2 * stable + 'a'",
            "[1,2,3].map(x, x).size() > 1",
            "{'a': 1}.a > 0",
            "value.size() > 1",
            "((((((((((",
            "value > 1e999999 \u{0}",
        ] {
            let error = Expression::read(text).map(|_| ()).unwrap_err();
            assert!(error.contains("stableSamples"), "{text}: {error}");
        }
    }
}
