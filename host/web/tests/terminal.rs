//! What a registration's page offers to whoever sits at a computer in the devices' network (E11): a link, a command, and the
//! program itself.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod site;

use hostler_core::enrollment::Link;
use sha2::{Digest, Sha256};
use site::Site;
use tokio::io::AsyncReadExt;

/// What stands between two texts.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before:?}: {page}")).1;
    rest.split(after).next().unwrap()
}

#[tokio::test]
async fn e11_the_page_s_link_and_command_are_what_the_program_reads() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    let form = "addresses=10.0.0.1&hours=24&sharing=each&places=&means=pin";
    let made = site.post("/registrations", &[&cookie, "sec-fetch-site: same-origin"], form).await;
    let at = made.header("location").unwrap();
    let page = site.get(at, &[&cookie]).await.body;
    assert!(!page.contains("hostler://"), "nothing is offered where there is nothing to fetch: {page}");

    site.install("lan-enrollment").await;
    let page = site.get(at, &[&cookie]).await.body;
    let link = between(&page, "href=\"hostler:", "\"");
    // As a browser reads it.
    let link = format!("hostler:{}", link.replace("&#38;", "&").replace("&amp;", "&"));
    let read: Link = link.parse().unwrap();
    assert_eq!(read.manager.as_str(), "http://site/");
    assert_eq!(read.registration.unwrap().as_str(), at.rsplit('/').next().unwrap());
    let command = between(&page, "./hostler enroll &#39;", "&#39;").replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(command, link);

    let list = site.get("/registrations", &[&cookie]).await.body;
    let link = format!("hostler:{}", between(&list, "href=\"hostler:", "\""));
    assert!(link.parse::<Link>().unwrap().registration.is_none(), "{link}");
    assert!(list.contains("./hostler enroll --url http://site<"), "{list}");
}

#[tokio::test]
async fn e11_the_program_that_is_handed_over_is_this_one_and_its_digest_stands_beside_it() {
    let site = Site::with_devices(0).await;
    let cookie = site.cookie().await;
    site.install("lan-enrollment").await;
    let page = site.get("/registrations", &[&cookie]).await.body;
    let shown = between(&page, "SHA-256 is <span class=\"code\">", "<").to_owned();

    let mut answer = site.open("GET", "/terminal/hostler", &[&cookie], "").await;
    let mut bytes = Vec::new();
    answer.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let body = &bytes[end + 4..];
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains("filename=\"hostler\"") && head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(body == own, "{} bytes came of {}", body.len(), own.len());
    assert_eq!(shown, hex::encode(Sha256::digest(body)));

    let nobody = site.get("/terminal/hostler", &[]).await;
    assert_ne!(nobody.status, 200, "{}", nobody.head);
}
