//! The demo, as a newcomer or a program runs it: every step holds or the exit code says so.

use hostler_tests::{Place, Ran, hostler, target};
use serde_json::Value;
use std::path::Path;

/// The walk with the plug-ins of this folder, to its end.
async fn demo(plugins: &Path) -> Ran {
    hostler(&["demo", "--once", "--json", "--port", "0", "--plugins", &plugins.to_string_lossy()]).await
}

/// One JSON object a line, and nothing else.
fn steps(ran: &Ran) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why} in {line:?}: {ran:?}"));
    ran.out.lines().map(parse).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p01_p02_p03_p05_d03_d07_d20_e06_e09_every_step_of_the_demo_holds() {
    let ran = demo(&target().join("plugins")).await;
    let steps = steps(&ran);
    for (number, step) in (1_u64..).zip(&steps) {
        assert_eq!(step["step"], number, "{step:#}");
        assert_eq!(step["held"], true, "{step:#}");
        assert!(step["title"].as_str().is_some_and(|title| !title.is_empty()), "{step:#}");
        assert!(step["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{step:#}");
        assert!(step["ms"].is_u64(), "{step:#}");
        let rows = step["rows"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(Value::is_string), "{step:#}");
    }
    for row in
        ["P1", "P2", "P3", "P5", "D1", "D3", "D7", "D20", "E3", "E5", "E6", "E7", "E8", "E9", "E10", "E12", "E13"]
    {
        let shown = |step: &Value| step["rows"].as_array().is_some_and(|rows| rows.iter().any(|named| named == row));
        assert!(steps.iter().any(shown), "no step shows {row}: {steps:#?}");
    }
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_the_demo_without_a_plug_in_starts_nothing_and_says_what_to_do() {
    let place = Place::new(96);
    let folder = place.path("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(target().join("plugins/scanner.wasm"), folder.join("scanner.wasm")).unwrap();
    let ran = demo(&folder).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.out, "", "a step was told, and none can be done");
    assert!(ran.err.contains("mfp.wasm") && ran.err.contains("./just plugins"), "{ran:?}");
    assert!(ran.err.contains("--plugins"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_a_step_of_the_demo_that_does_not_hold_ends_it_with_another_code() {
    let place = Place::new(97);
    let folder = place.path("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mfp.wasm"), b"\0asm\x0d\0\x01\0 and nothing that could be a component").unwrap();
    std::fs::copy(target().join("plugins/scanner.wasm"), folder.join("scanner.wasm")).unwrap();
    let ran = demo(&folder).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let steps = steps(&ran);
    let (last, before) = steps.split_last().unwrap();
    assert!(before.iter().all(|step| step["held"] == true), "it went on behind a step that failed: {steps:#?}");
    assert_eq!(last["held"], false, "{last:#}");
    assert!(last["title"].as_str().unwrap().contains("plug-in"), "{last:#}");
    assert!(last["detail"].as_str().is_some_and(|why| why.contains("component")), "why isn't said: {last:#}");
    assert!(ran.err.contains("a step did not hold"), "{ran:?}");
}
