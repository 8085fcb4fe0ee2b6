//! What a registration's page offers to whoever sits at a computer in the devices' network: the program there finds the
//! devices and brings them their PINs, so that nobody types an address or opens a link. A `hostler:` link starts it where it is
//! installed; where it isn't, this manager hands it over.

use crate::auth::Who;
use crate::error::{ApiError, PageError};
use crate::state::Web;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use hostler_core::RegistrationId;
use hostler_core::enrollment::Link;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::OnceCell;

/// Bytes of the program that are read at a time.
const PORTION: usize = 64 << 10;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/terminal/hostler", get(program))
}

/// What the page offers.
#[derive(Clone, Debug)]
pub(super) struct Terminal {
    /// What starts the program where it is installed.
    pub(super) link: String,
    /// The command to copy.
    pub(super) command: String,
    /// What the program is for that is handed over, such as `linux, x86_64`.
    pub(super) platform: String,
    /// The SHA-256 of that program, so that whoever got it can compare; nothing where it can't be read any more.
    pub(super) sha256: Option<String>,
}

impl Terminal {
    /// What is offered at the address that the browser came to; nothing where this manager has no plug-ins for terminals.
    pub(super) async fn offer(
        web: &Web,
        who: &Who,
        head: &HeaderMap,
        registration: Option<&RegistrationId>,
    ) -> Result<Option<Self>, ApiError> {
        if web.services.catalogue.terminal(&who.viewer)?.is_empty() {
            return Ok(None);
        }
        let scheme = web.options.scheme.as_str();
        // The browser says where it came to; what is no address is offered to nobody.
        let host = head.get(HOST).and_then(|host| host.to_str().ok());
        let origin = host.and_then(|host| url::Url::parse(&format!("{scheme}://{host}")).ok()).map(|url| url.origin());
        let Some(manager) = origin.and_then(|origin| origin.ascii_serialization().parse::<url::Url>().ok()) else {
            return Ok(None);
        };
        let address = manager.origin().ascii_serialization();
        let link = Link { manager, registration: registration.cloned() }.to_string();
        let command = match registration {
            Some(_) => format!("hostler enroll '{link}'"),
            None => format!("hostler enroll --url {address}"),
        };
        let platform = format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH);
        let sha256 = match SHA256.get_or_try_init(sha256).await {
            Ok(sha256) => Some(sha256.clone()),
            Err(error) => {
                tracing::warn!(%error, "the SHA-256 of this program can't be shown");
                None
            }
        };
        Ok(Some(Self { link, command, platform, sha256 }))
    }
}

/// The SHA-256 of this very program: it is large and stays what it is, so it is read once, when it's first needed.
static SHA256: OnceCell<String> = OnceCell::const_new();

async fn sha256() -> std::io::Result<String> {
    let digest = tokio::task::spawn_blocking(|| {
        let mut program = std::fs::File::open(std::env::current_exe()?)?;
        let mut digest = Sha256::new();
        let mut portion = vec![0; PORTION];
        loop {
            let read = std::io::Read::read(&mut program, &mut portion)?;
            match portion.get(..read) {
                None | Some([]) => break Ok(hex::encode(digest.finalize())),
                Some(read) => digest.update(read),
            }
        }
    });
    digest.await.map_err(std::io::Error::other)?
}

/// This very program, for a terminal of the same kind of machine.
async fn program(_: Who) -> Result<Response, PageError> {
    let gone = |error: std::io::Error| {
        tracing::error!(%error, "this program can't be handed over");
        let said = "the program can't be handed over: it was replaced or removed since this manager was started";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, said)
            .advising("Ask whoever runs the manager to restart it.", "Restart the manager.")
    };
    let path = std::env::current_exe().map_err(gone)?;
    let file = tokio::fs::File::open(path).await.map_err(gone)?;
    let length = file.metadata().await.map_err(gone)?.len();
    let portions = stream::try_unfold(file, |mut file| async move {
        let mut portion = vec![0; PORTION];
        let read = file.read(&mut portion).await?;
        portion.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((portion, file)))
    });
    let head = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"hostler\"".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((head, Body::from_stream(portions)).into_response())
}
