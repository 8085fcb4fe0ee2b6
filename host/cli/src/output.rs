//! Tables for people, JSON for programs.

use anyhow::Result;
use clap::Args;
use comfy_table::{ContentArrangement, Row, Table, presets};
use hostler_core::Timestamp;
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// How to print.
#[derive(Args, Clone, Copy, Debug)]
pub struct Output {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

impl Output {
    /// Prints JSON as it came, or what `people` makes of it.
    pub fn print(self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { people(value) };
        Ok(writeln!(std::io::stdout(), "{}", text.trim_end())?)
    }
}

/// A table with these headings, as wide as the terminal; what is too long goes on in the next line.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    drawn(headings, rows.into_iter().map(Row::from))
}

/// A table with these headings, as wide as the terminal, each row in one line: what is too long is cut.
pub fn lines(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    drawn(headings, rows.into_iter().map(one_line))
}

fn one_line(cells: Vec<String>) -> Row {
    let mut row = Row::from(cells);
    row.max_height(1);
    row
}

fn drawn(headings: &[&str], rows: impl Iterator<Item = Row>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headings.iter().map(|heading| heading.to_uppercase()));
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let mut empty = true;
    for row in rows {
        empty = false;
        table.add_row(row);
    }
    if empty { "nothing".to_owned() } else { table.to_string() }
}

/// A text of a JSON object, or a dash.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Array(none)) if none.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(Value::Array(all)) => printable(&all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        Some(other) => other.to_string(),
    }
}

/// A text without what would change how a terminal shows the rest: control characters and marks of direction.
pub fn printable(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// How long ago a moment was, in one unit.
pub fn ago(value: &Value, pointer: &str) -> String {
    let Some(then) = value.pointer(pointer).and_then(Value::as_u64) else { return "-".to_owned() };
    match hostler_node::now().since(Timestamp(then)).as_secs() {
        seconds @ 0..100 => format!("{seconds} s ago"),
        seconds @ 100..6_000 => format!("{} min ago", seconds / 60),
        seconds @ 6_000..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// The elements of a JSON array.
pub fn each<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// Asks whoever sits there; nobody there is no.
pub fn confirmed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
