//! Bare axum behind the same TLS, in a process of its own: it reads what comes and answers as many bytes, at once or never.

use crate::pages::Killed;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// How bare axum is started: with the authority that callers must be of, where they must; where to leave its own certificate;
/// how long its answer is; and whether it never gives one.
#[derive(clap::Args, Clone)]
pub struct BareArguments {
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
    #[arg(long, hide = true)]
    callers: Option<PathBuf>,
    #[arg(long, hide = true, default_value_t = 0)]
    answer: usize,
    #[arg(long, hide = true)]
    silent: bool,
}

/// Bare axum, until this is dropped.
pub struct Bare {
    pub address: SocketAddr,
    pub certificate: PathBuf,
    pub process: Killed,
}

impl Bare {
    pub fn start(folder: &Path, callers: Option<&Path>, answer: usize, silent: bool) -> Result<Self> {
        let certificate = folder.join("bare.crt");
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--bare").arg(&certificate).args(["--answer", &answer.to_string()]);
        callers.into_iter().for_each(|file| _ = command.arg("--callers").arg(file));
        command.args(silent.then_some("--silent"));
        let mut process = Killed(command.stdout(Stdio::piped()).spawn()?);
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self { address: line.trim().parse()?, certificate, process })
    }
}

impl BareArguments {
    /// Whether this process is bare axum.
    pub fn is_wanted(&self) -> bool {
        self.bare.is_some()
    }

    /// Serves for ever.
    pub async fn serve(self) -> Result<()> {
        let _ = rlimit::increase_nofile_limit(65_536);
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        std::fs::write(self.bare.context("no file")?, own.cert.pem())?;
        let config = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
        let config = match &self.callers {
            Some(file) => {
                let roots = super::children::authorities(&[file.as_path()])?;
                config.with_client_cert_verifier(WebPkiClientVerifier::builder(roots).build()?)
            }
            None => config.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let mut config = config.with_single_cert(vec![own.cert.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let answer = Bytes::from(vec![b' '; self.answer]);
        let silent = self.silent;
        let handler = post(move |_: Bytes| {
            let answer = answer.clone();
            async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                ([(CONTENT_TYPE, "application/json")], answer)
            }
        });
        let router = Router::new().fallback(handler);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        println!("{}", listener.local_addr()?);
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(config)));
        let server = axum_server::from_tcp(listener)?.acceptor(acceptor.acceptor(NoDelayAcceptor::new()));
        Ok(server.http1_only().serve(router.into_make_service()).await?)
    }
}
