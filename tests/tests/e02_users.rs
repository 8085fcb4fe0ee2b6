//! E2 from the command line: who may log in, and who may no longer.

use hostler_tests::{Node, Place, Setup, hostler};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn e02_users_are_listed_get_new_passwords_and_are_removed_at_the_command_line() {
    let place = Place::new(92);
    let manager = Node::start(Setup::manager(&place)).await;
    let grace = json!({ "name": "grace", "password": "correct horse battery", "right": "operate" });
    manager.api().post("users", &grace).await.unwrap();
    assert!(manager.run(&["user", "list"]).await.well().contains("grace"));
    let password = manager.run(&["user", "password", "grace"]).await.well();
    assert!(password.trim().len() > 15, "it is made here: {password:?}");
    let _ = manager.run(&["user", "remove", "grace"]).await.well();
    assert!(!manager.run(&["user", "list"]).await.well().contains("grace"));
    let refused = manager.run(&["user", "remove", "admin"]).await;
    assert_eq!(refused.code, Some(1), "the last administrator stays: {refused:?}");
    let unknown = hostler(&["user", "list"]).await;
    assert!(unknown.err.contains("no node was given"), "{unknown:?}");
}
