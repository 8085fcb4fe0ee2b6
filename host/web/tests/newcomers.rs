//! Users who register themselves (E1, E2), over real HTTP.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::viewer::Right;
use hostler_services::{GuestFile, Guests, SelfRegistration};
use site::{Answer, Site};
use std::time::{Duration, Instant};

const OURS: &str = "sec-fetch-site: same-origin";
const JSON: &str = "content-type: application/json";

async fn log_in(site: &Site, user: &str) -> Answer {
    site.post("/login", &[OURS], &format!("user={user}&password=whatever+it+is&next=%2F")).await
}

async fn register(site: &Site, user: &str, password: &str, again: &str) -> Answer {
    let form = format!("user={user}&password={password}&again={again}&next=%2F");
    site.post("/register", &[OURS], &form).await
}

#[tokio::test]
async fn e02_who_is_unknown_is_asked_and_yes_registers_and_logs_in() {
    let site = Site::open_to(SelfRegistration::Anyone).await;
    let asked = log_in(&site, "ada%40example.org").await;
    assert_eq!(asked.status, 200, "{asked:?}");
    assert!(asked.body.contains("Yes, register") && asked.body.contains("value=\"ada@example.org\""), "{}", asked.body);
    assert!(!asked.body.contains("whatever it is"), "the password isn't sent back");
    for (password, again, said) in
        [("short", "short", "10 characters"), ("long+enough+so", "long+enough+sp", "two passwords differ")]
    {
        let refused = register(&site, "ada%40example.org", password, again).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains(said) && refused.body.contains("value=\"ada@example.org\""), "{}", refused.body);
    }
    let made = register(&site, "ada%40example.org", "long+enough+so", "long+enough+so").await;
    assert_eq!((made.status, made.header("location")), (303, Some("/registrations")), "{made:?}");
    let cookie = format!("cookie: {}", made.cookie());
    let page = site.get("/registrations", &[&cookie]).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("href=\"/plugins\"") && page.body.contains("Right: own"), "{}", page.body);
    assert_eq!(site.get("/enrolled", &[&cookie]).await.status, 200);
    assert_eq!(site.get("/api/v1/plugins", &[&cookie]).await.status, 403, "with the right to their own and no more");

    let again = site.post("/login", &[OURS], "user=ada%40example.org&password=long+enough+so").await;
    assert_eq!((again.status, again.header("location")), (303, Some("/registrations")));
    let wrong = log_in(&site, "ada%40example.org").await;
    assert_eq!(wrong.status, 401, "a wrong password leads back to the log-in");
    assert!(wrong.body.contains("action=\"/login\"") && wrong.body.contains("is wrong"), "{}", wrong.body);
    for taken in ["ada%40example.org", "ADA%40example.org"] {
        let refused = register(&site, taken, "long+enough+so", "long+enough+so").await;
        assert_eq!(refused.status, 409, "nobody passes for another: {refused:?}");
    }
    assert_eq!(log_in(&site, "Ada%40Example.org").await.status, 401, "nor is asked to");
    assert_eq!(log_in(&site, "no+user+id").await.status, 401);
    assert_eq!(site.get("/register", &[]).await.header("location"), Some("/login"));
}

#[tokio::test]
async fn e02_where_nobody_registers_an_unknown_user_is_a_wrong_password() {
    let site = Site::open_to(SelfRegistration::Off).await;
    let (unknown, known) = (log_in(&site, "nobody").await, log_in(&site, "admin").await);
    assert_eq!((unknown.status, known.status), (401, 401));
    assert_eq!(unknown.body.replace("nobody", "admin"), known.body);
    let mut took = [Duration::MAX; 2];
    for _ in 0..10 {
        for (least, user) in took.iter_mut().zip(["nobody-else", "admin"]) {
            let begun = Instant::now();
            let _ = log_in(&site, user).await;
            *least = begun.elapsed().min(*least);
        }
    }
    let [unknown, known] = took;
    assert!(unknown * 5 > known && known * 5 > unknown, "{unknown:?} and {known:?}");
    let refused = register(&site, "nobody", "long+enough+so", "long+enough+so").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Ask an administrator"), "{}", refused.body);
    assert_eq!(log_in(&site, "nobody").await.status, 401);
}

