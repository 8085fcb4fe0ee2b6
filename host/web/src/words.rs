//! Values as people read them.

use hostler_core::Timestamp;
use hostler_core::reading::DeviceType;
use hostler_core::viewer::Right;
use std::fmt;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A time, as how long ago it was, with the time itself for who points at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    /// When it was, or will be.
    pub at: Timestamp,
    /// What the clock says.
    pub now: Timestamp,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, now } = self;
        write!(f, r#"<time datetime="{at}" title="{}">{}</time>"#, absolute(*at), relative(*at, *now))
    }
}

/// It consists of digits, letters and our own marks.
impl askama::filters::HtmlSafe for When {}

/// The time to the minute, in UTC.
pub(crate) fn absolute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if text.ends_with('Z') => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// The day, in UTC.
pub(crate) fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..10).map_or_else(|| text.clone(), str::to_owned)
}

/// How long ago, or how soon.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        return match at.since(now).as_secs() {
            0..MINUTE => "in a moment".to_owned(),
            seconds => format!("in {}", span(seconds)),
        };
    }
    match now.since(at).as_secs() {
        0..MINUTE => "just now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// How long, in the unit that fits.
pub(crate) fn span(seconds: u64) -> String {
    let (count, one, many) = match seconds {
        0..MINUTE => (seconds, "second", "seconds"),
        MINUTE..HOUR => (seconds / MINUTE, "min", "min"),
        HOUR..DAY => (seconds / HOUR, "hour", "hours"),
        seconds if seconds < 60 * DAY => (seconds / DAY, "day", "days"),
        seconds if seconds < 730 * DAY => (seconds / (30 * DAY), "month", "months"),
        seconds => (seconds / (365 * DAY), "year", "years"),
    };
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// A whole number with its thousands set apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with at most two digits behind the point.
pub(crate) fn decimal(number: f64) -> String {
    let text = format!("{:.2}", number.abs());
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    let rest = rest.trim_end_matches('0');
    let sign = if number < 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) { "−" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// From 0 to 1, in percent. What is nearly empty isn't called empty, what is nearly full not full.
pub(crate) fn percent(fraction: f64) -> String {
    match fraction * 100.0 {
        p if p > 0.0 && p < 1.0 => "< 1 %".to_owned(),
        p if p > 99.0 && p < 100.0 => "99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

/// A number as text, with what is counted. UCUM puts what has no unit in braces; people read it without.
pub(crate) fn counted(number: &str, unit: Option<&str>) -> String {
    match unit.unwrap_or_default() {
        "" | "1" => number.to_owned(),
        unit => match unit.strip_prefix('{').and_then(|unit| unit.strip_suffix('}')) {
            Some(thing) if number == "1" || thing.ends_with('s') => format!("{number} {thing}"),
            Some(thing) => format!("{number} {thing}s"),
            None => format!("{number} {unit}"),
        },
    }
}

/// So many bytes.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(size, _)| count >= *size);
    unit.map_or_else(
        || format!("{count} bytes"),
        |(size, name)| {
            let tenths = count.saturating_mul(10) / size;
            format!("{}.{} {name}", thousands(tenths / 10), tenths % 10)
        },
    )
}

/// How long, from seconds as a device tells them.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        // Below a minute the parts of a second count.
        short if short < 60.0 => counted(&decimal(short), Some("s")),
        long => span(long as u64),
    }
}

/// Without the clauses that name a command: gateways and services say them to who sits at a command line, and what
/// they said may be stored.
pub(crate) fn without_commands(text: &str) -> String {
    let kept = |text: &str, between: &str| {
        let kept = text.split(between).filter(|clause| !clause.contains("`hostler "));
        kept.collect::<Vec<_>>().join(between)
    };
    let clauses = text.split("; ").map(|clause| kept(clause, ", or ")).filter(|clause| !clause.is_empty());
    match clauses.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => text.replace('`', ""),
        some => some,
    }
}

/// With a capital letter in front.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// With a capital letter in front and a full stop behind.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{stop}", capital(text))
}

