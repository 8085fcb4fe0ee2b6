//! How the walk is told: lines with ticks for people, JSON lines for programs.

use super::stage::Stage;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::future::Future;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

pub struct Report {
    json: bool,
    step: usize,
    colour: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if !json {
            println!("hostler demo: a manager, a gateway and simulated devices, all on this machine\n");
        }
        Self { json, step: 0, colour }
    }

    /// Runs a step and tells how it went. `rows` are the rows of the mission that it shows.
    pub async fn step<T>(
        &mut self,
        rows: &[&str],
        title: &str,
        work: impl Future<Output = Result<(String, T)>>,
    ) -> Option<T> {
        self.step += 1;
        let started = Instant::now();
        let spinner = if self.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}") {
            spinner.set_style(style);
        }
        spinner.set_message(title.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        let outcome = work.await;
        spinner.finish_and_clear();
        let took = started.elapsed();
        let (held, detail, value) = match outcome {
            Ok((detail, value)) => (true, detail, Some(value)),
            Err(error) => (false, format!("{error:#}"), None),
        };
        if self.json {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let line =
                json!({ "step": self.step, "rows": rows, "title": title, "held": held, "detail": detail, "ms": ms });
            println!("{line}");
        } else {
            let mark = self.paint(if held { "32" } else { "31" }, if held { "✓" } else { "✗" });
            let rows = self.paint("2", &format!("[{}]", rows.join(" ")));
            println!("{mark} {:>2}  {title}  {rows}", self.step);
            detail.lines().for_each(|line| println!("        {}", self.paint("2", line)));
        }
        value
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Says where the page is and how to get in.
    pub fn farewell(&self, stage: &Stage) {
        let (url, user, password) = (stage.manager.url(), &stage.login.0, &stage.login.1);
        if self.json {
            println!("{}", json!({ "url": url, "user": user, "password": password, "data": stage.manager_data() }));
            return;
        }
        println!("\nThe fleet's page:  {}", self.paint("1", &url));
        println!("Log in as:         {}", self.paint("1", &format!("{user} / {password}")));
        println!("Command line:      hostler device list --data {}", stage.manager_data().display());
        println!("\nEverything stays up until you press Ctrl-C.");
    }
}
