//! What is explored: who meets whom with what, and what must come of it.

use super::*;

fn one() -> Places {
    Places::Exactly { left: 1 }
}

fn two() -> Places {
    Places::Exactly { left: 2 }
}

/// Two devices, one of which asks again when no answer comes.
fn two_devices() -> Vec<Thing> {
    vec![thing("A1", 0), Thing { retries: 0, ..thing("B2", 0) }]
}

#[test]
fn e07_two_devices_with_a_pin_for_one() {
    let ends = explore("a PIN for one", World::sharing(one(), two_devices()));
    assert!(ends.iter().all(|end| end.connected() <= 1));
    assert!(ends.iter().any(|end| end.connected() == 1 && end.refused(1) == Some(Refusal::Spent)));
    assert!(ends.iter().any(|end| end.connected() == 1 && end.refused(0) == Some(Refusal::Spent)));
}

#[test]
fn e06_two_devices_one_of_which_is_restarted_and_given_the_pin_again() {
    let things = vec![Thing { retries: 0, restarts: 1, clicks: 2, ..thing("A1", 0) }, two_devices().remove(1)];
    let ends = explore("a restart", World::sharing(one(), things));
    let again =
        |end: &World| end.connected() == 1 && end.things[0].token.is_some() && end.things[0].joining.attempt == 2;
    assert!(ends.iter().any(again));
}

#[test]
fn e06_a_device_that_is_told_by_hand_to_try_another_pin_or_none() {
    let one_each = |owners: [&str; 2]| {
        let invitations = owners.iter().enumerate();
        invitations.map(|(index, by)| invitation(index, Means::Pin, one(), by)).collect()
    };
    let patient = || Thing { by_hand: Some(1), calls_off: 1, clicks: 2, ..thing("A1", 0) };
    let ends = explore("another PIN by hand", World::new(one_each(["u@example"; 2]), vec![patient()]));
    let by_the_other = |end: &World| end.connected() == 1 && end.things[0].invitation == 1;
    assert!(ends.iter().any(by_the_other));
    let called_off = State::NotConnected { why: Some(device::Reason::CalledOff) };
    assert!(ends.iter().any(|end| end.things[0].joining.state == called_off && !end.living.is_empty()));
    let ends = explore("another user's PIN by hand", World::new(one_each(["u@example", "v@example"]), vec![patient()]));
    assert!(ends.iter().any(by_the_other));
    assert!(ends.iter().any(|end| end.refused(0) == Some(Refusal::OthersDevice)));
}

#[test]
fn e04_two_devices_with_a_pin_for_two() {
    let ends = explore("a PIN for two", World::sharing(two(), two_devices()));
    assert!(ends.iter().any(|end| end.connected() == 2));
    assert!(ends.iter().all(|end| end.refused(0) != Some(Refusal::Spent) && end.refused(1) != Some(Refusal::Spent)));
}

#[test]
fn e04_two_devices_with_a_pin_for_any() {
    let ends = explore("a PIN for any", World::sharing(Places::Any, two_devices()));
    assert!(ends.iter().any(|end| end.connected() == 2));
}

#[test]
fn e13_two_devices_with_a_key_for_one() {
    let key = invitation(0, Means::Key, one(), "u@example");
    let ends = explore("a key for one", World::new(vec![key], two_devices()));
    assert!(ends.iter().all(|end| end.connected() <= 1));
    assert!(ends.iter().any(|end| end.connected() == 1 && end.refused(1) == Some(Refusal::Spent)));
}

#[test]
fn e07_a_lost_answer_is_asked_for_until_it_comes() {
    let patient = Thing { retries: 2, restarts: 1, clicks: 2, ..thing("A1", 0) };
    let ends = explore("a patient one", World::sharing(one(), vec![patient]));
    assert!(ends.iter().all(|end| end.refused(0).is_none_or(|why| why == Refusal::Stale)), "it has its place");
}

