//! Fetching something in pieces, however long the way is away: what doesn't get through is asked again.

use crate::client::{Client, Refusal};
use crate::output::text;
use anyhow::{Result, anyhow, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use tokio::time::Instant;

/// A piece that isn't answered within so long is asked for anew.
const WITHIN: Duration = Duration::from_secs(30);

/// What can't be asked is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// Asks a node for pieces, until patience ends.
pub struct Pieces<'a> {
    client: &'a Client,
    node: &'a str,
    patience: Duration,
    said: Option<String>,
}

/// Why a piece didn't come.
enum Failed {
    /// It may come another time.
    ForNow(String),
    /// It won't.
    ForGood(anyhow::Error),
}

impl<'a> Pieces<'a> {
    /// Of this node; each is waited for at most so long.
    pub fn of(client: &'a Client, node: &'a str, patience: Duration) -> Self {
        Self { client, node, patience, said: None }
    }

    /// What is answered to this. It may be asked more than once.
    pub async fn ask(&mut self, question: &Value) -> Result<Value> {
        let until = Instant::now() + self.patience;
        loop {
            let why = match self.once(question).await {
                Ok(answer) => {
                    self.said = None;
                    return Ok(answer);
                }
                Err(Failed::ForGood(error)) => return Err(error),
                Err(Failed::ForNow(why)) => why,
            };
            if Instant::now() >= until {
                bail!("{why}\n  What came so far stays; the same command goes on where it stopped");
            }
            if self.said.as_ref() != Some(&why) {
                writeln!(std::io::stderr(), "it is tried again: {why}")?;
                self.said = Some(why);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn once(&self, question: &Value) -> Result<Value, Failed> {
        let within = WITHIN.min(self.patience).as_secs().max(1);
        let body = json!({ "question": question, "node": self.node, "within_s": within });
        let asking = self.client.request(Method::POST, &["requests"]).map_err(Failed::ForGood)?.json(&body);
        let mut request = self.client.send(asking).await.map_err(failed)?;
        while request["outcome"].is_null() {
            let id = text(&request, "/id");
            let again = self.client.request(Method::GET, &["requests", &id]).map_err(Failed::ForGood)?;
            request = self.client.send(again.query(&[("wait_s", "20")])).await.map_err(lost)?;
        }
        if let Some(answer) = request.pointer("/outcome/answered") {
            return Ok(answer.clone());
        }
        let said = format!("{} says: {}", text(&request, "/outcome/failed/by"), text(&request, "/outcome/failed/why"));
        Err(match request.pointer("/outcome/failed/failing").and_then(Value::as_str) {
            Some("refused") | None => Failed::ForGood(anyhow!(said)),
            Some(_) => Failed::ForNow(said),
        })
    }
}

/// A node that can't be reached, or can't now, may be there again; what it refuses it refuses.
fn failed(error: anyhow::Error) -> Failed {
    let away = error.chain().any(|cause| cause.is::<reqwest::Error>());
    let not_now = |status: StatusCode| status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    if away || status(&error).is_some_and(not_now) { Failed::ForNow(error.to_string()) } else { Failed::ForGood(error) }
}

/// The same of a piece that was asked for: one that isn't known any more is asked for anew.
fn lost(error: anyhow::Error) -> Failed {
    match status(&error) {
        Some(StatusCode::NOT_FOUND) => Failed::ForNow(error.to_string()),
        _ => failed(error),
    }
}

fn status(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refusal>().map(|refusal| refusal.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_what_a_node_can_not_do_now_is_asked_again_and_what_it_refuses_is_not() {
        let says = |status: StatusCode| anyhow!(Refusal::new(status, "no".to_owned()));
        let again = |failed: Failed| matches!(failed, Failed::ForNow(_));
        for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY] {
            assert!(again(failed(says(status))) && again(lost(says(status))), "{status}");
        }
        for status in [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST] {
            assert!(!again(failed(says(status))) && !again(lost(says(status))), "{status}");
        }
        assert!(!again(failed(says(StatusCode::NOT_FOUND))), "there is no such node");
        assert!(again(lost(says(StatusCode::NOT_FOUND))), "the node forgot what was asked");
    }
}
