//! Orders of the manager, and whether a node carries one out.
//!
//! A gateway can't alter an order or make one; what it can do is keep it, and bring it once more or late. Against the first
//! each order has a number, which is taken once. Against the second it has a time, and the node judges it by two clocks:
//! what it surely knows of the manager's time, which is never ahead of it, and its own, which may be hours off.

use crate::id::{Fingerprint, NodeId};
use crate::message::Method;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// For so long an order holds that says no time of its own: a node may be a week behind, and its way there as well.
pub const STANDING: Duration = Duration::from_secs(14 * 86_400);

/// How far a node's own clock may be ahead of the manager's.
const CLOCKS_DIFFER: Duration = Duration::from_secs(86_400);

/// Orders may overtake each other by so many: what is asked at the same time waits in one outbox, but a node may move to
/// another parent while some are on their way.
const KEPT: usize = 256;

/// What the manager signs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Order {
    /// The node that it is for.
    pub to: NodeId,
    /// Its number, which never comes twice, and which later ones don't go below.
    pub number: u64,
    /// When it was signed, by the manager's clock.
    pub at: Timestamp,
    /// What is ordered. What is left of a request's time is what it had when it was signed.
    #[serde(flatten)]
    pub method: Method,
}

impl Order {
    /// When it is too late.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let holds = match &self.method {
            Method::Request(request) => Duration::from_millis(request.left.whole_ms).min(crate::request::LONGEST),
            _ => STANDING,
        };
        self.at.plus(holds)
    }

    /// Whether it orders what is said here. What is left of a request's time is said anew by each node on the way.
    fn says(&self, said: &Method) -> bool {
        match (&self.method, said) {
            (Method::Request(signed), Method::Request(said)) => {
                signed.id == said.id && signed.question == said.question
            }
            (signed, said) => signed == said,
        }
    }
}

/// Which orders of its manager a node took.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ledger {
    /// Whose orders they are: the fingerprint of the manager's root.
    pub root: Fingerprint,
    /// Up to this number nothing is taken any more.
    pub floor: u64,
    /// The last that were taken, above that.
    pub taken: BTreeSet<u64>,
    /// The newest time of the manager's that it signed.
    pub newest: Timestamp,
}

impl Ledger {
    /// Of a manager that ordered nothing yet.
    #[must_use]
    pub fn new(root: Fingerprint) -> Self {
        Self { root, floor: 0, taken: BTreeSet::new(), newest: Timestamp(0) }
    }

    /// The same with this order in it.
    fn with(mut self, order: &Order) -> Self {
        self.taken.insert(order.number);
        while self.taken.len() > KEPT {
            self.floor = self.taken.pop_first().unwrap_or(self.floor);
        }
        self.newest = self.newest.max(order.at);
        self
    }
}

/// What a node knows of the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// The manager's clock shows this at least: what the manager signed last, and what passed since it came.
    pub known: Timestamp,
    /// This node's own clock.
    pub own: Timestamp,
}

/// Why an order isn't carried out. The text is for whoever waits for it, and for the events.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// Nobody signed it.
    #[error(
        "this node carries out what its manager signed, and nobody signed this; order it at the manager, or at the node \
         itself"
    )]
    Unsigned,
    /// It isn't the manager's signature.
    #[error("it isn't signed by this node's manager: {0}")]
    NotTheManagers(String),
    /// It is another node's.
    #[error("the manager signed it for {to}, not for this node")]
    ForAnother {
        /// For whom it is.
        to: NodeId,
    },
    /// Something else was signed.
    #[error("the manager signed something else ({signed}); it was altered on the way")]
    Altered {
        /// What was signed, in a few words.
        signed: String,
    },
    /// It was carried out.
    #[error("it was carried out already, and came once more")]
    Again,
    /// So many came since that nobody knows whether it was carried out.
    #[error("newer orders were carried out since; if it is still wanted, order it again")]
    Overtaken,
    /// It came too late.
    #[error(
        "it came too late: it was to be done until {until}, and it is {now}; if it is still wanted, order it again"
    )]
    Late {
        /// Until when it was to be done, by the manager's clock.
        until: Timestamp,
        /// What time it is, as well as this node knows.
        now: Timestamp,
    },
}

