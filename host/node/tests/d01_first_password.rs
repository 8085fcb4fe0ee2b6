//! D1: a start that fails loses nothing; above all not the first password.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hostler_node::{Config, Node, StartError};
use hostler_runtime::Compiler;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

fn config(folder: &Path, address: SocketAddr, more: &str) -> Config {
    let text = format!(
        "[node]\nid = \"manager\"\ndata = \"data\"\nroles = [\"manager\"]\n\n[listen]\naddress = \"{address}\"\n{more}"
    );
    let path = folder.join("hostler.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

#[tokio::test]
async fn d01_a_first_start_that_fails_does_not_lose_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let start = async |address, more| Node::start(config(folder.path(), address, more), Compiler::Here).await;

    let refused = start(address, "").await;
    assert!(matches!(refused, Err(StartError::Listen(_, _))), "the port is in use");
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    std::fs::write(folder.path().join("bad.pem"), "no certificate").unwrap();
    let refused = start(free, "[listen.tls]\ncertificate = \"bad.pem\"\nkey = \"bad.pem\"\n").await;
    assert!(matches!(refused, Err(StartError::Certificate(_))), "the certificate is none");

    let node = start(free, "").await.unwrap_or_else(|error| panic!("{error}"));
    let (user, password) = node.first_login.clone().unwrap();
    let log_in = node.services.access.log_in(user.as_str(), password, Ipv4Addr::LOCALHOST.into()).await;
    assert!(log_in.is_ok());
    node.stop().await;
}
