//! What must hold for every page, whatever it shows.

use super::made_up::{self, NOW, ago, shell};
use super::shell::{Bare, Section};
use super::terminal::Terminal;
use super::{
    account, device, discovered, enrolled, events, fleet, login, nodes, plugins, registration, registrations, schedules,
};
use crate::api::nodes::OwnNode;
use crate::error::ApiError;
use crate::extract::Sent;
use askama::Template;
use axum::http::StatusCode;
use hostler_core::access::{Token, TokenDigest, TokenKind};
use hostler_core::device::{Candidate, Certainty, Claim, Reach};
use hostler_core::event::Filter;
use hostler_core::reading::DeviceType;
use hostler_core::viewer::Right;
use hostler_services::{
    CandidateView, Ended, MadePassword, MadeToken, NodeView, Query, RefusedAddress, RegistrationSummary,
    RegistrationView, Rules, TokenView, UserView,
};

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

/// Every page, drawn for somebody with this right.
fn all(right: Right) -> Vec<(&'static str, String)> {
    let shell = |section| shell(section, right);
    let find = Query { text: Some("café".into()), site: Some("berlin".into()), ..Query::default() };
    let empty = hostler_services::Page { rows: vec![], total: 0, conditions: [].into(), devices: 12 };
    let mut devices = device::DevicePage {
        commands: Vec::new(),
        shell: shell(Section::Fleet),
        view: made_up::device(),
        readings: made_up::readings(),
        events: made_up::events(),
        pace: None,
    };
    let whole = devices.render().unwrap();
    devices.view = made_up::with_another_certificate();
    let asking = devices.render().unwrap();
    devices.view.device.certificate = None;
    devices.view.snapshot = Default::default();
    devices.view.plugin = None;
    devices.readings = Default::default();
    devices.events.clear();
    let plugin = made_up::plugin();
    let denied = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong passwords from this address");
    vec![
        (
            "fleet",
            draw(fleet::FleetPage { shell: shell(Section::Fleet), page: made_up::page(), find: Query::default() }),
        ),
        ("fleet-none", draw(fleet::FleetPage { shell: shell(Section::Fleet), page: empty, find })),
        ("device", whole),
        ("device-certificate", asking),
        ("device-new", draw(devices)),
        (
            "discovered",
            draw(discovered::DiscoveredPage { shell: shell(Section::Discovered), candidates: candidates() }),
        ),
        (
            "plugins",
            draw(plugins::PluginsPage {
                shell: shell(Section::Plugins),
                plugins: vec![plugin.clone(), plugin.clone()],
            }),
        ),
        ("plugin", draw(plugins::PluginPage { shell: shell(Section::Plugins), plugin: plugin.clone() })),
        (
            "waiting",
            draw(plugins::WaitingPage {
                shell: shell(Section::Plugins),
                plugin: Box::new(plugin),
                missing: vec!["plug-in mfp asks to write to the device's SNMP agent (manifest, line 11)".into()],
            }),
        ),
        ("nodes", draw(nodes::NodesPage { shell: shell(Section::Nodes), nodes: nodes(), own: own_node() })),
        (
            "schedules",
            draw(schedules::SchedulesPage {
                shell: shell(Section::Schedules),
                schedules: vec![made_up::schedule(), made_up::schedule()],
                draft: schedules::Draft { name: HOSTILE.into(), zone: HOSTILE.into(), ..Default::default() },
                preview: schedules::Preview { coming: None, wrong: Some(HOSTILE.into()) },
            }),
        ),
        (
            "schedule",
            draw(schedules::SchedulePage {
                shell: shell(Section::Schedules),
                view: made_up::schedule(),
                draft: schedules::Draft { devices: HOSTILE.into(), site: HOSTILE.into(), ..Default::default() },
                preview: schedules::Preview::default(),
            }),
        ),
        (
            "events",
            draw(events::EventsPage {
                shell: shell(Section::Events),
                found: hostler_services::EventsPage { events: made_up::events(), next: Some(7) },
                filter: Filter { name: "supply.".parse().ok(), device: "sn-1".parse().ok(), ..Filter::default() },
                newest: true,
                forwards: vec![made_up::forward()],
            }),
        ),
        ("account", account(shell(Section::Account))),
        (
            "login",
            draw(login::LoginPage {
                bare: Bare::default(),
                node: "manager".into(),
                next: HOSTILE.into(),
                user: HOSTILE.into(),
                error: Some(denied.for_people()),
                note: None,
                open: true,
            }),
        ),
        (
            "register",
            draw(login::RegisterPage {
                bare: Bare::default(),
                node: "manager".into(),
                next: HOSTILE.into(),
                user: HOSTILE.into(),
                error: Some(denied.for_people()),
            }),
        ),
        ("registrations", registered(shell(Section::Registrations), &denied)),
        ("registration", one(shell(Section::Registrations), made_up::registration(false))),
        ("registration-shared", one(shell(Section::Registrations), made_up::registration(true))),
        (
            "enrolled",
            draw(enrolled::EnrolledPage {
                shell: shell(Section::Registrations),
                rows: made_up::enrolled(HOSTILE),
                total: 4,
                find: enrolled::Find { text: HOSTILE.into(), offset: 0 },
            }),
        ),
        ("error", super::failed(&denied).0),
    ]
}

