//! `managed-fields`.

use super::prelude::*;
use crate::app::effect::FetchText;
use crate::app::text_view::TextBody;

pub(super) const COMMAND: Command = Command {
    id: "managed-fields",
    title: "managed",
    help: "In YAML: show who wrote which field, or leave that out again",
    keys: &[KeyChord::char('m')],
    scope: Scope::Texts,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |store, _| match store.ui.view() {
        View::Text(view) if view.is_yaml() => Availability::Ready,
        _ => Availability::Unavailable("this is not the YAML of an object".to_owned()),
    },
    run: |store, _| {
        let request = store.next_request();
        let Some(View::Text(view)) = store.ui.views.last_mut() else { return Vec::new() };
        let Some((cluster, FetchText::Yaml { of, managed_fields })) = view.source.clone() else {
            return Vec::new();
        };
        let what = FetchText::Yaml { of, managed_fields: !managed_fields };
        view.source = Some((cluster, what.clone()));
        (view.request, view.body) = (request, TextBody::Loading);
        vec![Effect::Fetch { cluster, what, request }]
    },
};
