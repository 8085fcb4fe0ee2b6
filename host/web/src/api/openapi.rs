//! The OpenAPI document.

use crate::auth::Who;
use crate::error::{ApiError, Problem};
use crate::state::Web;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::future::ready;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

/// What the document says besides the endpoints.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "hostler",
        description = "Find, watch and manage devices. Log in with a token made on the account page or with \
            `hostler token`, sent as `Authorization: Bearer …`. Times are milliseconds since 1970-01-01T00:00:00Z. \
            What goes wrong is told as `{error, what_to_do}`.",
    ),
    components(schemas(Problem)),
    modifiers(&Security),
    tags(
        (name = "devices", description = "The fleet."),
        (name = "candidates", description = "What answered in a network and isn't managed yet."),
        (name = "events", description = "What happened."),
        (name = "plugins", description = "The catalogue: what knows which type of device, and what it may do."),
        (name = "nodes", description = "This node and the gateways below it."),
        (name = "requests", description = "Questions to nodes and devices below, and how they ended."),
        (name = "enrollment", description = "Registering devices, and those that came in."),
        (name = "schedules", description = "What is done by the calendar."),
        (name = "account", description = "Who is asking."),
        (name = "access", description = "Users, and tokens for programs."),
        (name = "live", description = "What changes, while it changes."),
    )
)]
pub(crate) struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A program's token.")).build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description("hostler", "A browser's session; with TLS it is `__Host-hostler`.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let none: [&str; 0] = [];
        document.security =
            Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("session", none)]);
    }
}

/// `GET /api/v1/openapi.json`.
pub(crate) fn router(document: OpenApi) -> Router<Web> {
    let document = document.to_json().map(Bytes::from).map_err(|why| ApiError::internal(why.to_string()));
    let answer = move |_: Who| ready(document.clone().map(|text| ([(CONTENT_TYPE, "application/json")], text)));
    Router::new().route("/api/v1/openapi.json", get(answer))
}

#[cfg(test)]
mod tests {
    use crate::api;

    #[test]
    fn every_endpoint_says_what_it_is_for_and_who_may() {
        let (_, document) = api::router();
        let json = serde_json::to_value(&document).unwrap();
        let paths = json["paths"].as_object().unwrap();
        assert!(paths.len() > 15, "{}", paths.len());
        for (path, methods) in paths {
            assert!(path.starts_with("/api/v1/"), "{path}");
            for (method, operation) in methods.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                assert!(operation["tags"].is_array(), "{method} {path} has no tag");
                assert!(operation["responses"]["401"].is_object(), "{method} {path} doesn't tell of 401");
            }
        }
        assert!(json["components"]["securitySchemes"]["token"].is_object());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let (_, document) = api::router();
        let text = serde_json::to_string(&document).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(json.pointer(reference).is_some(), "{reference} is described nowhere");
        }
    }
}
