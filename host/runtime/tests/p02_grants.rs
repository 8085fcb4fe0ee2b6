//! P2: a plug-in does what it was granted and nothing else, during the call and after it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::component::{FAILING_READ, driver};
use common::device::Silent;
use common::{Stage, call, told};
use hostler_core::plugin::{Capability, Grant, inspect};
use hostler_hostile::Behaviour;
use hostler_runtime::{Action, Answer, Call, CallError, Failure, Question};

#[tokio::test]
async fn p02_without_a_grant_to_write_nothing_is_sent_to_the_device() {
    let (stage, device) = (Stage::reading_only().await, Silent::new().await);
    let done = stage.read_device(Behaviour::SetUngranted, device.link().await).await.unwrap();
    assert_eq!(told(done), "Error::NoLink");
    assert!(!device.was_asked());
}

#[tokio::test]
async fn p02_with_the_grant_it_is_sent() {
    let (mut stage, device) = (Stage::new().await, Silent::new().await);
    stage.plugin.budget.wall_ms = 200;
    let stopped = stage.read_device(Behaviour::SetUngranted, device.link().await).await;
    assert!(matches!(stopped, Err(CallError::Stopped { .. })), "{stopped:?}");
    assert!(device.was_asked());
}

#[tokio::test]
async fn p02_what_may_not_be_done_during_a_call_may_not_be_done_after_it() {
    let stage = Stage::reading_only().await;
    let overstepped = stage.read(Behaviour::ActUngranted).await.unwrap_err();
    assert!(matches!(&overstepped, CallError::Overstepped { plugin, .. } if plugin.to_string() == "hostile"));
    assert!(overstepped.to_string().contains("SNMP"), "{overstepped}");

    let granted = Stage::new().await.read(Behaviour::ActUngranted).await.unwrap();
    let Ok(Answer::Report(Some((_, actions)))) = granted.answer else { panic!("{granted:?}") };
    assert!(matches!(&actions[..], [Action::SnmpSet(_)]), "{actions:?}");
}

#[tokio::test]
async fn p02_a_credential_that_the_manifest_does_not_name_can_not_be_used() {
    let stage = Stage::new().await;
    let overstepped = stage.read(Behaviour::ActWithForeignCredential).await.unwrap_err();
    assert!(overstepped.to_string().contains("another's"), "{overstepped}");
    assert!(stage.read(Behaviour::ActWithOwnCredential).await.unwrap().answer.is_ok());
}

#[tokio::test]
async fn p02_a_credential_that_was_granted_and_the_manifest_does_not_name_can_not_be_used() {
    let text = common::manifest().replace("http = { credentials = [\"own\"] }", "http = {}");
    let bytes = common::component::with_manifest(&common::hostile(), &text);
    let runtime = Stage::new().await.runtime;
    let grant = Grant::all_of(&common::parsed_manifest());
    assert!(grant.has_credential("own"));
    let plugin = runtime.load(&bytes, &grant).await.unwrap();
    let called = runtime.call(&plugin, call(Behaviour::ActWithOwnCredential), Question::Read).await;
    assert!(matches!(called, Err(CallError::Overstepped { .. })), "{called:?}");
}

#[tokio::test]
async fn p02_settings_that_the_manifest_does_not_have_are_not_handed_over() {
    let stage = Stage::new().await;
    let mut call = call(Behaviour::WellBehaved);
    call.settings.insert("secret".to_owned(), "of another plug-in".to_owned());
    assert!(stage.runtime.call(&stage.plugin, call, Question::Read).await.unwrap().answer.is_ok());
}

#[tokio::test]
async fn p02_more_than_was_asked_for_may_be_granted_and_changes_nothing() {
    let stage = Stage::new().await;
    let bytes = driver(FAILING_READ);
    assert!(inspect(&bytes).unwrap().manifest.needs.is_empty());
    let plugin = stage.runtime.load(&bytes, &Grant([Capability::Http].into())).await.unwrap();
    let done = stage.runtime.call(&plugin, call(Behaviour::WellBehaved), Question::Read).await.unwrap();
    assert_eq!(done.answer, Err(Failure::Unreachable(String::new())));
}

#[tokio::test]
async fn p02_without_a_link_there_is_none() {
    let stage = Stage::new().await;
    for behaviour in [Behaviour::WaitForDevice, Behaviour::EmptyWalk, Behaviour::LongWalk, Behaviour::SetUngranted] {
        assert_eq!(told(stage.read(behaviour).await.unwrap()), "Error::NoLink", "{behaviour:?}");
    }
}

#[tokio::test]
async fn p02_what_is_remembered_of_one_device_is_not_lent_to_another() {
    let stage = Stage::new().await;
    stage.read(Behaviour::StateThenAnswer).await.unwrap();
    assert_eq!(told(stage.read(Behaviour::WellBehaved).await.unwrap()), "yes");
    let other = Call { device: hostler_core::DeviceId::from_words(&["other"]), ..call(Behaviour::WellBehaved) };
    let done = stage.runtime.call(&stage.plugin, other, Question::Read).await.unwrap();
    assert_eq!(common::report(done).readings, []);
}