/// The device type as a query names it, and as people do.
pub(crate) const TYPES: [(DeviceType, &str, &str); 6] = [
    (DeviceType::Mfp, "mfp", "MFPs"),
    (DeviceType::Printer, "printer", "Printers"),
    (DeviceType::Scanner, "scanner", "Scanners"),
    (DeviceType::Appliance, "appliance", "Appliances"),
    (DeviceType::VendingMachine, "vending-machine", "Vending machines"),
    (DeviceType::Other, "other", "Others"),
];

/// Each right, as a form names it, and what it allows.
pub(crate) const RIGHTS: [(Right, &str, &str); 4] = [
    (Right::Own, "own", "devices that are theirs"),
    (Right::See, "see", "every device"),
    (Right::Operate, "operate", "adopt, place and read devices too"),
    (Right::Administer, "administer", "plug-ins, users and tokens too"),
];

/// A right in one word.
pub(crate) fn right(right: Right) -> &'static str {
    RIGHTS.into_iter().find(|(known, ..)| *known == right).map_or("", |(_, word, _)| word)
}

/// The class in the style sheet that has a supply's colour.
pub(crate) fn ink(colour: Option<&str>) -> &'static str {
    let colour = colour.unwrap_or_default().to_ascii_lowercase().replace(['-', '_', ' '], "");
    match colour.as_str() {
        "black" | "photoblack" | "matteblack" => "ink-black",
        "cyan" => "ink-cyan",
        "magenta" => "ink-magenta",
        "yellow" => "ink-yellow",
        "lightcyan" => "ink-light-cyan",
        "lightmagenta" => "ink-light-magenta",
        "gray" | "grey" | "lightgray" | "lightgrey" | "lightblack" => "ink-grey",
        "red" => "ink-red",
        "green" => "ink-green",
        "blue" => "ink-blue",
        "orange" => "ink-orange",
        "white" | "clear" | "transparent" => "ink-clear",
        _ => "ink-other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_read_as_people_say_them() {
        let now = Timestamp(1_790_000_000_000);
        let said = |seconds: u64| relative(Timestamp(now.0 - seconds * 1000), now);
        assert_eq!(said(5), "just now");
        assert_eq!(said(90), "1 min ago");
        assert_eq!(said(3 * HOUR), "3 hours ago");
        assert_eq!(said(36 * HOUR), "1 day ago");
        assert_eq!(said(100 * DAY), "3 months ago");
        assert_eq!(relative(Timestamp(now.0 + 5 * DAY * 1000), now), "in 5 days");
        assert_eq!(absolute(now), "2026-09-21 14:13 UTC");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        assert_eq!(decimal(-1234.5), "−1,234.5");
        assert_eq!(decimal(-0.001), "0");
        assert_eq!(percent(0.004), "< 1 %");
        assert_eq!(percent(0.997), "99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(bytes(1_600_000), "1.5 MiB");
    }

    #[test]
    fn units_read_as_words() {
        assert_eq!(counted("12", Some("{page}")), "12 pages");
        assert_eq!(counted("1", Some("{page}")), "1 page");
        assert_eq!(counted("62", Some("%")), "62 %");
        assert_eq!(counted("7", None), "7");
    }

    #[test]
    fn seconds_read_as_durations() {
        assert_eq!(duration(1_394_613.0), "16 days");
        assert_eq!(duration(0.5), "0.5 s");
        assert_eq!(duration(90.0), "1 min");
    }

    #[test]
    fn commands_are_left_out() {
        assert_eq!(without_commands("there is no device x; `hostler device list` shows them"), "there is no device x");
        assert_eq!(without_commands("a; b, or c"), "a; b, or c");
        assert_eq!(without_commands("it is damaged, or go back with `hostler plugin rollback x`"), "it is damaged");
        assert_eq!(without_commands("grant it with `hostler plugin grant x`"), "grant it with hostler plugin grant x");
    }

    proptest! {
        #[test]
        fn thousands_only_adds_commas(number: u64) {
            prop_assert_eq!(thousands(number).replace(',', ""), number.to_string());
        }

        #[test]
        fn any_number_can_be_said(number: f64, at: u64, now: u64) {
            decimal(number);
            absolute(Timestamp(at));
            relative(Timestamp(at), Timestamp(now));
        }
    }
}
