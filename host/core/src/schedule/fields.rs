//! Which field of a calendar expression can't be, so that whoever wrote it is told that one and not the whole. What a field
//! may be is the parser's to say; it is only given one at a time, and no letters that it would read in the middle of something.

use super::calendar::BadCalendar;
use croner::parser::CronParser;

/// What a field is called, the words that it may have, and what it may be.
struct Field {
    name: &'static str,
    words: &'static [&'static str],
    rule: &'static str,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "L"];

const FIELDS: [Field; 5] = [
    Field {
        name: "minute (the first field)",
        words: &[],
        rule: "0 to 59, as in \"0\", \"0,30\", \"*/15\" or \"*\" for every minute",
    },
    Field {
        name: "hour (the second field)",
        words: &[],
        rule: "0 to 23, as in \"6\", \"8-18\", \"*/2\" or \"*\" for every hour",
    },
    Field {
        name: "day of the month (the third field)",
        words: &["L", "LW"],
        rule: "1 to 31, as in \"1\", \"1,15\", \"L\" for the last one or \"*\" for every day",
    },
    Field {
        name: "month (the fourth field)",
        words: &MONTHS,
        rule: "1 to 12 or JAN to DEC, as in \"3\", \"MAR-OCT\", \"*/3\" or \"*\" for every month",
    },
    Field {
        name: "day of the week (the fifth field)",
        words: &DAYS,
        rule: "0 (Sunday) to 7 (Sunday again) or SUN to SAT, as in \"1-5\", \"MON,THU\", \"MON#1\" for the first Monday of a \
               month or \"*\" for every day",
    },
];

/// Whether each of the five fields can be.
pub(super) fn check(expression: &str, parser: &CronParser) -> Result<(), BadCalendar> {
    let given: Vec<&str> = expression.split(' ').filter(|field| !field.is_empty()).collect();
    if given.len() != FIELDS.len() {
        return Err(BadCalendar::Fields { given: expression.to_owned(), count: given.len() });
    }
    for (at, (field, text)) in FIELDS.iter().zip(&given).enumerate() {
        let mut alone = ["*"; 5];
        if let Some(place) = alone.get_mut(at) {
            *place = text;
        }
        if !has_words(field, text) || parser.parse(&alone.join(" ")).is_err() {
            return Err(BadCalendar::Field { field: field.name, given: (*text).to_owned(), rule: field.rule });
        }
    }
    Ok(())
}

/// Whether its letters are words of this field, or stand behind a number as `15W` and `5L` do.
fn has_words(field: &Field, text: &str) -> bool {
    let parts = text.split([',', '-', '/', '#']).filter(|part| part.chars().any(|c| !c.is_ascii_digit() && c != '*'));
    parts.into_iter().all(|part| {
        let part = part.to_ascii_uppercase();
        let numbered = |letter| part.strip_suffix(letter).is_some_and(|number: &str| number.parse::<u8>().is_ok());
        let behind = match field.words {
            ["L", ..] => numbered('W'),
            [.., "L"] => numbered('L') || DAYS.iter().any(|day| part.strip_suffix('L') == Some(day)),
            _ => false,
        };
        behind || field.words.contains(&part.as_str())
    })
}
