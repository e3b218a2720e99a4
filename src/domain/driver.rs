//! Who drives a release: a claim that everybody sees, that ends by itself, and that forbids nobody anything.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::release::{Driver, ReleaseStatus};

/// The longest claim.
pub(crate) const LONGEST: TimeDelta = TimeDelta::hours(8);

/// Who drives now: a claim that has ended, and a wheel that was left to nobody, are no driver's.
#[must_use]
pub(crate) fn current(status: &ReleaseStatus, now: DateTime<Utc>) -> Option<&Driver> {
    let driver = status.driver.as_ref()?;
    let is_held = !driver.by.is_empty() && driver.until.is_none_or(|until| until > now);
    is_held.then_some(driver)
}

/// The note that the last driver left, also where nobody drives since.
#[must_use]
pub(crate) fn note(status: &ReleaseStatus) -> Option<&str> {
    status.driver.as_ref().and_then(|driver| driver.note.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::at;

    #[test]
    fn claims_that_have_ended_are_nobodys() {
        for (by, until, expected) in [
            ("carol", Some(11), true),
            ("carol", Some(10), false),
            ("carol", None, true),
            ("", Some(11), false),
            ("", None, false),
        ] {
            let driver = Driver {
                by: by.into(),
                since: at(0),
                until: until.map(at),
                note: Some("mind the gap".into()),
            };
            let status = ReleaseStatus { driver: Some(driver), ..ReleaseStatus::default() };
            assert_eq!(current(&status, at(10)).is_some(), expected, "{by} {until:?}");
            assert_eq!(note(&status), Some("mind the gap"));
        }
        assert!(current(&ReleaseStatus::default(), at(0)).is_none());
    }
}
