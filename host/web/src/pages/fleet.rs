//! The fleet: search, filter, look at many devices at once.

use super::{Drawn, Section, Shell, draw};
use crate::api::devices;
use crate::auth::Who;
use crate::extract::Query;
use crate::state::Web;
use crate::words::{self, TYPES};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hostler_core::reading::{Condition, DeviceType};
use hostler_services::{DeviceRow, LowLevel, Page, Query as Find};
use url::form_urlencoded::Serializer;

const ROWS: usize = 50;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/", get(show))
}

#[derive(Template)]
#[template(path = "fleet.html")]
pub(super) struct FleetPage {
    pub(super) shell: Shell,
    pub(super) page: Page,
    pub(super) find: Find,
}

async fn show(
    State(web): State<Web>,
    who: Who,
    Query(find): Query<Find>,
    Query(done): Query<super::shell::Done>,
) -> Drawn {
    let shell = Shell::new(&web, &who, Section::Fleet).after(&done);
    let find = Find { limit: ROWS, ..find };
    let axum::Json(page) = devices::list(State(web), who, Query(find.clone())).await?;
    draw(&FleetPage { shell, page, find })
}

/// A link that changes what is looked for.
struct Choice {
    label: String,
    href: String,
    class: &'static str,
    count: usize,
    chosen: bool,
}

impl FleetPage {
    fn choices(&self) -> Vec<Choice> {
        let matching = self.page.conditions.values().sum();
        let all = Choice {
            label: "All".to_owned(),
            href: link(&Find { condition: None, offset: 0, ..self.find.clone() }),
            class: "all",
            count: matching,
            chosen: self.find.condition.is_none(),
        };
        let each = Condition::ALL.into_iter().rev().map(|condition| Choice {
            label: words::capital(&condition.to_string()),
            href: link(&Find { condition: Some(condition), offset: 0, ..self.find.clone() }),
            class: class(condition),
            count: self.page.conditions.get(&condition).copied().unwrap_or_default(),
            chosen: self.find.condition == Some(condition),
        });
        std::iter::once(all).chain(each.filter(|choice| choice.count > 0 || choice.chosen)).collect()
    }

    /// What else is asked for, each with the name of its field, to keep it and to drop it.
    fn kept(&self) -> Vec<(&'static str, String, String)> {
        let find = &self.find;
        let without = |find: Find| link(&Find { offset: 0, ..find });
        let fields = [
            ("site", &find.site, without(Find { site: None, ..find.clone() })),
            ("owner", &find.owner, without(Find { owner: None, ..find.clone() })),
            ("tag", &find.tag, without(Find { tag: None, ..find.clone() })),
            ("gateway", &find.gateway, without(Find { gateway: None, ..find.clone() })),
        ];
        fields.into_iter().filter_map(|(name, value, drop)| Some((name, value.clone()?, drop))).collect()
    }

    fn types(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let chosen = self.find.device_type;
        TYPES.into_iter().map(move |(device_type, key, title)| (key, title, chosen == Some(device_type)))
    }

    fn searched(&self) -> &str {
        self.find.text.as_deref().unwrap_or_default()
    }

    fn condition(&self) -> Option<&'static str> {
        self.find.condition.map(class)
    }

    fn narrowed(&self) -> bool {
        let find = &self.find;
        find.text.is_some() || find.condition.is_some() || find.device_type.is_some() || !self.kept().is_empty()
    }

    fn span(&self) -> String {
        let (first, last) = (self.find.offset.saturating_add(1), self.find.offset.saturating_add(self.page.rows.len()));
        let total = words::thousands(self.page.total as u64);
        match self.page.rows.len() {
            0 => "No devices".to_owned(),
            _ if self.page.total == 1 => "1 device".to_owned(),
            rows if rows == self.page.total => format!("{total} devices"),
            _ => format!("{}–{} of {total} devices", words::thousands(first as u64), words::thousands(last as u64)),
        }
    }

    fn before(&self) -> Option<String> {
        let offset = self.find.offset.saturating_sub(ROWS);
        (self.find.offset > 0).then(|| link(&Find { offset, ..self.find.clone() }))
    }

    fn after(&self) -> Option<String> {
        let offset = self.find.offset.saturating_add(ROWS);
        (offset < self.page.total).then(|| link(&Find { offset, ..self.find.clone() }))
    }

    fn tagged(&self, name: &str, value: &dyn std::fmt::Display) -> String {
        format!("/?{}", Serializer::new(String::new()).append_pair(name, &value.to_string()).finish())
    }

    fn kind(&self, device_type: &DeviceType) -> String {
        words::capital(&device_type.to_string())
    }

    /// What tells it from others of its model: its own name, else its serial number.
    fn own_name<'a>(&self, row: &'a DeviceRow) -> Option<&'a str> {
        let told = row.name.as_deref().or(row.serial.as_deref());
        told.filter(|told| *told != row.title)
    }

    fn width(&self, low: &LowLevel) -> String {
        format!("{:.1}", low.fraction * 100.0)
    }

    fn percent(&self, low: &LowLevel) -> String {
        words::percent(low.fraction)
    }

    fn ink(&self, low: &LowLevel) -> &'static str {
        words::ink(low.colour.as_deref())
    }

    fn count(&self, number: &u64) -> String {
        words::thousands(*number)
    }
}

/// The word that names a condition in queries and in the style sheet.
fn class(condition: Condition) -> &'static str {
    match condition {
        Condition::Fine => "fine",
        Condition::Asleep => "asleep",
        Condition::Unknown => "unknown",
        Condition::Warning => "warning",
        Condition::Stopped => "stopped",
        Condition::Unreachable => "unreachable",
    }
}

/// The address of a search.
fn link(find: &Find) -> String {
    let fields = serde_json::to_value(find).unwrap_or_default();
    let mut query = Serializer::new(String::new());
    for (name, value) in fields.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::String(text) => _ = query.append_pair(name, text),
            serde_json::Value::Number(offset) if name == "offset" && find.offset > 0 => {
                _ = query.append_pair(name, &offset.to_string());
            }
            // How many rows a page has is the page's affair.
            _ => {}
        }
    }
    match query.finish() {
        query if query.is_empty() => "/".to_owned(),
        query => format!("/?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_link_leads_to_what_was_looked_for(
            text in proptest::option::of("\\PC{1,12}[a-z]"),
            tag in proptest::option::of("[a-z&=+#%]{1,8}"),
            condition in proptest::option::of(proptest::sample::select(Condition::ALL.to_vec())),
            device_type in proptest::option::of(proptest::sample::select(TYPES.map(|(known, ..)| known).to_vec())),
            offset in 0_usize..1_000,
        ) {
            let find = Find { text, tag, condition, device_type, offset, ..Find::default() };
            let link = link(&find);
            let query = link.strip_prefix("/?").unwrap_or_default();
            let found: Find = extract::read(query).unwrap();
            prop_assert_eq!(found.text, find.text);
            prop_assert_eq!(found.tag, find.tag);
            prop_assert_eq!(found.condition, find.condition);
            prop_assert_eq!(found.device_type, find.device_type);
            prop_assert_eq!(found.offset, find.offset);
        }
    }
}
