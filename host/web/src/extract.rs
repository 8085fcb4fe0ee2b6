//! axum's extractors, with refusals that say what happened and what to do, to programs and people alike.

use crate::error::ApiError;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, Uri};
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

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(why) => {
                let asked = asked(&parts.extensions, &parts.uri);
                Err(ApiError::new(why.status(), why.body_text()).respond(asked.path()))
            }
        }
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
    let uri: Uri = format!("/?{given}").parse().map_err(|_| {
        ApiError::new(axum::http::StatusCode::BAD_REQUEST, "what stands behind the question mark can't be read")
    })?;
    match axum::extract::Query::try_from_uri(&uri) {
        Ok(axum::extract::Query(value)) => Ok(value),
        Err(why) => Err(ApiError::new(why.status(), why.body_text())),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = asked(request.extensions(), request.uri()).path().to_owned();
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(why) => Err(ApiError::new(why.status(), why.body_text()).respond(&path)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = asked(request.extensions(), request.uri()).path().to_owned();
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(why) => Err(ApiError::new(why.status(), why.body_text()).respond(&path)),
        }
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
