//! E14: user IDs come from a directory of somebody else's making (slapd), over LDAP and over TLS.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Node, Peer, Place, Setup, peer, until};
use reqwest::Method;
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const ENTRIES: &str = "dn: dc=example,dc=org
objectClass: domain
dc: example

dn: cn=hostler,dc=example,dc=org
objectClass: person
cn: hostler
sn: hostler
userPassword: let me look

dn: cn=Ada,dc=example,dc=org
objectClass: inetOrgPerson
cn: Ada
sn: Lovelace
mail: ada@example.org

dn: cn=Lin,dc=example,dc=org
objectClass: inetOrgPerson
cn: Lin
sn: Lin
mail: lin@example.org
";

/// Writes a directory that only `cn=hostler` may search, and returns how it is started.
fn directory(place: &Place, slapd: &Path, tls: &str) -> std::path::PathBuf {
    let (conf, data, ldif) = (place.path("slapd.conf"), place.path("slapd"), place.path("entries.ldif"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(&ldif, ENTRIES).unwrap();
    let mut text = String::new();
    for schema in ["core", "cosine", "inetorgperson"] {
        let _ = writeln!(text, "include /etc/ldap/schema/{schema}.schema");
    }
    let _ =
        writeln!(text, "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {}\n{tls}", data.join("pid").display());
    let _ = writeln!(text, "database mdb\nsuffix \"dc=example,dc=org\"\ndirectory {}", data.display());
    let _ = writeln!(text, "access to * by dn.exact=\"cn=hostler,dc=example,dc=org\" read by anonymous auth by * none");
    std::fs::write(&conf, text).unwrap();
    let adding = ["-T", "add", "-f", conf.to_str().unwrap(), "-l", ldif.to_str().unwrap()];
    let added = Command::new(slapd).args(adding).output().unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    conf
}

async fn start(slapd: &Path, conf: &Path, url: &str, at: std::net::SocketAddr) -> Peer {
    let peer = Peer::start(slapd, |command| command.args(["-d", "0", "-f", conf.to_str().unwrap(), "-h", url]));
    until("the directory listens", async || tokio::net::TcpStream::connect(at).await.ok()).await;
    peer
}

async fn register(node: &Node, user: &str) -> (u16, String) {
    let body = json!({ "user": user, "password": "correct horse battery" }).to_string();
    let nobody = node.api().with_token(None);
    let answer = nobody.send(Method::POST, "/api/v1/register", "application/json", body).await.unwrap();
    (answer.status.as_u16(), answer.text)
}

async fn story(place: Place, tls: bool) {
    let Some(slapd) = peer("slapd") else { return };
    let at = place.free_tcp(place.address(100, 1));
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![at.ip().to_string()]).unwrap().self_signed(&key).unwrap();
    let (certificate_file, key_file) = (place.path("directory.pem"), place.path("directory.key"));
    std::fs::write(&certificate_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    std::fs::write(place.path("password"), "let me look\n").unwrap();
    let (scheme, server, client) = if tls {
        let server =
            format!("TLSCertificateFile {}\nTLSCertificateKeyFile {}", certificate_file.display(), key_file.display());
        ("ldaps", server, "certificate = \"../directory.pem\"\n")
    } else {
        ("ldap", String::new(), "")
    };
    let conf = directory(&place, &slapd, &server);
    let url = format!("{scheme}://{at}/");
    let running = start(&slapd, &conf, &url, at).await;
    let lines = format!(
        "self-registration = \"guests\"\n[enrollment.guests.directory]\nurl = {url:?}\n\
         base = \"dc=example,dc=org\"\nbind-dn = \"cn=hostler,dc=example,dc=org\"\npassword-file = \"../password\"\n{client}"
    );
    let node = Node::start(Setup::manager(&place).section("enrollment", &lines)).await;

    let (status, said) = register(&node, "grace@example.org").await;
    assert!(status == 403 && said.contains("on the guest list"), "{status} {said}\n{}", node.log());
    let (status, said) = register(&node, "ada@example.org").await;
    assert_eq!(status, 201, "{said}\n{}", node.log());
    assert_eq!(register(&node, "*").await.0, 400, "what isn't a user ID asks nobody");

    // Away: it is said, and nobody is let in.
    drop(running);
    let (status, said) = register(&node, "lin@example.org").await;
    assert!(status == 503 && said.contains("guest list can't be looked at"), "{status} {said}");
    until("the log says it", async || node.log().contains("the directory of guests can't be asked").then_some(()))
        .await;
    assert!(!node.log().contains("let me look"), "its password was logged");
    let _running = start(&slapd, &conf, &url, at).await;
    assert_eq!(register(&node, "lin@example.org").await.0, 201);

    // Another password than the directory's, taken as it is now: it refuses, and nobody is let in.
    std::fs::write(place.path("password"), "something else").unwrap();
    assert_eq!(register(&node, "grace@example.org").await.0, 503);
    assert_eq!(node.api().get("users").await.unwrap().as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn e14_guests_of_a_directory_register_and_others_dont() {
    story(Place::new(103), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e14_a_directory_is_asked_over_tls_with_a_certificate_that_is_trusted() {
    story(Place::new(104), true).await;
}
