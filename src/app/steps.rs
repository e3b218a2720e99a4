//! A plan's steps as people read them: what each does, and where a release stands among them.

use crate::api::Release;
use crate::api::release::PlanStep;

pub(crate) use crate::domain::step_words::StepWords;

/// Steps done and steps in all; absent before there is a plan.
#[must_use]
pub(crate) fn done(release: &Release) -> Option<(usize, usize)> {
    let status = release.status.as_ref()?;
    let all = status.plan.as_ref()?.steps.len();
    let done = status.step.as_ref().map_or(0, |step| step.index);
    Some((usize::try_from(done).unwrap_or_default().min(all), all))
}

/// The present step, counted from 1, and steps in all; the last one where all are done.
#[must_use]
pub(crate) fn present(release: &Release) -> Option<(usize, usize)> {
    done(release).map(|(done, all)| ((done + 1).min(all), all))
}

/// The first step that is drawn where a plan of that many lines follows its present step: one that is done stays above it.
#[must_use]
pub(crate) fn followed(current: usize, lines: usize, height: usize) -> usize {
    current.saturating_sub(1).min(lines.saturating_sub(height))
}

/// The present step itself; none where all are done.
#[must_use]
pub(crate) fn current(release: &Release) -> Option<&PlanStep> {
    let (done, _) = done(release)?;
    release.status.as_ref()?.plan.as_ref()?.steps.get(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_follows_its_present_step_and_leaves_no_row_empty() {
        for (current, lines, height, first) in
            [(0, 5, 9, 0), (4, 5, 9, 0), (4, 12, 6, 3), (11, 12, 6, 6), (0, 12, 6, 0)]
        {
            assert_eq!(followed(current, lines, height), first);
        }
    }
}