fn draw(page: impl Template) -> String {
    page.render().unwrap()
}

fn terminal() -> Terminal {
    let (link, command) = (format!("hostler://enroll?{HOSTILE}"), HOSTILE.into());
    Terminal { link, command, platform: "linux, x86_64".into(), sha256: Some("0".repeat(64)) }
}

fn registered(shell: super::Shell, denied: &ApiError) -> String {
    let sent = Sent(vec![("addresses".to_owned(), HOSTILE.to_owned()), ("sharing".to_owned(), "shared".to_owned())]);
    let shell = shell.refusing("register", denied, sent);
    let rows = [3, 1_200, 0].map(|addresses| RegistrationSummary { addresses, ..made_up::registration(false).summary });
    let page = registrations::RegistrationsPage {
        shell,
        rows: rows.into(),
        offset: 20,
        more: true,
        rules: Rules::default(),
        terminal: Some(terminal()),
    };
    draw(page)
}

fn one(shell: super::Shell, mut view: RegistrationView) -> String {
    let refused = RefusedAddress { line: 7, text: HOSTILE.into(), why: HOSTILE.into() };
    view.refused = vec![refused; 101];
    draw(registration::RegistrationPage {
        shell,
        view,
        find: registration::Find::default(),
        terminal: Some(terminal()),
    })
}

fn candidates() -> Vec<CandidateView> {
    let claim = |plugin: &str, certainty, title: &str| Claim {
        plugin: plugin.parse().unwrap(),
        certainty,
        device_type: DeviceType::Scanner,
        title: title.into(),
    };
    let view = |address: &str, claims, adopting| CandidateView {
        gateway: "branch-north".parse().unwrap(),
        candidate: Candidate {
            reach: Reach { address: address.parse().unwrap(), snmp: None, http: None },
            claims,
            seen_at: ago(3),
        },
        adopting,
    };
    vec![
        view("192.0.2.40", vec![claim("scanner", Certainty::Certain, "Example Scan 30")], false),
        view(
            "2001:db8::41",
            vec![claim("scanner", Certainty::Likely, HOSTILE), claim("mfp", Certainty::Likely, "Copier")],
            false,
        ),
        view("192.0.2.42", vec![claim("mfp", Certainty::Possible, "Copier")], true),
        view("192.0.2.43", vec![], false),
    ]
}

fn own_node() -> OwnNode {
    OwnNode { id: "manager".parse().unwrap(), manager: true, gateway: true, version: "0.1.0", started_at: ago(50) }
}

fn nodes() -> Vec<NodeView> {
    let node = |id: &str, own: bool, connected, waiting| NodeView {
        connected_since: None,
        id: id.parse().unwrap(),
        path: if own { Vec::new() } else { vec![id.parse().unwrap()] },
        last_seen: (!own).then(|| ago(if connected { 0 } else { 30 })),
        connected,
        called: true,
        waiting,
        devices: 1_607,
        own,
    };
    vec![
        node("manager", true, true, 0),
        node("branch-north", false, true, 0),
        node("branch-south", false, false, 1_204),
    ]
}

fn account(shell: super::Shell) -> String {
    let token = |kind, label: &str| TokenView {
        id: "3fa9c1d2e4b5".into(),
        token: Token {
            kind,
            label: label.into(),
            user: "ada@example.org".parse().unwrap(),
            right: Right::See,
            created_at: ago(400),
            expires_at: NOW.plus(std::time::Duration::from_secs(77 * 86_400)),
        },
    };
    let made = MadeToken { token: "hostler_Zm9vYmFyYmF6cXV4".into(), view: token(TokenKind::Program, HOSTILE) };
    let user = |name: &str, right| UserView { name: name.parse().unwrap(), right };
    let users = vec![user("ada@example.org", Right::Administer), user("bob@example.org", Right::See)];
    let ended = Ended { sessions: 2, tokens: 1 };
    let password = MadePassword { user: users[1].name.clone(), password: "abcd-efgh-jkmn-pqrs-tuvw".into(), ended };
    let tokens = vec![token(TokenKind::Session, ""), token(TokenKind::Program, "Prometheus")];
    let own = TokenDigest("3fa9c1d2e4b5".repeat(5));
    draw(account::AccountPage { shell, own, tokens, users, made: Some(made), password: Some(password) })
}

