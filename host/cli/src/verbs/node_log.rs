//! `hostler node log` and `hostler node log-level`

use crate::client::Plain;
use crate::pieces::Pieces;
use crate::verbs::request::{Patience, ask, duration};
use anyhow::{Context, Result, bail};
use clap::Args;
use hostler_core::Timestamp;
use hostler_core::upkeep::{LogFrom, LogPiece};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
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
    since: Option<Since>,
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

/// A time, and as it was typed: the same command means another one later.
#[derive(Clone)]
struct Since {
    typed: String,
    at: Timestamp,
}

fn since(text: &str) -> Result<Since, String> {
    let since = |at| Since { typed: text.to_owned(), at: Timestamp(at) };
    let millis = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(since(millis(time)));
    }
    let ago = duration(text).map_err(|why| format!("{why}, or a time such as 2026-11-22T05:00:00Z"))?;
    let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
    Ok(since(millis(jiff::Timestamp::now()).saturating_sub(ago)))
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
            Some(path) => {
                let since = self.since.as_ref().map(|since| since.typed.clone());
                Out::File(Box::new(Resumed::open(path, What { node: self.id.clone(), since })?))
            }
            None => Out::Lines,
        };
        let begin = match (&self.since, self.all || self.out.is_some()) {
            (Some(since), _) => LogFrom::Since(since.at),
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

/// What is fetched into a file: two logs, or one from two places on, aren't mixed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct What {
    node: String,
    /// From when on, as it was typed; the whole log where nothing was.
    since: Option<String>,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.since {
            Some(since) => write!(f, "{} --since {since:?}", self.node),
            None => f.write_str(&self.node),
        }
    }
}

/// What stands beside a file that isn't whole.
#[derive(Serialize, Deserialize)]
struct Noted {
    what: What,
    /// Where the next piece begins.
    next: u64,
    /// How long the file is with those before it.
    length: u64,
}

/// A file that a log is fetched into. While it isn't whole, it stands beside it how far it is.
struct Resumed {
    file: File,
    beside: PathBuf,
    what: What,
    at: Option<u64>,
}

impl Resumed {
    fn open(path: &Path, what: What) -> Result<Self> {
        let beside = path.with_added_extension("next");
        let noted = std::fs::read(&beside).ok();
        let noted: Option<Noted> = noted.and_then(|noted| serde_json::from_slice(&noted).ok());
        let (shown, noting) = (path.display(), beside.display());
        if let Some(other) = noted.as_ref().map(|noted| &noted.what).filter(|other| **other != what) {
            bail!(
                "{shown} holds a part of another fetch: hostler node log {other}\n  Go on with that, name another file with \
                 --out, or delete {noting} to begin anew"
            );
        }
        let cannot = || format!("{} can't be written", path.display());
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).with_context(cannot)?;
        let there = file.metadata().with_context(cannot)?.len();
        // Of one that was deleted or cut meanwhile, what came before is gone.
        let noted = noted.filter(|noted| noted.length <= there);
        file.set_len(noted.as_ref().map_or(0, |noted| noted.length)).with_context(cannot)?;
        let _ = file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok(Self { file, beside, what, at: noted.map(|noted| noted.next) })
    }

    fn take(&mut self, piece: &LogPiece) -> Result<()> {
        self.file.write_all(piece.text.as_bytes())?;
        let noted = Noted { what: self.what.clone(), next: piece.next, length: self.file.stream_position()? };
        let half = self.beside.with_added_extension("tmp");
        std::fs::write(&half, serde_json::to_vec(&noted)?)?;
        Ok(std::fs::rename(&half, &self.beside)?)
    }

    fn finish(self) -> Result<()> {
        self.file.sync_all()?;
        Ok(std::fs::remove_file(&self.beside)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(node: &str, since: Option<&str>) -> What {
        What { node: node.to_owned(), since: since.map(str::to_owned) }
    }

    fn piece(at: u64, text: &str) -> LogPiece {
        let next = at + text.len() as u64;
        LogPiece { at, next, end: 1_000, oldest: 0, turned_over: false, text: text.to_owned() }
    }

    #[test]
    fn d07_a_fetch_goes_on_with_its_own_file_and_mixes_no_two_logs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.log");
        let hour = what("gateway-1", Some("1h"));
        let mut file = Resumed::open(&path, hour.clone()).unwrap();
        assert_eq!(file.at, None);
        file.take(&piece(100, "first\n")).unwrap();
        // It was killed between the file and what is noted of it.
        file.file.write_all(b"half").unwrap();
        drop(file);
        for other in [what("gateway-2", Some("1h")), what("gateway-1", None), what("gateway-1", Some("2h"))] {
            let why = Resumed::open(&path, other).err().unwrap().to_string();
            assert!(
                why.contains("hostler node log gateway-1 --since \"1h\"") && why.contains("gateway.log.next"),
                "{why}"
            );
        }
        let mut file = Resumed::open(&path, hour.clone()).unwrap();
        assert_eq!(file.at, Some(106));
        file.take(&piece(106, "second\n")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\nsecond\n");
        drop(file);
        std::fs::remove_file(&path).unwrap();
        let mut file = Resumed::open(&path, hour).unwrap();
        assert_eq!(file.at, None, "what came before was deleted");
        file.take(&piece(0, "anew\n")).unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "anew\n");
        assert!(!path.with_added_extension("next").exists());
    }
}
