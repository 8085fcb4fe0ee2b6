//! Who gets in, and who doesn't: over real HTTP, with real services.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::viewer::Right;
use site::Site;
use std::collections::BTreeSet;

const OURS: &str = "sec-fetch-site: same-origin";

/// What needs no log-in, because the log-in needs it.
fn is_open(path: &str) -> bool {
    path == "/login" || path.starts_with("/assets/")
}

/// The paths that stand in an attribute of a page.
fn paths(page: &str, attribute: &str) -> Vec<String> {
    let begin = format!(" {attribute}=\"/");
    let found = page.split(&begin).skip(1).filter_map(|rest| rest.split(['"', '#']).next());
    found.map(|path| format!("/{}", path.replace("&amp;", "&"))).collect()
}

/// Everything that pages lead to, found by following every link.
async fn walk(site: &Site, cookie: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut links, mut forms) = (BTreeSet::from(["/".to_owned()]), BTreeSet::new());
    let mut waiting: Vec<String> = links.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let answer = site.get(&path, &[cookie]).await;
        assert_eq!(answer.status, 200, "{path} is linked and isn't there");
        for found in [paths(&answer.body, "href"), paths(&answer.body, "src")].concat() {
            if links.insert(found.clone()) {
                waiting.push(found);
            }
        }
        forms.extend(paths(&answer.body, "action"));
    }
    (links, forms)
}

#[tokio::test]
async fn no_page_without_log_in() {
    let site = Site::with_devices(2).await;
    let cookie = site.cookie().await;
    let (links, forms) = walk(&site, &cookie).await;
    for expected in [
        "/registrations",
        "/enrolled",
        "/discovered",
        "/plugins",
        "/nodes",
        "/events",
        "/account",
        "/devices/example-sn000001",
    ] {
        assert!(links.contains(expected), "{expected} isn't linked: {links:?}");
    }
    assert!(forms.contains("/account/tokens"), "{forms:?}");
    for path in links.iter().filter(|path| !is_open(path)) {
        let answer = site.get(path, &[]).await;
        if path.starts_with("/api/") {
            assert_eq!(answer.status, 401, "{path}");
        } else {
            assert_eq!(answer.status, 303, "{path}");
            assert!(answer.header("location").unwrap().starts_with("/login?next=%2F"), "{path}: {answer:?}");
        }
    }
    for path in forms.iter().filter(|path| !is_open(path) && !["/", "/enrolled", "/events"].contains(&path.as_str())) {
        let answer = site.post(path, &[OURS], "").await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login?next=%2F")), "{path}");
    }
    assert_eq!(site.get("/nowhere", &[]).await.status, 303, "what isn't there is no secret shared either");
    assert_eq!(site.get("/nowhere", &[&cookie]).await.status, 404);
}