#[test]
fn e07_an_attacker_with_the_devices_id_and_pin() {
    let twin = Thing { retries: 0, ..thing("A1", 0) };
    for (name, places) in [("a twin, a PIN for one", one()), ("a twin, a PIN for two", two())] {
        let ends = explore(name, World::sharing(places, vec![thing("A1", 0), twin.clone()]));
        assert!(ends.iter().all(|end| end.connected() <= 1));
        assert!(ends.iter().any(|end| end.connected() == 1 && end.refused(1) == Some(Refusal::AlreadyConnected)));
    }
}

#[test]
fn e07_an_attacker_with_a_pin_of_his_own_or_none() {
    let invitations = ["u@example", "v@example"].iter().enumerate();
    let invitations = invitations.map(|(index, by)| invitation(index, Means::Pin, one(), by)).collect();
    let world = World::new(invitations, vec![thing("A1", 0), Thing { retries: 0, ..thing("A1", 1) }]);
    let ends = explore("another owner", World { acts: BTreeSet::from([Act::Release]), doubles: 0, ..world });
    assert!(ends.iter().any(|end| end.refused(1) == Some(Refusal::OthersDevice)));
    let after = |end: &World| end.ended_by_owner.len() == 1 && end.things[1].token.is_some();
    assert!(ends.iter().any(after), "released, it is the other's");
    let ends = explore("a guess", World::sharing(one(), vec![thing("A1", 0), Thing { retries: 0, ..thing("A1", 7) }]));
    assert!(ends.iter().all(|end| end.refused(1).is_none_or(|why| why == Refusal::Unknown)));
}

#[test]
fn e07_a_device_that_was_reset_returns_when_its_owner_lets_it() {
    let reset = || Thing { resets: 1, ..thing("A1", 0) };
    let ends = explore("a reset", World::sharing(two(), vec![reset()]));
    assert!(ends.iter().any(|end| end.refused(0) == Some(Refusal::AlreadyConnected)));
    let acts = BTreeSet::from([Act::LetReturn]);
    let ends = explore("a reset, let return", World { acts, ..World::sharing(two(), vec![reset()]) });
    assert!(ends.iter().any(|end| end.things[0].key == 1 && end.connected() == 1 && end.came_in.len() == 2));
}

#[test]
fn e07_whatever_its_owner_does_meanwhile() {
    for acts in [
        vec![Act::Bar, Act::Unbar],
        vec![Act::LetReturn, Act::Withdraw],
        vec![Act::Release, Act::Expire],
        vec![Act::Expire, Act::Withdraw],
    ] {
        let name = format!("{acts:?}");
        let device = thing("A1", 0);
        let world = World { acts: acts.into_iter().collect(), ..World::sharing(two(), vec![device]) };
        let ends = explore(&name, world);
        assert!(ends.iter().any(|end| end.connected() == 1) && ends.iter().any(|end| end.connected() == 0));
    }
}

#[test]
fn e07_what_a_manager_gets_wrong_is_found() {
    let twins = || vec![thing("A1", 0), thing("A1", 0)];
    for (fault, places, things, what) in [
        (Fault::AttemptsUnread, one(), vec![thing("A1", 0)], "its owner didn't end it"),
        (Fault::PlacesUncounted, one(), two_devices(), "a place was lost"),
        (Fault::CommitsBlindly, one(), two_devices(), "a place was lost"),
        (Fault::FormerGoesOn, one(), vec![thing("A1", 0)], "a token lives that no row has"),
        (Fault::AnyKeyWillDo, one(), twins(), "a place was lost"),
        (Fault::RetryTakesPlace, two(), vec![thing("A1", 0)], "a place was lost"),
    ] {
        let found = search("a fault", World { fault, ..World::sharing(places, things) });
        assert!(found.as_ref().is_err_and(|wrong| wrong.contains(what)), "{fault:?}: {:.300}", format!("{found:?}"));
    }
}
