//! Many parcels in calls of bounded size: what a call may spend is limited, and a device that is slow to connect is asked
//! dozens of times. Some calls are under way at once, because the devices' windows don't wait.

use futures::StreamExt;
use hostler_runtime::{Outcome, Parcel, Progress, Verdict, Watcher};
use std::sync::{Arc, Mutex, PoisonError};

/// Parcels of one call. If each device has to be asked all the time, that spends a quarter of what a call may ask.
const PARCELS: usize = 300;

/// Calls that are under way at once.
const AT_ONCE: usize = 4;

/// How far all calls are together.
#[derive(Clone)]
struct Together {
    done: Arc<Mutex<Vec<u32>>>,
    total: u32,
    told: Watcher,
}

impl Together {
    fn new(parcels: usize, told: &Watcher) -> Self {
        let done = vec![0; parcels.div_ceil(PARCELS)];
        Self { done: Arc::new(Mutex::new(done)), total: short(parcels), told: Arc::clone(told) }
    }

    /// A call is so far.
    fn tell(&self, call: usize, now: u32, about: String) {
        let done = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(of_call) = done.get_mut(call) {
                *of_call = now;
            }
            done.iter().sum()
        };
        (self.told)(Progress { done, total: self.total, about });
    }

    /// What one call tells.
    fn watcher(&self, call: usize) -> Watcher {
        let together = self.clone();
        Arc::new(move |Progress { done, about, .. }| together.tell(call, done, about))
    }
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Brings all parcels: one outcome for each, in their order. A call that fails leaves its own in doubt and no others.
pub(super) async fn bring(
    parcels: &[Parcel],
    told: &Watcher,
    call: impl AsyncFn(&[Parcel], Watcher) -> Result<Vec<Outcome>, String>,
) -> Vec<Outcome> {
    let together = Together::new(parcels.len(), told);
    let call = &call;
    let one = |(number, some): (usize, &'_ [Parcel])| {
        let together = together.clone();
        let some = some.to_vec();
        async move {
            let brought = call(&some, together.watcher(number)).await;
            together.tell(number, short(some.len()), "bringing PINs".to_owned());
            brought.unwrap_or_else(|why| some.iter().map(|parcel| unknown(parcel, &why)).collect())
        }
    };
    let calls: Vec<_> = parcels.chunks(PARCELS).enumerate().map(one).collect();
    futures::stream::iter(calls).buffered(AT_ONCE).collect::<Vec<_>>().await.concat()
}

fn unknown(parcel: &Parcel, why: &str) -> Outcome {
    let verdict = Verdict::InDoubt(format!("what brings PINs failed: {why}"));
    Outcome { address: parcel.address.clone(), verdict, by: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::Secret;
    use hostler_core::plugin::Budget;

    #[tokio::test]
    async fn e12_thousands_that_keep_connecting_exceed_no_call_and_a_failed_call_takes_no_other_outcome_along() {
        let parcel = |n: usize| Parcel { address: n.to_string(), secret: Secret::new("x".into()), is_key: false };
        let parcels: Vec<Parcel> = (0..2_000).map(parcel).collect();
        let reports = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&reports);
        let told: Watcher = Arc::new(move |progress: Progress| {
            kept.lock().unwrap().push((progress.done, progress.total));
        });
        let outcomes = bring(&parcels, &told, async |some, told| {
            // Each is looked for in both ways, written to twice and looked at in 60 rounds.
            let spent = some.len() * (2 + 4 + 60);
            assert!(spent < Budget::terminal().link_operations as usize, "the call would trap");
            told(Progress { done: 1, total: 1, about: String::new() });
            if some[0].address == "300" {
                return Err("out of luck".to_owned());
            }
            let well = |parcel: &Parcel| Outcome {
                address: parcel.address.clone(),
                verdict: Verdict::Connected("hq".to_owned()),
                by: Some("snmp"),
            };
            Ok(some.iter().map(well).collect())
        })
        .await;
        let places: Vec<String> = outcomes.iter().map(|outcome| outcome.address.clone()).collect();
        assert_eq!(places, (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>(), "in their order");
        let doubtful: Vec<_> =
            outcomes.iter().filter(|outcome| !matches!(outcome.verdict, Verdict::Connected(_))).collect();
        assert_eq!((doubtful.len(), doubtful[0].address.as_str()), (300, "300"));
        assert!(matches!(&doubtful[0].verdict, Verdict::InDoubt(why) if why.contains("out of luck")));
        let reports = reports.lock().unwrap();
        assert_eq!(reports.last(), Some(&(2_000, 2_000)));
        assert!(reports.is_sorted() && reports.iter().all(|(_, total)| *total == 2_000), "{reports:?}");
    }
}
