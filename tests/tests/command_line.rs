//! What the command line gives to others: completions that shells accept, and simulated devices that answer everybody.

use hostler_tests::{Peer, Place, hostler, peer, program, until};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;

/// Every verb, as a newcomer sees them.
const VERBS: [&str; 6] = ["serve", "demo", "device", "plugin", "simulate", "completions"];

#[tokio::test(flavor = "multi_thread")]
async fn d07_bash_takes_the_completions_and_completes_with_them() {
    let place = Place::new(93);
    let file = place.path("completions.bash");
    let script = hostler(&["completions", "bash"]).await.well();
    std::fs::write(&file, &script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&file).output().unwrap();
    assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");

    // As if somebody typed the beginning of a verb and the tab key.
    let typed = r#"source "$1" || exit 9
        complete -p hostler >&2 || exit 8
        COMP_WORDS=(hostler "$2"); COMP_CWORD=1
        _hostler hostler "$2" hostler; printf '%s\n' "${COMPREPLY[@]}""#;
    for verb in VERBS {
        let beginning = &verb[..3];
        let mut bash = Command::new("bash");
        let answer = bash.args(["--norc", "-c", typed, "bash"]).arg(&file).arg(beginning).output().unwrap();
        assert!(answer.status.success(), "{answer:?}");
        let offered = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(offered.lines().any(|word| word == verb), "{beginning} is completed to {offered:?}, not to {verb}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_zsh_and_fish_get_completions_with_every_verb() {
    let place = Place::new(94);
    for shell in ["zsh", "fish"] {
        let script = hostler(&["completions", shell]).await.well();
        for verb in VERBS {
            assert!(script.contains(verb), "{shell} doesn't learn of {verb}");
        }
        let Some(own) = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|folder| folder.join(shell))
            .find(|path| path.is_file())
        else {
            // Nobody has to have every shell.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("skipped: no {shell} here\n").as_bytes());
            continue;
        };
        let file = place.path(shell);
        std::fs::write(&file, &script).unwrap();
        let checked = Command::new(own).arg("-n").arg(&file).output().unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
    let refused = hostler(&["completions", "dos"]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("bash") && refused.err.contains("fish"), "what there is isn't said: {refused:?}");
}

/// What `hostler simulate` prints when its devices answer: an array of them.
fn printed(log: &str) -> Option<Vec<Value>> {
    serde_json::from_str(log.get(log.find('[')?..)?).ok()
}

fn get(program: &std::path::Path, arguments: &[&str], agent: &str, oid: &str) -> std::process::Output {
    let mut command = Command::new(program);
    command.args(["-Oqv", "-r", "1", "-t", "2"]).args(arguments).args([agent, oid]).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_simulated_devices_answer_a_program_that_is_not_ours() {
    let Some(snmpget) = peer("snmpget") else { return };
    let place = Place::new(95);
    let first = place.address(0, 1);
    let port = place.free_udp(first).to_string();
    let simulate = Peer::start(&program(), |command| {
        command.args(["simulate", "--json", "--count", "3", "--first", &first.to_string(), "--port", &port]);
        command.args(["--v3-user", "mgr:a password to sign with:a password to hide with", "--fault", "silent"])
    });
    let devices = until("the devices answer", async || printed(&simulate.log())).await;
    assert_eq!(devices.len(), 3, "{devices:#?}");
    let v3 = ["-v3", "-u", "mgr", "-l", "authPriv", "-a", "SHA-256", "-A", "a password to sign with"];
    let v3: Vec<&str> = v3.into_iter().chain(["-x", "AES", "-X", "a password to hide with"]).collect();
    for (at, device) in devices.iter().enumerate() {
        let agent = device["address"].as_str().unwrap();
        assert_eq!(agent.parse::<SocketAddr>().unwrap().port().to_string(), port);
        let ways = [&["-v1", "-c", "public"][..], &["-v2c", "-c", "public"], &v3];
        for way in ways.into_iter().take(if at == 0 { 1 } else { 3 }) {
            // sysDescr.0 (RFC 3418), what the device says that it is.
            let output = get(&snmpget, way, agent, "1.3.6.1.2.1.1.1.0");
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if at == 0 {
                assert!(!output.status.success(), "the faulty one answers: {output:?}");
                continue;
            }
            assert!(output.status.success() && !said.is_empty(), "{way:?}: {output:?}");
            let output = get(&snmpget, way, agent, "1.3.6.1.2.1.43.5.1.1.17.1");
            let serial = String::from_utf8_lossy(&output.stdout);
            assert_eq!(serial.trim().trim_matches('"'), device["serial"].as_str().unwrap(), "{way:?}: {output:?}");
        }
    }
    let stranger =
        get(&snmpget, &["-v2c", "-c", "not-this"], devices[1]["address"].as_str().unwrap(), "1.3.6.1.2.1.1.1.0");
    assert!(!stranger.status.success(), "{stranger:?}");
}