#[tokio::test]
async fn no_endpoint_without_a_token() {
    let site = Site::with_devices(1).await;
    let token = site.token(Right::Administer).await;
    let document = site.get("/api/v1/openapi.json", &[&token]).await.json();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if ["/api/v1/session", "/api/v1/register"].contains(&path.as_str()) && method == "post" {
                continue;
            }
            let path = path.replace("{id}", "example-sn000000").replace("{name}", "mfp").replace("{device}", "A1");
            for headers in [&["content-type: application/json"][..], &["authorization: Bearer guessed"]] {
                let answer = site.ask(&method.to_uppercase(), &path, headers, "{}").await;
                assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
                assert!(answer.json()["what_to_do"].is_string());
                asked += 1;
            }
        }
    }
    assert!(asked > 40, "{asked}");
    for path in ["/api/v1/openapi.json", "/metrics"] {
        assert_eq!(site.get(path, &[]).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn the_log_in_gives_a_cookie_that_scripts_and_other_sites_dont_have() {
    let site = Site::with_devices(0).await;
    let form = format!("user=admin&password={}&next=%2Fevents", site.password.expose());
    let answer = site.post("/login", &[OURS], &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/events")));
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    let cookie = format!("cookie: {}", answer.cookie());
    assert_eq!(site.get("/events", &[&cookie]).await.status, 200);
    assert_eq!(site.post("/logout", &[OURS, &cookie], "").await.status, 303);
    assert_eq!(site.get("/events", &[&cookie]).await.status, 303, "who logged out is out");
}

#[tokio::test]
async fn a_wrong_password_says_so_and_gives_nothing() {
    let site = Site::with_devices(0).await;
    let answer = site.post("/login", &[OURS], "user=admin&password=wrong&next=%2Fevents").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("set-cookie"), None);
    assert!(answer.body.contains("value=\"admin\"") && answer.body.contains("value=\"/events\""), "{}", answer.body);
    assert!(!answer.body.contains("wrong\""), "the password isn't sent back");
}

#[tokio::test]
async fn another_site_cant_act_with_the_cookie() {
    let site = Site::with_devices(1).await;
    let cookie = site.cookie().await;
    let form = "label=evil&right=administer&days=1";
    for foreign in ["sec-fetch-site: cross-site", "sec-fetch-site: same-site", "origin: http://evil.example", "x: y"] {
        let answer = site.post("/account/tokens", &[&cookie, foreign], form).await;
        assert_eq!(answer.status, 403, "{foreign}");
        let answer = site.ask("POST", "/api/v1/tokens", &[&cookie, foreign, "content-type: text/plain"], "{}").await;
        assert_eq!(answer.status, 403, "{foreign}");
        let answer = site.post("/login", &[foreign], "user=admin&password=x").await;
        assert_eq!(answer.status, 403, "nobody is logged in as somebody else: {foreign}");
    }
    let smuggled = site.post("/account/tokens", &[&cookie, "authorization: Bearer x"], form).await;
    assert_eq!(smuggled.status, 303, "beside a token the cookie counts for nothing: {smuggled:?}");
    assert_eq!(smuggled.header("location"), Some("/login?next=%2F"));
    let own = site.post("/account/tokens", &[&cookie, "origin: http://site"], form).await;
    assert_eq!(own.status, 200, "{own:?}");
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let site = Site::with_devices(0).await;
    for path in ["/", "/login", "/api/v1/devices", "/metrics", "/nowhere", "/assets/none"] {
        let answer = site.get(path, &[]).await;
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert_eq!(policy, hostler_web::headers::CONTENT_SECURITY_POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn who_may_see_their_own_only_gets_nothing_else() {
    let site = Site::with_devices(3).await;
    let own = site.token(Right::Own).await;
    assert_eq!(site.get("/api/v1/devices", &[&own]).await.json()["total"], 0);
    assert_eq!(site.get("/api/v1/devices/example-sn000001", &[&own]).await.status, 404);
    assert_eq!(site.get("/metrics", &[&own]).await.status, 403);
    for path in ["/api/v1/candidates", "/api/v1/events", "/api/v1/plugins", "/api/v1/nodes", "/api/v1/users"] {
        assert_eq!(site.get(path, &[&own]).await.status, 403, "{path}");
    }
    let fleet = site.get("/", &[&own]).await;
    assert_eq!(fleet.status, 200);
    assert!(!fleet.body.contains("href=\"/plugins\""), "nothing is offered that is refused");
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let site = Site::with_devices(0).await;
    let token = site.token(Right::Administer).await;
    let long = format!("{{\"label\":\"{}\"}}", "x".repeat(70_000));
    let answer = site.ask("POST", "/api/v1/tokens", &[&token, "content-type: application/json"], &long).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    let answer = site.ask("POST", "/api/v1/plugins", &[&token], &"x".repeat(200_000)).await;
    assert_eq!(answer.status, 400, "a plug-in may be longer, but it must be one: {answer:?}");
}

const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn a_program_s_token_makes_no_other_and_manages_nobody() {
    let site = Site::with_devices(0).await;
    let token = site.token(Right::Administer).await;
    site.add("grace", Right::See).await;
    for (method, path, body) in [
        ("POST", "/api/v1/tokens", r#"{"label":"more","right":"see","days":3650}"#),
        ("DELETE", "/api/v1/tokens/0", ""),
        ("PUT", "/api/v1/account/password", r#"{"old":"x","new":"correct horse battery"}"#),
        ("POST", "/api/v1/users", r#"{"name":"eve","password":"correct horse battery","right":"administer"}"#),
        ("POST", "/api/v1/users/grace/password", ""),
        ("DELETE", "/api/v1/users/grace", ""),
    ] {
        let answer = site.ask(method, path, &[&token, JSON], body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        assert!(answer.json()["what_to_do"].as_str().unwrap().contains("password"), "{answer:?}");
    }
    assert_eq!(site.ask("DELETE", "/api/v1/session", &[&token], "").await.status, 204, "it may end itself");
    assert_eq!(site.get("/api/v1/account", &[&token]).await.status, 401);
}

#[tokio::test]
async fn who_changes_the_password_stays_and_is_told_that_the_rest_ended() {
    let site = Site::with_devices(0).await;
    let (cookie, other, token) = (site.cookie().await, site.cookie().await, site.token(Right::See).await);
    let form = format!("old={}&new=correct+horse+battery", site.password.expose());
    let answer = site.post("/account/password", &[&cookie, OURS], &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account?done=password")), "{answer:?}");
    let page = site.get("/account?done=password", &[&cookie]).await;
    assert!(page.body.contains("Every other session and all your tokens have ended"), "{}", page.body);
    assert_eq!(site.get("/account", &[&other]).await.status, 303);
    assert_eq!(site.get("/api/v1/account", &[&token]).await.status, 401);
}

#[tokio::test]
async fn an_administrator_gives_a_new_password_and_removes_users_but_not_the_last_administrator() {
    let site = Site::with_devices(0).await;
    site.add("grace", Right::See).await;
    let cookie = site.cookie().await;
    let page = site.get("/account", &[&cookie]).await.body;
    assert!(page.contains("/account/users/grace/remove") && page.contains("/account/users/grace/password"), "{page}");
    let made = site.post("/account/users/grace/password", &[&cookie, OURS], "").await;
    assert_eq!(made.status, 200, "{made:?}");
    let (_, rest) = made.body.split_once("The new password of grace").unwrap();
    let password = rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = format!("user=grace&password={password}");
    assert_eq!(site.post("/login", &[OURS], &form).await.status, 303, "{password}");
    let removed = site.post("/account/users/grace/remove", &[&cookie, OURS], "").await;
    assert_eq!(removed.header("location"), Some("/account?done=parted"), "{removed:?}");
    assert_eq!(site.post("/login", &[OURS], &form).await.status, 401);
    let last = site.ask("DELETE", "/api/v1/users/admin", &[&cookie, OURS], "").await;
    assert_eq!(last.status, 409, "{last:?}");
}
