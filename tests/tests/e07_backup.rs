//! E7 after a backup was put back: what was spent since doesn't revive, who came in before stays, and no file that isn't a
//! whole backup changes anything.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_core::access::TokenDigest;
use hostler_tests::{Foreign, Moments, Node, Place, Ran, Setup, hostler, peer, program, run, until};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Registers devices, and returns the PIN.
async fn pin(manager: &Node, more: &[&str]) -> String {
    manager.registered(more).await["secrets"][0].as_str().unwrap().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn restore(file: &Path, data: &Path, more: &[&str]) -> Ran {
    hostler(&[&["restore", text(file), "--data", text(data)], more].concat()).await
}

/// The files below a folder that hold this text.
fn holding(folder: &Path, text: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                return holding(&path, text);
            }
            let holds = std::fs::read(&path).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes());
            if holds { vec![path] } else { Vec::new() }
        })
        .collect()
}

/// The names in a folder that a restore may have left.
fn left(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path("manager")).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("restor")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_spent_pin_does_not_revive_with_a_backup_and_who_came_in_before_stays() {
    let place = Place::new(120);
    let mut manager = Node::start(Setup::manager(&place)).await;
    let (Some(first), Some(second)) = (Foreign::make(&place, "first"), Foreign::make(&place, "second")) else { return };
    let (early, late) = (pin(&manager, &["192.168.0.7"]).await, pin(&manager, &["192.168.0.8"]).await);
    let (unused, some) = (pin(&manager, &["192.168.0.9"]).await, pin(&manager, &["--shared", "3"]).await);
    let (status, welcome) = first.knock(&manager, "A1", &early);
    assert_eq!(status, 200, "{welcome}");
    let token = welcome["token"].as_str().unwrap();
    let password = manager.first_password().await;
    let login = json!({ "user": "admin", "password": password });
    let session = manager.api().with_token(None).post("session", &login).await.unwrap()["token"].clone();
    let log_in = session.as_str().unwrap();
    let session = manager.api().with_token(Some(log_in));
    assert!(session.get("node").await.is_ok());

    let file = place.path("manager.backup.tar.gz");
    let said = manager.run(&["backup", text(&file)]).await.well();
    assert!(said.contains("private keys") && said.contains("of manager"), "{said}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = manager.run(&["backup", text(&file)]).await;
    assert!(again.code == Some(1) && again.err.contains("never overwrites"), "{again:?}");
    let (status, lost) = second.knock(&manager, "B2", &late);
    assert_eq!(status, 200, "{lost}");
    // Of tokens there are digests, in what runs and in the backup; what isn't secret is found by the same search.
    let looked_at = place.path("looked-at/data");
    let _ = restore(&file, &looked_at, &[]).await.well();
    for folder in [&manager.data(), &looked_at] {
        for secret in [token, log_in] {
            assert_eq!(holding(folder, secret), Vec::<PathBuf>::new(), "a token is kept as it is");
            assert_eq!(holding(folder, &TokenDigest::of(secret).0), [folder.join("hostler.redb")]);
        }
        assert_eq!(holding(folder, r#""device":"A1""#), [folder.join("hostler.redb")]);
    }
    let running = restore(&file, &manager.data(), &["--replace"]).await;
    assert!(running.code == Some(1) && running.err.contains("stop it first"), "{running:?}");

    manager.stop().await;
    let occupied = restore(&file, &manager.data(), &[]).await;
    assert!(occupied.code == Some(1) && occupied.err.contains("--replace"), "{occupied:?}");
    let said = restore(&file, &manager.data(), &["--replace"]).await.well();
    assert!(said.contains("data.before-restore-"), "{said}");
    manager.start_again().await;
    for (device, pin) in [("B2", &late), ("B2", &unused), ("C3", &some)] {
        let (status, refused) = second.knock(&manager, device, pin);
        assert_eq!((status, refused["code"].as_str()), (403, Some("withdrawn")), "{refused}");
        assert!(refused["error"].as_str().unwrap().contains("put back from a backup"), "{refused}");
    }
    assert_eq!(first.call(&manager, token), 200, "who came in before goes on");
    assert_eq!(second.call(&manager, lost["token"].as_str().unwrap()), 401, "who came in since is a stranger");
    let anew = pin(&manager, &["192.168.0.8"]).await;
    assert_eq!(second.knock(&manager, "B2", &anew).0, 200, "and comes in by a new PIN");
    assert!(session.with_token(None).get("node").await.is_err());
    let told = manager.events().await.unwrap();
    let told: Vec<_> = told.iter().filter(|event| event["name"] == "backup.restored").collect();
    assert!(told.len() == 1 && told[0]["text"].as_str().unwrap().contains("3 PINs and keys"), "{told:?}");
    assert!(manager.log().contains("what could revive was withdrawn"), "{}", manager.log());
    manager.stop().await;
    manager.start_again().await;
    assert_eq!(second.knock(&manager, "B2", &unused).1["code"], "withdrawn", "for ever");
    assert_eq!(manager.events().await.unwrap().iter().filter(|event| event["name"] == "backup.restored").count(), 1);

    // One of a node that doesn't run is a backup like any other.
    manager.stop().await;
    let stopped = place.path("stopped.tar.gz");
    let _ = manager.run(&["backup", text(&stopped)]).await.well();
    let new = place.path("elsewhere/data");
    let said = restore(&stopped, &new, &[]).await.well();
    assert!(said.contains("next start withdraws"), "{said}");
    assert!(new.join("authority/root.key").exists() && !new.join("enrollment.key").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_only_an_administrator_in_person_gets_a_backup() {
    let place = Place::new(121);
    let manager = Node::start(Setup::manager(&place)).await;
    let token = manager.run(&["token", "add", "program", "--right", "administer"]).await.well();
    for (token, status) in [(None, 401), (Some(token.trim()), 403)] {
        let sent =
            manager.api().with_token(token).send(reqwest_post(), "/api/v1/backup", "text/plain", "").await.unwrap();
        assert_eq!(sent.status.as_u16(), status, "{}", sent.text);
    }
    let nowhere = hostler(&["backup", text(&place.path("b")), "--data", text(&place.path("nowhere"))]).await;
    assert!(nowhere.code == Some(1) && nowhere.err.contains("holds no node's data"), "{nowhere:?}");
    assert!(!place.path("b").exists());
}

fn reqwest_post() -> reqwest::Method {
    reqwest::Method::POST
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_what_is_no_whole_backup_changes_nothing() {
    let place = Place::new(122);
    let mut manager = Node::start(Setup::manager(&place)).await;
    let file = place.path("backup.tar.gz");
    let _ = pin(&manager, &["192.168.0.7"]).await;
    let _ = manager.run(&["backup", text(&file)]).await.well();
    let before = manager.api().get("registrations").await.unwrap();
    manager.stop().await;
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 0xff;
    // What tar itself writes of somebody's folder, with a path that leads out of it.
    let (tar, foreign) = (peer("tar"), place.path("foreign.tar.gz"));
    std::fs::write(place.path("secret"), "x").unwrap();
    let mut cases = vec![
        ("cut", whole[..whole.len() - 100].to_vec(), "damaged"),
        ("changed", changed, "damaged"),
        ("empty", Vec::new(), "no backup"),
        ("text", b"not a backup".to_vec(), "no backup"),
    ];
    if let Some(tar) = tar {
        std::fs::create_dir_all(place.path("inner")).unwrap();
        let inner = place.path("inner");
        let _ = run(&tar, &["-C", text(&inner), "-Pczf", text(&foreign), "../secret"]);
        cases.push(("leading out", std::fs::read(&foreign).unwrap(), "doesn't begin with"));
    }
    for (what, bytes, word) in cases {
        let bad = place.path("bad.tar.gz");
        std::fs::write(&bad, bytes).unwrap();
        let refused = restore(&bad, &manager.data(), &["--replace"]).await;
        assert!(refused.code == Some(1) && refused.err.contains(word), "{what}: {refused:?}");
        assert_eq!(left(&place), Vec::<String>::new(), "{what}");
    }
    manager.start_again().await;
    assert_eq!(manager.api().get("registrations").await.unwrap(), before);
    assert!(manager.events().await.unwrap().iter().all(|event| event["name"] != "backup.restored"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_restore_that_is_killed_leaves_the_old_or_the_new() {
    let place = Place::new(123);
    let mut manager = Node::start(Setup::manager(&place)).await;
    // Enough that unpacking takes a while.
    for _ in 0..4 {
        let _ = pin(&manager, &["--shared", "5"]).await;
        let many: Vec<String> = (0..2_000).map(|n| format!("printer-{n}.example")).collect();
        let _ = manager.api().post("registrations", &json!({ "addresses": many.join(" ") })).await.unwrap();
    }
    let file = place.path("backup.tar.gz");
    let _ = manager.run(&["backup", text(&file)]).await.well();
    manager.stop().await;
    let data = manager.data();
    let arguments = ["restore", text(&file), "--data", text(&data), "--replace"];
    let whole = std::time::Instant::now();
    let _ = hostler(&arguments).await.well();
    let whole = whole.elapsed();
    let (mut moments, mut old, mut new) = (Moments::new(), 0, 0);
    for _ in 0..25 {
        // A file that no backup has tells the old one from the new.
        std::fs::write(data.join("old"), "").unwrap();
        let mut command = Command::new(program());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(moments.next(whole + whole / 4)).await;
        let _ = child.kill();
        let _ = child.wait();
        let is_old = data.join("old").exists();
        *(if is_old { &mut old } else { &mut new }) += 1;
        for part in ["hostler.redb", "authority/root.key", "authority/intermediate.pem"] {
            assert!(data.join(part).exists(), "{part}, and the folder is {}", if is_old { "old" } else { "new" });
        }
        assert!(!data.join("unfinished").exists());
    }
    println!("left the old {old} times and the new {new} times; a whole restore takes {whole:?}");
    let _ = hostler(&arguments).await.well();
    let names = left(&place);
    let unfinished = |name: &&String| place.path("manager").join(name).join("unfinished").exists();
    assert!(!names.iter().any(|name| unfinished(&name)), "what was cut off is gone: {names:?}");
    manager.start_again().await;
    let told = manager.events().await.unwrap();
    assert_eq!(told.iter().filter(|event| event["name"] == "backup.restored").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_backup_of_a_busy_manager_is_of_one_moment() {
    let place = Place::new(124);
    let manager = Node::start(Setup::manager(&place)).await;
    let Some(device) = Foreign::make(&place, "device") else { return };
    let shared = pin(&manager, &["--shared", "1000"]).await;
    let file = place.path("backup.tar.gz");
    let came_in = std::sync::atomic::AtomicUsize::new(0);
    let ended = std::sync::atomic::AtomicBool::new(false);
    let backups = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if ended.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                assert_eq!(device.knock(&manager, &format!("D{n}"), &shared).0, 200);
                came_in.store(n + 1, std::sync::atomic::Ordering::SeqCst);
            }
        });
        let some = || {
            tokio::runtime::Handle::current().block_on(until("devices come in", async || {
                (came_in.load(std::sync::atomic::Ordering::SeqCst) > 20).then_some(())
            }))
        };
        tokio::task::block_in_place(some);
        let mut files = Vec::new();
        for n in 0..4 {
            let file = file.with_extension(n.to_string());
            let ran = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(manager.run(&["backup", text(&file)]))
            });
            let _ = ran.well();
            files.push(file);
        }
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
        files
    });
    assert_eq!(
        std::fs::read_dir(manager.data())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".backup"))
            .count(),
        0
    );
    // In each, as many places are taken as there are devices, and each device may call.
    for (number, file) in backups.iter().enumerate() {
        let other = Place::new(125 + u8::try_from(number).unwrap());
        let setup = Setup::manager(&other);
        let _ = restore(file, &setup.data(), &[]).await.well();
        let put_back = Node::start(setup).await;
        let enrolled = put_back.api().get("enrolled").await.unwrap().as_array().unwrap().len();
        let registrations = put_back.api().get("registrations").await.unwrap();
        assert_eq!(registrations[0]["connected"], json!(enrolled), "{registrations}");
        assert!(enrolled > 20, "{enrolled}");
    }
}
