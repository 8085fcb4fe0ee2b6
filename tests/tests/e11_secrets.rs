//! E11, E6: what people give to the command line goes where they sent it and is seen by nobody else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::any;
use hostler_tests::{Place, program};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// What a server heard: its head's authorization and the body.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A server that answers everything with this, and keeps what it heard.
async fn server(place: &Place, last: u8, status: StatusCode, to: Option<String>) -> (String, Heard) {
    let heard = Heard::default();
    let answer = async move |State(heard): State<Heard>, head: HeaderMap, body: String| {
        let token = head.get(header::AUTHORIZATION).map(|token| token.to_str().unwrap().to_owned());
        heard.lock().unwrap().push((token.unwrap_or_default(), body));
        match to {
            Some(to) => (status, [(header::LOCATION, to)]).into_response(),
            None => (status, "{\"device\":\"A1\",\"state\":\"connecting\"}").into_response(),
        }
    };
    let listener = TcpListener::bind((place.address(0, last), 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pages = axum::Router::new().fallback(any(answer)).with_state(Arc::clone(&heard));
    tokio::spawn(async { axum::serve(listener, pages).await });
    (url, heard)
}

/// `hostler join pin` with a PIN at standard input.
async fn join(url: &str) -> (bool, String) {
    let mut command = tokio::process::Command::new(program());
    command.args(["join", "pin", "--url", url, "--token", "t"]).env("NO_PROXY", "127.0.0.0/8").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"7K3M-9QX2-4F\n").await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_a_pin_is_read_from_standard_input_where_no_argument_shows_it() {
    let place = Place::new(175);
    let (url, heard) = server(&place, 1, StatusCode::OK, None).await;
    let (well, said) = join(&url).await;
    assert!(well, "{said}");
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard, [("Bearer t".to_owned(), "{\"pin\":\"7K3M-9QX2-4F\"}".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_redirect_takes_no_secret_along() {
    let place = Place::new(176);
    let (elsewhere, stolen) = server(&place, 2, StatusCode::OK, None).await;
    let target = format!("{elsewhere}/api/v1/membership");
    let (url, heard) = server(&place, 1, StatusCode::TEMPORARY_REDIRECT, Some(target)).await;
    let (well, said) = join(&url).await;
    assert!(!well && said.contains("sends to another address") && said.contains(&elsewhere), "{said}");
    assert_eq!(heard.lock().unwrap().len(), 1);
    assert_eq!(*stolen.lock().unwrap(), [], "it followed");
}
