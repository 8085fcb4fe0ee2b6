//! Takes what the parent orders: each once, in the parent's order, none before the one in front of it.

use super::TRIES;
use crate::error::ServiceError;
use hostler_core::NodeId;
use hostler_core::changes::{Change, Changes};
use hostler_core::message::{Acks, Envelope, Epoch, Message};

/// Gives each order that isn't among `taken` to `take`, with the change by which it counts as taken.
///
/// An order that conflicts is tried again at once: somebody changed a row that it changes too. When that doesn't help, or
/// on any other error, this ends: to take a later one would acknowledge this one as well.
///
/// # Errors
/// What `take` said of the first order that could not be taken. The parent says it again, and those behind it.
pub(super) async fn take<F>(
    (parent, epoch): (&NodeId, Epoch),
    mut taken: Acks,
    messages: Vec<Envelope>,
    take: impl Fn(Message, Changes) -> F,
) -> Result<(), ServiceError>
where
    F: Future<Output = Result<(), ServiceError>>,
{
    if taken.epoch != epoch {
        taken = Acks { epoch, ..Acks::default() };
    }
    for Envelope { seq, class, message } in messages {
        if taken.seqs.get(&class).is_some_and(|last| seq <= *last) {
            continue;
        }
        let received = Change::Received { from: parent.clone(), epoch, class, seq };
        let mut tries = 1;
        loop {
            match take(message.clone(), received.clone().into()).await {
                Ok(()) => break,
                Err(ServiceError::Conflict(why)) if tries < TRIES => {
                    tracing::debug!(%why, "an order is taken anew");
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
        taken.seqs.insert(class, seq);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::message::{Class, Method};
    use std::sync::Mutex;

    fn order(seq: u64, method: Method) -> Envelope {
        Envelope::of(seq, method)
    }

    fn orders() -> Vec<Envelope> {
        vec![order(1, Method::Release("x".parse().unwrap())), order(2, Method::ReadNow("y".parse().unwrap()))]
    }

    /// Takes both orders, with so many conflicts for the first.
    async fn with_conflicts(conflicts: u32) -> (Result<(), ServiceError>, Vec<u64>) {
        let left = Mutex::new(conflicts);
        let counted = Mutex::new(Vec::new());
        let take_one = async |order: Message, more: Changes| {
            let mut left = left.lock().unwrap();
            if *left > 0 && matches!(order.method, Method::Release(_)) {
                *left -= 1;
                return Err(ServiceError::Conflict("device x was changed".to_owned()));
            }
            counted.lock().unwrap().extend(more.0.iter().map(|change| match change {
                Change::Received { seq, class: Class::Result, .. } => *seq,
                other => unreachable!("{other:?}"),
            }));
            Ok(())
        };
        let parent = "parent".parse().unwrap();
        let outcome = take((&parent, Epoch(1)), Acks::default(), orders(), take_one).await;
        (outcome, counted.into_inner().unwrap())
    }

    #[tokio::test]
    async fn e09_an_order_that_conflicts_is_taken_anew_before_the_next() {
        assert_eq!(with_conflicts(3).await, (Ok(()), vec![1, 2]));
    }

    #[tokio::test]
    async fn e09_no_order_overtakes_one_that_could_not_be_taken() {
        let (outcome, counted) = with_conflicts(u32::MAX).await;
        assert!(matches!(outcome, Err(ServiceError::Conflict(_))), "{outcome:?}");
        assert!(counted.is_empty(), "{counted:?} would acknowledge what wasn't taken");
    }

    #[tokio::test]
    async fn e09_what_was_taken_is_passed_over_in_its_epoch_only() {
        let taken = Acks { epoch: Epoch(1), seqs: [(Class::Result, 1)].into() };
        let parent = "parent".parse().unwrap();
        for (epoch, expected) in [(1, 1), (2, 2)] {
            let count = Mutex::new(0);
            let take_one = async |_, _| {
                *count.lock().unwrap() += 1;
                Ok(())
            };
            take((&parent, Epoch(epoch)), taken.clone(), orders(), take_one).await.unwrap();
            assert_eq!(count.into_inner().unwrap(), expected);
        }
    }
}
