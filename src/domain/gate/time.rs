//! Gates that only time opens: windows and the wait timer.

use super::{Case, Gate, window};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) fn windows(case: &Case<'_>) -> Gate {
    const NAME: &str = "windows";
    let instant = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%SZ").to_string();
    match window::judge(&case.environment.spec.windows, case.now) {
        window::Verdict::Open { until: Some(until) } => {
            Gate::pass(NAME, format!("open until {}", instant(until)))
        }
        window::Verdict::Open { until: None } => Gate::pass(NAME, "open"),
        window::Verdict::Shut { why, until } => {
            let until_when = until.map_or(String::new(), |at| format!(" until {}", instant(at)));
            let who = format!("time, or {}", case.someone_with("override"));
            Gate::wait(NAME, format!("{why}{until_when}"))
                .cleared_by(who)
                .clears_at(until)
                .command(case.by_force(NAME))
        }
        window::Verdict::Unreadable(why) => Gate::no_data(NAME, why)
            .cleared_by(format!("a platform owner, who corrects spec.windows of {}", case.environment.key()))
            .command(case.by_force(NAME)),
    }
}

pub(super) fn wait_timer(case: &Case<'_>, timer: TimeDelta) -> Gate {
    let Some(end) = case.release().created_at().and_then(|at| at.checked_add_signed(timer)) else {
        return Gate::no_data("wait-timer", "the time of the request is unknown")
            .cleared_by("the API server, which tells when it accepted the release");
    };
    if end <= case.now {
        Gate::pass("wait-timer", format!("over since {}", end.format("%H:%M:%SZ")))
    } else {
        Gate::wait("wait-timer", format!("waits until {}", end.format("%Y-%m-%d %H:%M:%SZ")))
            .cleared_by("time")
            .clears_at(end)
    }
}
