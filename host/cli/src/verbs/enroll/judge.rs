//! Who came in. A device may say anything: it came in where the manager says so.

use super::bring::{CameOf, ToBring};
use crate::output::{each, text};
use hostler_runtime::{Outcome, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;

/// Who came in by a PIN that several share, as the manager counts them.
#[derive(Clone, Debug)]
pub(super) struct Came {
    taken: u64,
    devices: BTreeSet<String>,
}

impl Came {
    /// What a registration says; nothing where each address has a PIN of its own.
    pub(super) fn of(view: &Value) -> Option<Self> {
        let shared = view.get("shared").filter(|shared| !shared.is_null())?;
        let devices = each(shared, "/devices").filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self { taken: shared["taken"].as_u64().unwrap_or_default(), devices })
    }
}

/// What came of each. `outcomes` are in the order of the parcels, with nothing where an address means nothing here;
/// `before` and `view` are what the manager said before anything was brought and what it says now.
pub(super) fn judged(
    parcels: &[ToBring],
    outcomes: Vec<Option<Outcome>>,
    before: Option<&Came>,
    view: &Value,
) -> Vec<CameOf> {
    let said = |outcome: Option<Outcome>| match outcome {
        Some(Outcome { verdict, by, .. }) => (verdict, by),
        None => (Verdict::Unreachable("this name means nothing in this network".to_owned()), None),
    };
    let all = parcels.iter().zip(outcomes.into_iter().map(said));
    let Some(before) = before else {
        return all.map(|(parcel, (said, by))| of_its_own(parcel, said, by, view)).collect();
    };
    let all: Vec<_> = all.collect();
    let claims = all.iter().filter(|(_, (said, _))| matches!(said, Verdict::Connected(_))).count();
    let since = Since::of(before, Came::of(view));
    let judge = |(parcel, (said, by)): (&ToBring, (Verdict, Option<&'static str>))| {
        let (verdict, device) = since.judge(said, claims);
        CameOf { address: parcel.address.clone(), verdict, by, device }
    };
    all.into_iter().map(judge).collect()
}

/// An address that has a PIN of its own: the manager knows who came in by it.
fn of_its_own(parcel: &ToBring, said: Verdict, by: Option<&'static str>, view: &Value) -> CameOf {
    let entry = view.pointer(&format!("/entries/{}", parcel.place)).cloned().unwrap_or_default();
    let device = entry["device"].as_str().map(str::to_owned);
    let verdict = match (entry["state"].as_str(), said) {
        (Some("connected"), Verdict::Connected(manager)) => Verdict::Connected(manager),
        (Some("connected"), _) => Verdict::Connected("the manager".to_owned()),
        (_, Verdict::Connected(manager)) => {
            Verdict::InDoubt(format!("it says that it is connected to {manager}, and this manager hasn't let it in"))
        }
        (Some("refused"), Verdict::InDoubt(_) | Verdict::Refused(_)) if entry["why"].is_string() => {
            Verdict::Refused(text(&entry, "/why"))
        }
        (_, said) => said,
    };
    CameOf { address: parcel.address.clone(), verdict, by, device }
}

/// What the manager let in by a shared PIN while it was brought. It doesn't know which address came in: it knows how many.
struct Since {
    came: usize,
    new: Vec<String>,
}

impl Since {
    fn of(before: &Came, now: Option<Came>) -> Self {
        let Some(now) = now else { return Self { came: 0, new: Vec::new() } };
        let came = usize::try_from(now.taken.saturating_sub(before.taken)).unwrap_or(usize::MAX);
        Self { came, new: now.devices.difference(&before.devices).cloned().collect() }
    }

    /// Where more say that they came in than did, nobody can tell who of them is right.
    fn judge(&self, said: Verdict, claims: usize) -> (Verdict, Option<String>) {
        let Verdict::Connected(manager) = said else { return (said, None) };
        if claims > self.came {
            let came = self.came;
            let why = match claims {
                1 => format!("it says that it is connected to {manager}, and this manager hasn't let it in"),
                _ => format!(
                    "it says that it is connected to {manager}; {claims} say so, and this manager let in {came} of them"
                ),
            };
            return (Verdict::InDoubt(why), None);
        }
        let device = match self.new.as_slice() {
            [only] if claims == 1 && self.came == 1 => Some(only.clone()),
            _ => None,
        };
        (Verdict::Connected(manager), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::Secret;
    use serde_json::json;

    fn parcel(place: usize) -> ToBring {
        let address = format!("10.0.0.{place}");
        ToBring { ip: address.parse().ok(), address, place, secret: Secret::new("x".into()), is_key: false }
    }

    fn outcome(place: usize, verdict: Verdict) -> Option<Outcome> {
        Some(Outcome { address: format!("10.0.0.{place}"), verdict, by: Some("snmp") })
    }

    fn connected() -> Verdict {
        Verdict::Connected("hq".to_owned())
    }

    fn shared(devices: &[&str]) -> Value {
        json!({ "shared": { "left": 3, "taken": devices.len(), "devices": devices }, "entries": [] })
    }

    fn came(before: &[&str], now: &[&str], verdicts: Vec<Verdict>) -> Vec<CameOf> {
        let parcels: Vec<ToBring> = (0..verdicts.len()).map(parcel).collect();
        let outcomes = verdicts.into_iter().enumerate().map(|(place, verdict)| outcome(place, verdict)).collect();
        judged(&parcels, outcomes, Came::of(&shared(before)).as_ref(), &shared(now))
    }

    #[test]
    fn e12_a_device_s_word_is_not_enough_where_several_share_a_pin() {
        // One who came in before is no proof for one who says so now.
        let all = came(&["A1"], &["A1"], vec![connected()]);
        assert!(matches!(&all[0].verdict, Verdict::InDoubt(why) if why.contains("hasn't let it in")), "{all:?}");
        let all = came(&["A1"], &["A1", "B2"], vec![connected(), Verdict::Unreachable("x".into()), connected()]);
        assert!(all.iter().all(|one| !one.came_in()), "{all:?}");
        assert!(matches!(&all[2].verdict, Verdict::InDoubt(why) if why.contains("2 say so")), "{all:?}");
    }

    #[test]
    fn e12_those_that_the_manager_counts_came_in() {
        let all = came(&["A1"], &["A1", "B2"], vec![connected(), Verdict::Refused("x".into())]);
        assert!(all[0].came_in() && !all[1].came_in(), "{all:?}");
        assert_eq!((all[0].device.as_deref(), all[1].device.as_deref()), (Some("B2"), None));
        let all = came(&[], &["A1", "B2"], vec![connected(), connected()]);
        assert!(all.iter().all(|one| one.came_in() && one.device.is_none()), "nobody knows which is which: {all:?}");
    }

    #[test]
    fn e12_an_address_with_a_pin_of_its_own_came_in_where_the_manager_says_so() {
        let view = json!({ "entries": [
            { "state": "connected", "device": "A1" }, { "state": "waiting" }, { "state": "refused", "why": "barred" },
        ] });
        let parcels = [parcel(0), parcel(1), parcel(2), parcel(3)];
        let outcomes = vec![
            outcome(0, Verdict::InDoubt("x".into())),
            outcome(1, connected()),
            outcome(2, Verdict::InDoubt("x".into())),
            None,
        ];
        let all = judged(&parcels, outcomes, None, &view);
        assert!(all[0].came_in() && all[0].device.as_deref() == Some("A1"), "{all:?}");
        assert!(matches!(all[1].verdict, Verdict::InDoubt(_)), "{all:?}");
        assert_eq!(all[2].verdict, Verdict::Refused("barred".into()));
        assert!(matches!(all[3].verdict, Verdict::Unreachable(_)), "{all:?}");
    }
}
