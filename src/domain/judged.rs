//! Which actions were judged. It stands in the status of what they were judged on before the action itself is answered: of two controllers
//! that judge the same action differently, one loses the write of that status and finds the verdict of the other.

use crate::api::release_action::ActionResult;

/// Uids that are remembered.
pub(crate) const REMEMBERED: usize = 64;
/// What stands before the uid of an action that was refused.
const REFUSED: &str = "refused:";

/// The verdict on the action of that uid; absent while it is not remembered.
#[must_use]
pub(crate) fn verdict(judged: &[String], uid: &str) -> Option<ActionResult> {
    judged.iter().find_map(|entry| match entry.strip_prefix(REFUSED) {
        Some(refused) => (refused == uid).then_some(ActionResult::Refused),
        None => (entry == uid).then_some(ActionResult::Applied),
    })
}

/// Remembers a verdict. The oldest refusals are forgotten first: a refusal that is judged anew changes nothing.
pub(crate) fn remember(judged: &mut Vec<String>, uid: &str, result: ActionResult) {
    judged.push(if result == ActionResult::Applied { uid.to_owned() } else { format!("{REFUSED}{uid}") });
    while judged.len() > REMEMBERED {
        let oldest = judged.iter().position(|entry| entry.starts_with(REFUSED)).unwrap_or(0);
        judged.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_makes_no_applied_action_forgotten() {
        let mut judged = Vec::new();
        remember(&mut judged, "applied", ActionResult::Applied);
        for number in 0..200 {
            remember(&mut judged, &format!("refused-{number}"), ActionResult::Refused);
        }
        assert_eq!(judged.len(), REMEMBERED);
        assert_eq!(verdict(&judged, "applied"), Some(ActionResult::Applied));
        assert_eq!(verdict(&judged, "refused-199"), Some(ActionResult::Refused));
        assert_eq!(verdict(&judged, "refused-0"), None);
        for number in 0..100 {
            remember(&mut judged, &format!("later-{number}"), ActionResult::Applied);
        }
        assert_eq!((judged.len(), verdict(&judged, "later-99")), (REMEMBERED, Some(ActionResult::Applied)));
    }
}
