//! A child that keeps one connection and says the same again and again: as little as can be, so that what is measured is who
//! answers.

use super::children::Child;
use anyhow::{Context, Result, ensure};
use hostler_core::message::ExchangeUp;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where children call.
const EXCHANGE: &str = "/node/v1/exchange";

pub struct Poller {
    stream: TlsStream<TcpStream>,
    token: String,
    says: Vec<u8>,
    heard: Vec<u8>,
}

impl Poller {
    /// Connects, with a handshake in which both show who they are.
    pub async fn connect(child: &Child, authorities: &Arc<RootCertStore>, to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let stream = TlsConnector::from(child.tls(authorities)?).connect(ServerName::from(to.ip()), stream).await?;
        let mut new = Self { stream, token: child.token.clone(), says: Vec::new(), heard: Vec::new() };
        new.says(&ExchangeUp::default())?;
        Ok(new)
    }

    fn says(&mut self, up: &ExchangeUp) -> Result<()> {
        let body = serde_json::to_string(up)?;
        let head = format!(
            "POST {EXCHANGE} HTTP/1.1\r\nhost: parent\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        self.says = (head + &body).into_bytes();
        Ok(())
    }

    /// Meets its parent, and learns what it needn't be told again: from now on it waits so long where there is nothing to say.
    pub async fn meet(&mut self, wait_ms: u32) -> Result<()> {
        self.exchange().await?;
        let body = self.heard.windows(4).position(|four| four == b"\r\n\r\n").context("no head")? + 4;
        let down: Value = serde_json::from_slice(&self.heard[body..])?;
        let catalogue = down["catalogue"].as_str().unwrap_or_default().to_owned();
        self.says(&ExchangeUp { catalogue, wait_ms, ..ExchangeUp::default() })
    }

    /// One exchange; returns how long the answer's body is.
    pub async fn exchange(&mut self) -> Result<usize> {
        self.stream.write_all(&self.says).await?;
        self.stream.flush().await?;
        self.heard.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.heard).await? > 0, "the connection was closed");
            let Some(head) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&self.heard[..head])?;
            ensure!(text.starts_with("HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.heard));
            let length = text.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let length = length.context("an answer without a length")?;
            if self.heard.len() >= head + 4 + length {
                return Ok(length);
            }
        }
    }
}