#[test]
fn nothing_is_inline_that_the_policy_forbids() {
    for (name, page) in all(Right::Administer) {
        assert!(!page.contains(" style="), "{name}");
        assert!(!page.contains("<style"), "{name}");
        assert!(!page.contains("javascript:"), "{name}");
        for script in page.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{name}");
        }
        for tag in page.split('<').filter_map(|rest| rest.split('>').next()) {
            let outside_quotes = tag.split('"').step_by(2).flat_map(str::split_whitespace);
            let handlers: Vec<&str> = outside_quotes.filter(|word| word.starts_with("on")).collect();
            assert!(handlers.is_empty(), "{name}: {handlers:?}");
        }
    }
}

#[test]
fn what_devices_and_people_say_stays_text() {
    for (name, page) in all(Right::Administer) {
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{name}");
    }
}

#[test]
fn every_field_has_a_label() {
    for (name, page) in all(Right::Administer) {
        let mut rest = page.as_str();
        while let Some(at) = rest.find("<input").into_iter().chain(rest.find("<select")).min() {
            let (before, field) = rest.split_at(at);
            let tag = field.split('>').next().unwrap();
            let open = before.rfind("<label") > before.rfind("</label>");
            assert!(open || tag.contains("type=\"hidden\"") || tag.contains("aria-label="), "{name}: {tag}");
            // Keeps what is open: only what was looked at goes.
            rest = &field[1..];
            if open && tag.contains("type=\"checkbox\"") {
                rest = rest.split_once("</label>").map_or("", |(_, rest)| rest);
            }
        }
    }
}

#[test]
fn every_region_that_lives_has_a_name_of_its_own() {
    for (name, page) in all(Right::Administer) {
        for tag in page.split('<').filter_map(|rest| rest.split('>').next()).filter(|tag| tag.contains("data-live=")) {
            assert!(tag.contains(" id=\""), "{name}: {tag}");
        }
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
    }
}

#[test]
fn who_may_not_is_offered_nothing() {
    for (name, page) in all(Right::See) {
        let forms: Vec<&str> = page.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let own = |action: &&str| {
            matches!(*action, "/" | "/events" | "/login" | "/register" | "/logout" | "/registrations" | "/enrolled")
                || action.starts_with("/registrations/r-")
                || action.starts_with("/enrolled/")
                || action.starts_with("/account/") && *action != "/account/users"
        };
        assert!(forms.iter().all(own), "{name}: {forms:?}");
    }
}

#[test]
fn p02_another_certificate_is_seen_by_all_and_trusted_by_who_operates() {
    let device = made_up::with_another_certificate().device;
    let certificate = device.certificate.unwrap();
    let (trusted, shown) = (certificate.trusted, certificate.shown.unwrap());
    let form = format!(
        "action=\"/devices/{}/trust\"><input type=\"hidden\" name=\"certificate\" value=\"{shown}\">",
        device.id
    );
    for right in [Right::Own, Right::See, Right::Operate, Right::Administer] {
        let pages: std::collections::BTreeMap<_, _> = all(right).into_iter().collect();
        let page = &pages["device-certificate"];
        assert!(page.contains("another certificate") && page.contains(&format!(">{shown}<")), "{right:?}: {page}");
        assert!(page.contains(&format!(">{trusted}<")), "{right:?}: what it is known by is shown beside: {page}");
        assert_eq!(page.contains(&form), right >= Right::Operate, "{right:?}: {page}");
        assert_eq!(page.contains("/trust\""), right >= Right::Operate, "{right:?}: {page}");
        assert!(
            !pages["device"].contains("another certificate"),
            "{right:?}: nobody asks about a device that has none"
        );
    }
}

#[test]
fn tags_are_closed_as_they_were_opened() {
    const VOID: [&str; 4] = ["meta", "link", "input", "!doctype"];
    for (name, page) in all(Right::Administer) {
        let mut open = Vec::new();
        for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let word = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default();
            if let Some(closed) = word.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{name}: </{closed}>");
            } else if !VOID.contains(&word) && !tag.ends_with('/') {
                open.push(word);
            }
        }
        assert_eq!(open, Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn e04_the_length_of_typed_pins_is_shown_with_its_reason() {
    let pages: std::collections::HashMap<_, _> = all(Right::Own).into_iter().collect();
    assert!(pages["registration-shared"].contains("PINs have 8 characters: so many that 100,000 guesses a day"));
    assert!(!pages["registration"].contains("pin-length"), "nobody types these");
}
