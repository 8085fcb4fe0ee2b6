//! What parsers say of a request, as people would: which field, what is wrong with it, what it may be.

/// What axum puts before it.
const HEADS: [&str; 4] = [
    "Failed to deserialize form body: ",
    "Failed to deserialize query string: ",
    "Failed to deserialize the JSON body into the target type: ",
    "Invalid URL: ",
];

/// A rejection as a sentence for people.
pub(crate) fn plain(said: &str) -> String {
    if let Some(why) = said.strip_prefix("Failed to parse the request body as JSON: ") {
        return format!("the body isn't JSON: {why}");
    }
    let said = headless(said);
    // Where it stands in the body helps nobody who is told the field.
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let field = said.split_once(": ").filter(|(field, _)| is_field(field));
    let (field, why) = field.map_or((None, said), |(field, why)| (Some(field), why));
    let of = |rule: String| field.map_or_else(|| format!("it {rule}"), |field| format!("“{field}” {rule}"));
    missing(why)
        .or_else(|| unknown_field(why))
        .or_else(|| rule(why).map(of))
        .unwrap_or_else(|| field.map_or_else(|| why.to_owned(), |field| format!("“{field}”: {why}")))
}

/// What is said of a name in an address that nothing can have.
pub(crate) fn nowhere(said: &str) -> Option<String> {
    let (name, rest) = headless(said).rsplit_once(" is not a ")?;
    let name = name.get(name.find('"')?..)?;
    let kind = rest.split(':').next()?;
    let thing = kind.strip_suffix(" ID").or_else(|| kind.strip_suffix(" name")).unwrap_or(kind);
    Some(format!("there is no {thing} {name}"))
}

fn headless(said: &str) -> &str {
    HEADS.iter().find_map(|head| said.strip_prefix(head)).unwrap_or(said)
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]".contains(c))
}

fn missing(why: &str) -> Option<String> {
    let field = why.strip_prefix("missing field `")?.strip_suffix('`')?;
    Some(format!("“{field}” is missing"))
}

fn unknown_field(why: &str) -> Option<String> {
    let (field, known) = why.strip_prefix("unknown field `")?.rsplit_once("`, expected ")?;
    Some(format!("there is no field “{field}”; there is {}", listed(known, "and")))
}

/// What a field must be, as the end of a sentence.
fn rule(why: &str) -> Option<String> {
    if let Some((found, known)) = why.strip_prefix("unknown variant `").and_then(|why| why.rsplit_once("`, expected "))
    {
        return Some(format!("can't be “{found}”; it may be {}", listed(known, "or")));
    }
    let mistaken = why.strip_prefix("invalid type: ").or_else(|| why.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = mistaken.and_then(|why| why.rsplit_once(", expected ")) {
        return Some(format!("must be {}, not {}", kind(wanted), found.replace('`', "")));
    }
    match why {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            Some("must be a whole number, 0 or more".to_owned())
        }
        "number too large to fit in target type" => Some("is too large a number".to_owned()),
        "provided string was not `true` or `false`" => Some("must be true or false".to_owned()),
        _ => None,
    }
}

/// What a parser wants, in words.
fn kind(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        other if other.starts_with("struct ") || other == "a map" => "an object",
        other => other,
    }
}

/// The names that stand in backticks, as a list.
fn listed(known: &str, last: &str) -> String {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    match names.split_last() {
        None => known.to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rejection_names_the_field_and_what_it_may_be() {
        for (said, expected) in [
            (
                "Failed to deserialize query string: condition: unknown variant `foo`, expected one of `fine`, `asleep`, `stopped`",
                "“condition” can't be “foo”; it may be fine, asleep or stopped",
            ),
            (
                "Failed to deserialize the JSON body into the target type: site: \"B M\" is not a site ID: lower-case letters at line 1 column 30",
                "“site”: \"B M\" is not a site ID: lower-case letters",
            ),
            ("Failed to deserialize form body: missing field `name`", "“name” is missing"),
            (
                "Failed to deserialize form body: days: invalid digit found in string",
                "“days” must be a whole number, 0 or more",
            ),
            (
                "Failed to deserialize the JSON body into the target type: label: invalid type: integer `1`, expected a string at line 1 column 10",
                "“label” must be text, not integer 1",
            ),
            (
                "Failed to deserialize the JSON body into the target type: x: unknown field `x`, expected `a` or `b` at line 1 column 4",
                "there is no field “x”; there is a and b",
            ),
            (
                "Failed to parse the request body as JSON: expected value at line 1 column 1",
                "the body isn't JSON: expected value at line 1 column 1",
            ),
        ] {
            assert_eq!(plain(said), expected);
        }
    }

    #[test]
    fn an_impossible_name_in_an_address_is_a_thing_that_isnt_there() {
        let said = r#"Invalid URL: "X" is not a plug-in name: lower-case letters, digits and hyphens"#;
        assert_eq!(nowhere(said).as_deref(), Some(r#"there is no plug-in "X""#));
        assert_eq!(nowhere("Invalid URL: Invalid UTF-8 in `id`"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_said_can_be_put_plainly(said in "\\PC{0,80}") {
            plain(&said);
            nowhere(&said);
        }
    }
}
