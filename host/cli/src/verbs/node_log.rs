//! `hostler node log` and `hostler node log-level`

use crate::client::Plain;
use crate::pieces::Pieces;
use crate::verbs::request::{Patience, ask, duration};
use anyhow::{Context, Result, bail};
use clap::Args;
use hostler_core::Timestamp;
use hostler_core::upkeep::{LogFrom, LogPiece};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked for new lines.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Args)]
pub struct NodeLog {
    /// The node's ID
    id: String,
    /// Lines written since then: how long ago, such as 2h, or a time, such as 2026-11-22T05:00:00Z
    #[arg(long, value_parser = since, conflicts_with = "all")]
    since: Option<Timestamp>,
    /// Everything that is kept
    #[arg(long)]
    all: bool,
    /// Go on with what is written from now on
    #[arg(long)]
    follow: bool,
    /// Write it into this file; a fetch that was broken off goes on where it stopped
    #[arg(long)]
    out: Option<PathBuf>,
    /// How long a piece is waited for, such as 30s, 5m or 2h
    #[arg(long, default_value = "1h", value_parser = duration)]
    within: Duration,
    #[command(flatten)]
    plain: Plain,
}

#[derive(Args)]
pub struct LogLevel {
    /// The node's ID
    id: String,
    /// Which part: hostler, or a part of it such as hostler_services::tree
    #[arg(requires = "level")]
    target: Option<String>,
    /// error, warn, info, debug, trace, or usual for as much as it says by itself
    #[arg(value_parser = ["error", "warn", "info", "debug", "trace", "usual"])]
    level: Option<String>,
    /// For how long, at most 24h; then it says as much as usual again
    #[arg(long = "for", default_value = "10m", value_parser = duration)]
    time: Duration,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    plain: Plain,
}

fn since(text: &str) -> Result<Timestamp, String> {
    let millis = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(millis(time)));
    }
    let ago = duration(text).map_err(|why| format!("{why}, or a time such as 2026-11-22T05:00:00Z"))?;
    let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
    Ok(Timestamp(millis(jiff::Timestamp::now()).saturating_sub(ago)))
}

impl LogLevel {
    pub async fn run(self) -> Result<()> {
        let question = match (&self.target, &self.level) {
            (Some(target), Some(level)) if level == "usual" => {
                json!({ "ask": "set-log-level", "wish": { "target": target } })
            }
            (Some(target), Some(level)) => {
                let wish = json!({ "target": target, "level": level, "for_s": self.time.as_secs() });
                json!({ "ask": "set-log-level", "wish": wish })
            }
            _ => json!({ "ask": "log-levels" }),
        };
        ask(&self.plain, &self.patience, json!({ "question": question, "node": self.id })).await
    }
}

impl NodeLog {
    pub async fn run(self) -> Result<()> {
        let client = self.plain.connection.client()?;
        let mut out = match &self.out {
            Some(path) => Out::File(Box::new(Resumed::open(path)?)),
            None => Out::Lines,
        };
        let begin = match (self.since, self.all || self.out.is_some()) {
            (Some(since), _) => LogFrom::Since(since),
            (None, true) => LogFrom::Start,
            (None, false) => LogFrom::Newest,
        };
        let mut from = out.goes_on_at().map_or(begin, LogFrom::At);
        let mut pieces = Pieces::of(&client, &self.id, self.within);
        loop {
            let answer = pieces.ask(&json!({ "ask": "log", "from": from })).await?;
            let piece: LogPiece = serde_json::from_value(answer.get("piece").cloned().unwrap_or(Value::Null))
                .context("the node's answer can't be read")?;
            if piece.turned_over {
                writeln!(
                    std::io::stderr(),
                    "lines are missing: {} keeps no more than what begins at {}",
                    self.id,
                    piece.oldest
                )?;
            }
            if piece.next <= piece.at && piece.next < piece.end {
                bail!(
                    "{} gives nothing of its log at {}, though that goes on to {}\n  Try --since, with a later time",
                    self.id,
                    piece.at,
                    piece.end
                );
            }
            out.take(&piece)?;
            from = LogFrom::At(piece.next);
            if piece.next >= piece.end {
                if !self.follow {
                    return out.finish();
                }
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

enum Out {
    Lines,
    File(Box<Resumed>),
}

impl Out {
    fn goes_on_at(&self) -> Option<u64> {
        match self {
            Self::Lines => None,
            Self::File(file) => file.at,
        }
    }

    fn take(&mut self, piece: &LogPiece) -> Result<()> {
        match self {
            Self::Lines => {
                let mut out = std::io::stdout();
                out.write_all(piece.text.as_bytes())?;
                Ok(out.flush()?)
            }
            Self::File(file) => file.take(piece),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Lines => Ok(()),
            Self::File(file) => file.finish(),
        }
    }
}

/// A file that a log is fetched into. Beside it, while it isn't whole, stands where the next piece begins and how long the
/// file is with those before it.
struct Resumed {
    file: File,
    beside: PathBuf,
    at: Option<u64>,
}

impl Resumed {
    fn open(path: &Path) -> Result<Self> {
        let beside = path.with_added_extension("next");
        let noted = std::fs::read_to_string(&beside).ok();
        let noted = noted.as_deref().and_then(|noted| {
            let (at, length) = noted.trim().split_once(' ')?;
            Some((at.parse::<u64>().ok()?, length.parse::<u64>().ok()?))
        });
        let cannot = || format!("{} can't be written", path.display());
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).with_context(cannot)?;
        file.set_len(noted.map_or(0, |(_, length)| length)).with_context(cannot)?;
        let _ = file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok(Self { file, beside, at: noted.map(|(at, _)| at) })
    }

    fn take(&mut self, piece: &LogPiece) -> Result<()> {
        self.file.write_all(piece.text.as_bytes())?;
        let length = self.file.stream_position()?;
        let half = self.beside.with_added_extension("tmp");
        std::fs::write(&half, format!("{} {length}\n", piece.next))?;
        Ok(std::fs::rename(&half, &self.beside)?)
    }

    fn finish(self) -> Result<()> {
        self.file.sync_all()?;
        Ok(std::fs::remove_file(&self.beside)?)
    }
}
