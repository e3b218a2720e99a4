//! The only conversion between the instants of k8s-openapi (jiff) and ours (chrono).

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use schemars::{Schema, SchemaGenerator, json_schema};

/// Pattern of an instant in a schema: RFC 3339 with a day and an offset that exist, from 1970 to 2199. `format: date-time` alone also admits
/// `…+99:99` and whatever follows a second `T`, which no reader takes.
pub(crate) const DATE_TIME: &str = r"^((19[7-9]|2[01][0-9])[0-9]-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|(19(7[26]|8[048]|9[26])|20([02468][048]|[13579][26])|21(0[48]|[2468][048]|[13579][26]))-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// Schema of an optional instant in an immutable spec. Without `format: date-time`, the rule `self == oldSelf` compares texts: with it, the
/// API server parses both, and refuses every update, of the status too, of an object whose instant an older definition admitted and
/// CEL cannot parse.
#[must_use]
pub(crate) fn instant_as_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "nullable": true, "maxLength": 35, "pattern": DATE_TIME})
}

/// A Kubernetes instant as ours; an instant outside chrono's range becomes the epoch.
#[must_use]
pub(crate) fn from_jiff(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(at.as_second(), at.subsec_nanosecond().unsigned_abs()).unwrap_or_default()
}

/// Our instant as a Kubernetes one; an instant outside jiff's range becomes the epoch.
#[must_use]
pub(crate) fn to_jiff(at: DateTime<Utc>) -> jiff::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default();
    jiff::Timestamp::new(at.timestamp(), nanos).unwrap_or_default()
}

/// A `metav1.Time` as ours.
#[must_use]
pub(crate) fn from_time(at: &Time) -> DateTime<Utc> {
    from_jiff(at.0)
}

/// Our instant as a `metav1.Time`, which keeps whole seconds only.
#[must_use]
pub(crate) fn to_time(at: DateTime<Utc>) -> Time {
    Time(to_jiff(at))
}

/// A `metav1.MicroTime` as ours.
#[must_use]
pub(crate) fn from_micro_time(at: &MicroTime) -> DateTime<Utc> {
    from_jiff(at.0)
}

/// Our instant as a `metav1.MicroTime`.
#[must_use]
pub(crate) fn to_micro_time(at: DateTime<Utc>) -> MicroTime {
    MicroTime(to_jiff(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_admits_the_days_that_exist() {
        let pattern = regex::Regex::new(DATE_TIME).unwrap();
        for (year, month, day) in (1970..2200)
            .flat_map(|year| (0..14).flat_map(move |month| (0..33).map(move |day| (year, month, day))))
        {
            let text = format!("{year}-{month:02}-{day:02}T01:02:03Z");
            assert_eq!(pattern.is_match(&text), DateTime::parse_from_rfc3339(&text).is_ok(), "{text}");
        }
    }
}
