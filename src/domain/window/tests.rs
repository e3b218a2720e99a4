//! Windows over the clock: their edges, their overlaps, and the two nights on which clocks are changed.

use super::*;
use crate::api::Duration;

fn window(kind: WindowKind, schedule: &str, minutes: u64, zone: Option<&str>) -> Window {
    Window {
        kind,
        schedule: schedule.into(),
        duration: Duration::from_mins(minutes),
        time_zone: zone.map(Into::into),
        reason: None,
    }
}

fn allow(schedule: &str, minutes: u64) -> Window {
    window(WindowKind::Allow, schedule, minutes, Some("Europe/Berlin"))
}

fn deny(schedule: &str, minutes: u64) -> Window {
    window(WindowKind::Deny, schedule, minutes, Some("Europe/Berlin"))
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Whether it is open at an instant, and until when it stays so.
fn seen(windows: &[Window], now: &str) -> (bool, Option<DateTime<Utc>>) {
    match judge(windows, utc(now)) {
        Verdict::Open { until } => (true, until),
        Verdict::Shut { until, .. } => (false, until),
        Verdict::Unreadable(why) => panic!("{why}"),
    }
}

#[test]
fn a_closed_weekend_has_sharp_edges() {
    // Friday 18:00 to Monday 08:00 in Berlin, in winter
    let weekend = [deny("0 18 * * 5", 62 * 60)];
    for (now, open, until) in [
        ("2026-11-20T16:59:59Z", true, "2026-11-20T17:00:00Z"),
        ("2026-11-20T17:00:00Z", false, "2026-11-23T07:00:00Z"),
        ("2026-11-21T12:00:00.5Z", false, "2026-11-23T07:00:00Z"),
        ("2026-11-23T06:59:59.999Z", false, "2026-11-23T07:00:00Z"),
        ("2026-11-23T07:00:00Z", true, "2026-11-27T17:00:00Z"),
    ] {
        assert_eq!(seen(&weekend, now), (open, Some(utc(until))), "{now}");
    }
}

#[test]
fn with_windows_that_allow_one_must_be_open_and_a_closed_one_wins() {
    // weekdays 9 to 17; every day's lunch is closed
    let office = [allow("0 9 * * 1-5", 8 * 60), deny("0 12 * * *", 60)];
    for (now, open, until) in [
        ("2026-11-18T07:00:00Z", false, "2026-11-18T08:00:00Z"),
        ("2026-11-18T08:00:00Z", true, "2026-11-18T11:00:00Z"),
        ("2026-11-18T11:30:00Z", false, "2026-11-18T12:00:00Z"),
        ("2026-11-18T12:00:00Z", true, "2026-11-18T16:00:00Z"),
        // after Friday's end comes Monday
        ("2026-11-20T16:00:00Z", false, "2026-11-23T08:00:00Z"),
        // lunch on a Saturday: its end opens nothing
        ("2026-11-21T11:30:00Z", false, "2026-11-23T08:00:00Z"),
    ] {
        assert_eq!(seen(&office, now), (open, Some(utc(until))), "{now}");
    }
}

#[test]
fn windows_that_touch_or_overlap_are_one() {
    // two hours, begun every hour of the morning
    let morning = [deny("0 6-8 * * *", 120)];
    assert_eq!(seen(&morning, "2026-11-18T05:30:00Z"), (false, Some(utc("2026-11-18T09:00:00Z"))));
    let touching = [deny("0 6 * * *", 60), deny("0 7 * * *", 60)];
    assert_eq!(seen(&touching, "2026-11-18T05:30:00Z"), (false, Some(utc("2026-11-18T07:00:00Z"))));
    let nested = [allow("0 6 * * *", 600), allow("0 7 * * *", 60)];
    assert_eq!(seen(&nested, "2026-11-18T06:30:00Z"), (true, Some(utc("2026-11-18T15:00:00Z"))));
    let always = [deny("0 0 * * *", 25 * 60)];
    assert_eq!(seen(&always, "2026-11-18T06:30:00Z"), (false, None));
    // a day of 25 hours has one left
    let almost = [deny("0 0 * * *", 24 * 60)];
    assert_eq!(seen(&almost, "2026-11-18T06:30:00Z"), (false, Some(utc("2027-10-31T22:00:00Z"))));
}

#[test]
fn nobody_waits_for_ever_where_nothing_is_said() {
    assert_eq!(judge(&[], utc("2026-11-18T06:30:00Z")), Verdict::Open { until: None });
}

#[test]
fn a_beginning_in_a_skipped_hour_happens_when_the_hour_would_have_ended() {
    // 2027-03-28: 02:00 becomes 03:00 in Berlin, which is 01:00 in UTC
    let night = [deny("30 2 * * *", 60)];
    for (now, open) in [
        ("2027-03-28T00:59:59Z", true),
        ("2027-03-28T01:00:00Z", false),
        ("2027-03-28T01:59:59Z", false),
        ("2027-03-28T02:00:00Z", true),
        // the night before and the night after keep their half hour
        ("2027-03-27T01:29:59Z", true),
        ("2027-03-27T01:30:00Z", false),
        ("2027-03-29T00:30:00Z", false),
    ] {
        assert_eq!(seen(&night, now).0, open, "{now}");
    }
    // a window across the change lasts as long as it says
    let long = [deny("0 1 * * *", 180)];
    assert_eq!(seen(&long, "2027-03-28T00:30:00Z"), (false, Some(utc("2027-03-28T03:00:00Z"))));
}

#[test]
fn a_beginning_in_a_repeated_hour_happens_once() {
    // 2026-10-25: 03:00 becomes 02:00 in Berlin, which is 01:00 in UTC
    let night = [deny("30 2 * * *", 20)];
    for (now, open) in [
        ("2026-10-25T00:29:59Z", true),
        ("2026-10-25T00:30:00Z", false),
        ("2026-10-25T00:50:00Z", true),
        ("2026-10-25T01:30:00Z", true),
        ("2026-10-25T01:40:00Z", true),
        ("2026-10-26T01:30:00Z", false),
    ] {
        assert_eq!(seen(&night, now).0, open, "{now}");
    }
    let long = [deny("0 2 * * *", 120)];
    assert_eq!(seen(&long, "2026-10-25T00:30:00Z"), (false, Some(utc("2026-10-25T02:00:00Z"))));
}

#[test]
fn without_a_zone_the_schedule_is_in_utc() {
    let plain = [window(WindowKind::Deny, "0 18 * * *", 60, None)];
    assert_eq!(seen(&plain, "2026-11-18T18:30:00Z"), (false, Some(utc("2026-11-18T19:00:00Z"))));
}

#[test]
fn what_cannot_be_read_says_what_is_wrong() {
    for (schedule, minutes, zone, text) in [
        ("0 18 * * 5", 60, Some("Europe/Berln"), "no time zone Europe/Berln"),
        ("0 18 * *", 60, None, "five fields"),
        ("0 0 18 * * 5", 60, None, "five fields"),
        ("@daily", 60, None, "five fields"),
        ("0 25 * * *", 60, None, "cannot be read"),
        ("x y z a b", 60, None, "cannot be read"),
        ("0 0 30 2 *", 60, None, "never comes"),
        ("0 18 * * 5", 0, None, "no duration"),
    ] {
        let windows = [allow("0 0 * * *", 60), window(WindowKind::Deny, schedule, minutes, zone)];
        match judge(&windows, utc("2026-11-18T06:30:00Z")) {
            Verdict::Unreadable(why) => assert!(why.contains(text), "{schedule}: {why}"),
            other => panic!("{schedule}: {other:?}"),
        }
    }
}

#[test]
fn leap_days_come() {
    let leap = [deny("0 0 29 2 *", 60)];
    assert_eq!(seen(&leap, "2027-01-01T00:00:00Z"), (true, Some(utc("2028-02-28T23:00:00Z"))));
}

#[test]
fn a_verdict_names_the_window_and_its_reason() {
    let mut weekend = deny("0 18 * * 5", 62 * 60);
    weekend.reason = Some("weekend".into());
    let Verdict::Shut { why, .. } = judge(&[weekend], utc("2026-11-21T12:00:00Z")) else { panic!() };
    assert_eq!(why, "closed by the window weekend (0 18 * * 5 Europe/Berlin for 2d14h)");
}

proptest::proptest! {
    #[test]
    fn until_is_the_very_edge(
        secs in 0i64..40_000_000, hour in 0u32..24, minutes in 1u64..3000, day in 0u32..7, allows in proptest::bool::ANY,
    ) {
        // an allow window that lies wholly inside the daily denial never opens anything
        proptest::prop_assume!(!(allows && hour == 3 && minutes <= 30));
        let kind = if allows { WindowKind::Allow } else { WindowKind::Deny };
        let windows = [
            window(kind, &format!("15 {hour} * * {day}"), minutes, Some("Europe/Berlin")),
            deny("0 3 * * *", 45),
        ];
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::seconds(secs);
        let is_open = |at| matches!(judge(&windows, at), Verdict::Open { .. });
        let (Verdict::Open { until: Some(until) } | Verdict::Shut { until: Some(until), .. }) =
            judge(&windows, now) else { panic!("it always changes") };
        proptest::prop_assert!(until > now);
        proptest::prop_assert_eq!(is_open(until - TimeDelta::seconds(1)), is_open(now));
        proptest::prop_assert_ne!(is_open(until), is_open(now));
    }
}