#[tokio::test]
async fn e02_another_site_registers_nobody_and_neither_does_a_script_there() {
    let site = Site::open_to(SelfRegistration::Anyone).await;
    let form = "user=eve&password=long+enough+so&again=long+enough+so";
    for foreign in ["sec-fetch-site: cross-site", "sec-fetch-site: same-site", "origin: http://evil.example", "x: y"] {
        assert_eq!(site.post("/register", &[foreign], form).await.status, 403, "{foreign}");
    }
    let body = r#"{"user":"eve","password":"long enough so"}"#;
    let simple = site.ask("POST", "/api/v1/register", &["content-type: text/plain"], body).await;
    assert_eq!(simple.status, 415, "{simple:?}");
    assert_eq!(log_in(&site, "eve").await.status, 200, "nobody has this user ID");
}

#[tokio::test]
async fn e02_programs_register_people_too_and_learn_what_is_wrong() {
    let site = Site::open_to(SelfRegistration::Anyone).await;
    let ask = async |path: &str, user: &str, password: &str| {
        let body = format!(r#"{{"user":{user:?},"password":{password:?}}}"#);
        site.ask("POST", path, &[JSON], &body).await
    };
    let unknown = ask("/api/v1/session", "ada", "long enough so").await;
    assert_eq!(unknown.status, 401);
    assert!(unknown.json()["what_to_do"].as_str().unwrap().contains("/api/v1/register"), "{unknown:?}");
    for (user, password, said) in [
        ("not an id", "long enough so", "user ID"),
        ("", "long enough so", "user ID"),
        ("ada", "short", "10 characters"),
    ] {
        let refused = ask("/api/v1/register", user, password).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.json()["error"].as_str().unwrap().contains(said), "{refused:?}");
    }
    let made = ask("/api/v1/register", "ada", "long enough so").await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = format!("authorization: Bearer {}", made.json()["token"].as_str().unwrap());
    let account = site.get("/api/v1/account", &[&token]).await.json();
    assert_eq!((&account["user"], &account["right"]), (&"ada".into(), &"own".into()));
    let events = site.get("/api/v1/events", &[&site.token(Right::See).await]).await.body;
    assert!(events.contains("ada registered as a user"), "{events}");
}

#[tokio::test]
async fn e02_registering_one_after_the_other_is_slowed_for_the_source() {
    let site = Site::open_to(SelfRegistration::Anyone).await;
    let mut made = 0;
    let refused = loop {
        let answer = register(&site, &format!("eve{made}"), "long+enough+so", "long+enough+so").await;
        if answer.status != 303 {
            break answer;
        }
        made += 1;
        assert!(made < 60, "nothing slows it");
    };
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.body.contains("Too many registrations") && refused.body.contains("Try again in"), "{refused:?}");
    assert!(made >= 50, "an office behind one address isn't kept out: {made}");
    let form = format!("user=admin&password={}", site.password.expose());
    assert_eq!(site.post("/login", &[OURS], &form).await.status, 303, "who has registered logs in all the same");
}

#[tokio::test]
async fn e14_guests_of_a_file_register_and_others_look_like_a_wrong_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guests.csv");
    std::fs::write(&path, "ada@example.org,Ada\nnot an id\n").unwrap();
    let guests = Guests { file: Some(GuestFile::new(path.clone())), directory: None };
    let site = Site::open_to(SelfRegistration::Guests(Box::new(guests))).await;
    assert_eq!(log_in(&site, "ada%40example.org").await.status, 200);
    let (stranger, known) = (log_in(&site, "grace").await, log_in(&site, "admin").await);
    assert_eq!((stranger.status, known.status), (401, 401));
    assert_eq!(stranger.body.replace("grace", "admin"), known.body);
    let refused = register(&site, "grace", "long+enough+so", "long+enough+so").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("on the guest list"), "{}", refused.body);
    let known = register(&site, "admin", "long+enough+so", "long+enough+so").await;
    assert_eq!(refused.body.replace("grace", "admin"), known.body, "nobody learns who has registered");
    std::fs::write(&path, "grace\n").unwrap();
    assert_eq!(register(&site, "grace", "long+enough+so", "long+enough+so").await.status, 303);
    std::fs::remove_file(&path).unwrap();
    let away = log_in(&site, "lin").await;
    assert_eq!(away.status, 503, "{away:?}");
    assert!(away.body.contains("guest list"), "{}", away.body);
    assert_eq!(register(&site, "lin", "long+enough+so", "long+enough+so").await.status, 503, "and nobody is let in");
}