/// Whether a node carries out what is said here, by an order whose signature is its manager's; and what it notes of that.
///
/// # Errors
/// Why it doesn't.
pub fn judge(own: &NodeId, said: &Method, order: &Order, ledger: &Ledger, clocks: Clocks) -> Result<Ledger, NotTaken> {
    if order.to != *own {
        return Err(NotTaken::ForAnother { to: order.to.clone() });
    }
    if !order.says(said) {
        return Err(NotTaken::Altered { signed: order.method.words() });
    }
    if ledger.taken.contains(&order.number) {
        return Err(NotTaken::Again);
    }
    if order.number <= ledger.floor {
        return Err(NotTaken::Overtaken);
    }
    let until = order.ends();
    let known = clocks.known.max(ledger.newest);
    let (sure, likely) = (known >= until, clocks.own >= until.plus(CLOCKS_DIFFER));
    if sure || likely {
        return Err(NotTaken::Late { until, now: if sure { known } else { clocks.own } });
    }
    Ok(ledger.clone().with(order))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RequestId;
    use crate::request::{Left, Question, Request};

    const AT: Timestamp = Timestamp(1_000_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    fn release(device: &str) -> Method {
        Method::Release(device.parse().unwrap())
    }

    fn ask(whole: Duration) -> Method {
        let id: RequestId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let left = Left { at: AT, notice_ms: 0, whole_ms: u64::try_from(whole.as_millis()).unwrap() };
        Method::Request(Box::new(Request { id, question: Question::Alive, left }))
    }

    fn order(number: u64, method: Method) -> Order {
        Order { to: node("mfp-1"), number, at: AT, method }
    }

    fn fresh() -> Ledger {
        Ledger::new(Fingerprint::of(b"root"))
    }

    fn at(own: Timestamp) -> Clocks {
        Clocks { known: Timestamp(0), own }
    }

    fn judged(order: &Order, ledger: &Ledger, clocks: Clocks) -> Result<Ledger, NotTaken> {
        judge(&node("mfp-1"), &order.method, order, ledger, clocks)
    }

    #[test]
    fn d02_an_order_is_taken_once() {
        let first = order(5, release("x"));
        let ledger = judged(&first, &fresh(), at(AT)).unwrap();
        assert_eq!((ledger.taken.len(), ledger.newest), (1, AT));
        assert_eq!(judged(&first, &ledger, at(AT)), Err(NotTaken::Again));
        assert!(judged(&order(4, release("y")), &ledger, at(AT)).is_ok(), "two that were signed at once may overtake");
    }

    #[test]
    fn d02_what_is_far_behind_is_taken_no_more() {
        let mut ledger = fresh();
        for number in 10..10 + KEPT as u64 + 1 {
            ledger = judged(&order(number, release("x")), &ledger, at(AT)).unwrap();
        }
        assert_eq!((ledger.floor, ledger.taken.len()), (10, KEPT), "it doesn't grow");
        for number in [9, 10] {
            assert_eq!(judged(&order(number, release("x")), &ledger, at(AT)), Err(NotTaken::Overtaken), "{number}");
        }
    }

    #[test]
    fn d02_an_order_is_for_one_node_and_for_what_was_signed() {
        let signed = order(1, release("x"));
        let another = judge(&node("mfp-2"), &signed.method, &signed, &fresh(), at(AT));
        assert_eq!(another, Err(NotTaken::ForAnother { to: node("mfp-1") }));
        let altered = judge(&node("mfp-1"), &release("y"), &signed, &fresh(), at(AT));
        assert_eq!(altered, Err(NotTaken::Altered { signed: "let x go".to_owned() }));
    }

    #[test]
    fn d04_what_is_left_of_a_request_is_said_anew_on_the_way_and_its_end_is_not() {
        let signed = order(1, ask(HOUR));
        let Method::Request(request) = ask(Duration::from_secs(7 * 86_400)) else { panic!() };
        let said = Method::Request(request);
        let judged = |clocks| judge(&node("mfp-1"), &said, &signed, &fresh(), clocks);
        assert!(judged(at(AT.plus(HOUR / 2))).is_ok());
        let known = Clocks { known: AT.plus(HOUR), own: AT };
        assert!(matches!(judged(known), Err(NotTaken::Late { .. })), "a gateway gives it no more time");
    }

    #[test]
    fn d02_a_clock_that_is_hours_off_refuses_nothing_that_is_fresh_and_takes_nothing_of_last_month() {
        for own in [AT, AT.plus(20 * HOUR), Timestamp(AT.0 - 72_000_000), Timestamp(0)] {
            assert!(judged(&order(1, ask(HOUR)), &fresh(), at(own)).is_ok(), "{own}");
            assert!(judged(&order(1, release("x")), &fresh(), at(own)).is_ok(), "{own}");
        }
        let month = AT.plus(31 * 24 * HOUR);
        for clocks in [at(month), Clocks { known: month, own: Timestamp(0) }] {
            assert!(matches!(judged(&order(1, release("x")), &fresh(), clocks), Err(NotTaken::Late { .. })));
        }
        let told = Ledger { newest: month, ..fresh() };
        assert!(matches!(judged(&order(1, release("x")), &told, at(Timestamp(0))), Err(NotTaken::Late { .. })));
        let behind = at(AT.plus(8 * 24 * HOUR));
        assert!(judged(&order(1, release("x")), &fresh(), behind).is_ok(), "a node may be a week behind");
    }

    #[test]
    fn d02_an_order_and_a_ledger_have_one_form() {
        let text = r#"{"to":"mfp-1","number":7,"at":1000000000000,"method":"release","body":"x"}"#;
        assert_eq!(serde_json::to_string(&order(7, release("x"))).unwrap(), text);
        assert_eq!(serde_json::from_str::<Order>(text).unwrap(), order(7, release("x")));
        let root = "ab".repeat(32);
        let text = format!(r#"{{"root":"{root}","floor":3,"taken":[5,7],"newest":9}}"#);
        let ledger: Ledger = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&ledger).unwrap(), text);
    }
}
