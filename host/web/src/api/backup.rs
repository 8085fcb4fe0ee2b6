//! A backup of the running node.

use crate::auth::Who;
use crate::error::{ApiError, Problems};
use crate::state::Web;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures::stream::unfold;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(make))
}

/// Make a backup of this node
///
/// The answer is the backup: the store as it is now, the certificate authority with its private keys, the plug-ins. It is
/// for administrators in person, not for programs' tokens; one is made at a time. `hostler restore` puts it back.
#[utoipa::path(post, path = "/backup", tag = "nodes",
    responses((status = 200, description = "A gzipped tar", content_type = "application/gzip", body = inline(String)), Problems))]
pub(crate) async fn make(State(web): State<Web>, who: Who) -> Result<impl IntoResponse, ApiError> {
    let stream = web.services.backups.make(&who.person(&web)?).await?;
    let pieces = unfold(stream, async |mut stream| stream.recv().await.map(|piece| (piece, stream)));
    let name = format!("attachment; filename=\"{}.backup.tar.gz\"", web.services.node.id);
    let headers = [(CONTENT_TYPE, "application/gzip".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pieces)))
}
