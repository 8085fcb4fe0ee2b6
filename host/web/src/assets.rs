//! Script, style and icon, in the binary. A name contains a digest of its content, so that browsers keep it for ever and
//! fetch another one after an upgrade.

use crate::error::ApiError;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    /// What stands in the URL: stem, digest, extension.
    name: String,
    kind: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, content: &'static str) -> Self {
        let digest: String = hex::encode(Sha256::digest(content)).chars().take(16).collect();
        Self { name: format!("{stem}-{digest}.{extension}"), kind, content }
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("hostler", "css", "text/css; charset=utf-8", include_str!("../assets/hostler.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("hostler", "js", "text/javascript; charset=utf-8", include_str!("../assets/hostler.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")));

/// Where pages find the style.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// Where pages find the script.
pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// Where pages find the icon.
pub(crate) fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// Whether this path is one of ours; others are of another release.
pub(crate) fn file(path: &str) -> Option<&str> {
    let file = path.strip_prefix("/assets/")?;
    [&*STYLE, &*SCRIPT, &*ICON].into_iter().any(|asset| asset.name == file).then_some(file)
}

/// `GET /assets/{file}`. The one thing besides the log-in that needs no log-in: the log-in page uses it.
pub(crate) async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == file) else {
        return ApiError::new(StatusCode::NOT_FOUND, "there is no such file").into_response();
    };
    let tag = format!("\"{}\"", asset.name);
    let fixed = [(CACHE_CONTROL, "public, max-age=31536000, immutable"), (ETAG, tag.as_str())];
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, [(CONTENT_TYPE, asset.kind)], asset.content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(name: &str, known: Option<&str>) -> Response {
        let headers = known.iter().map(|tag| (IF_NONE_MATCH, tag.parse().unwrap())).collect();
        serve(Path(name.to_owned()), headers).await
    }

    #[tokio::test]
    async fn a_browser_keeps_it_for_ever_and_asks_by_its_tag() {
        let first = get(&STYLE.name, None).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert!(first.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let tag = first.headers()[ETAG].to_str().unwrap();
        assert_eq!(get(&STYLE.name, Some(tag)).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn other_names_are_not_there() {
        for name in ["hostler.css", "../Cargo.toml", ""] {
            assert_eq!(get(name, None).await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn the_script_makes_nothing_that_the_policy_forbids() {
        for word in ["eval(", "innerHTML", ".style", "Function(", "document.write"] {
            assert!(!SCRIPT.content.contains(word), "{word}");
        }
    }
}
