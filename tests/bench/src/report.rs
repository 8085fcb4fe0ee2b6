//! How figures are told.

use serde_json::json;

/// What a ratio should be.
#[derive(Clone, Copy)]
pub enum Aim {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Told only.
    None,
}

pub struct Report {
    json: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        if !json {
            println!("{:<46} {:>14} {:>14} {:>7}   aim", "figure", "ours", "other", "ratio");
        }
        Self { json }
    }

    /// One figure: ours, the other's, and whether their ratio is what it should be.
    pub fn figure(&self, name: &str, unit: &str, ours: f64, other: f64, aim: Aim) {
        let ratio = ours / other;
        let (aim_text, met) = match aim {
            Aim::AtMost(most) => (format!("≤ {most}"), Some(ratio <= most)),
            Aim::AtLeast(least) => (format!("≥ {least}"), Some(ratio >= least)),
            Aim::None => ("-".to_owned(), None),
        };
        if self.json {
            let line = json!({ "name": name, "unit": unit, "ours": ours, "other": other, "ratio": ratio, "aim": aim_text, "met": met });
            println!("{line}");
            return;
        }
        let met = match met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        println!("{name:<46} {:>14} {:>14} {ratio:>7.2}   {aim_text} {met}", scale(ours, unit), scale(other, unit));
    }
}

fn scale(value: f64, unit: &str) -> String {
    if value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}
