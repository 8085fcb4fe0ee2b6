//! axum's extractors, with refusals that say what happened and what to do, to programs and people alike.

use crate::error::ApiError;
use crate::plain::{nowhere, plain};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use serde::de::DeserializeOwned;
use url::form_urlencoded::{Serializer, parse};

/// The address as it was asked for: within the API's own router, what stands in the request has lost its beginning.
pub(crate) fn asked<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    extensions.get::<OriginalUri>().map_or(uri, |original| &original.0)
}

/// What stands in the path.
pub(crate) struct Path<T>(pub T);

/// What stands behind the question mark. A parameter without a value counts as not given, as forms send it.
#[derive(Default)]
pub(crate) struct Query<T>(pub T);

/// A body in JSON.
pub(crate) struct Json<T>(pub T);

/// A form that was sent.
pub(crate) struct Form<T>(pub T);

/// A form as it was sent: to be read, and to be drawn again where it is refused.
pub(crate) struct Sent(pub Vec<(String, String)>);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(why) => {
                let asked = asked(&parts.extensions, &parts.uri);
                Err(misnamed(&parts.method, why.status(), &why.body_text()).respond(asked.path()))
            }
        }
    }
}

/// A name that nothing can have: who looks for it finds nothing, who wants to make it learns the rule.
fn misnamed(method: &Method, status: StatusCode, said: &str) -> ApiError {
    let looks = matches!(*method, Method::GET | Method::HEAD | Method::DELETE);
    match nowhere(said).filter(|_| looks) {
        Some(nowhere) => ApiError::new(StatusCode::NOT_FOUND, nowhere),
        None => ApiError::new(status, plain(said)),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let asked = asked(&parts.extensions, &parts.uri);
        read(asked.query().unwrap_or_default()).map(Self).map_err(|error| error.respond(asked.path()))
    }
}

/// Reads what stands behind the question mark.
pub(crate) fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let given = parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty());
    let given = Serializer::new(String::new()).extend_pairs(given).finish();
    let uri: Uri = format!("/?{given}")
        .parse()
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "what stands behind the question mark can't be read"))?;
    match axum::extract::Query::try_from_uri(&uri) {
        Ok(axum::extract::Query(value)) => Ok(value),
        Err(why) => Err(ApiError::new(why.status(), plain(&why.body_text()))),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = asked(request.extensions(), request.uri()).path().to_owned();
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(why) => Err(ApiError::new(why.status(), plain(&why.body_text())).respond(&path)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = asked(request.extensions(), request.uri()).path().to_owned();
        form(request, state).await.map(Self).map_err(|error| error.respond(&path))
    }
}

async fn form<T: DeserializeOwned, S: Send + Sync>(request: Request, state: &S) -> Result<T, ApiError> {
    match axum::Form::from_request(request, state).await {
        Ok(axum::Form(value)) => Ok(value),
        Err(why) => Err(ApiError::new(why.status(), plain(&why.body_text()))),
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        Form::from_request(request, state).await.map(|Form(pairs)| Self(pairs))
    }
}

impl Sent {
    /// What the form says.
    pub(crate) async fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let text = Serializer::new(String::new()).extend_pairs(&self.0).finish();
        let mut request = Request::new(Body::from(text));
        *request.method_mut() = Method::POST;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        form(request, &()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostler_core::reading::{Condition, DeviceType};
    use hostler_services::Query as Find;
    use proptest::prelude::*;

    #[test]
    fn what_a_form_leaves_empty_is_not_given() {
        let find: Find = read("text=&condition=&device_type=vending-machine&site=+&offset=50").unwrap();
        assert_eq!(find.text, None);
        assert_eq!(find.condition, None);
        assert_eq!(find.site, None);
        assert_eq!(find.device_type, Some(DeviceType::VendingMachine));
        assert_eq!(find.offset, 50);
    }

    #[test]
    fn text_comes_through_as_typed() {
        let find: Find = read("text=caf%C3%A9+%26+bar%2B&condition=stopped").unwrap();
        assert_eq!(find.text.as_deref(), Some("café & bar+"));
        assert_eq!(find.condition, Some(Condition::Stopped));
    }

    #[test]
    fn what_is_no_condition_is_named() {
        let error = read::<Find>("condition=broken").map(|_| ()).unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(error.problem().error.contains("broken"), "{}", error.problem().error);
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched_for(text in "\\PC{1,40}") {
            let query = Serializer::new(String::new()).append_pair("text", &text).finish();
            let find: Find = read(&query).unwrap();
            prop_assert_eq!(find.text, (!text.trim().is_empty()).then_some(text));
        }

        #[test]
        fn whatever_stands_there_is_read_or_refused(query in ".{0,80}") {
            let _ = read::<Find>(&query);
        }
    }
}
