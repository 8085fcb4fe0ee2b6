//! Between a call's XML and the JSON that the API and the exchange have of it, by a description.

use super::describe::{Field, Form, Kind, Occurs, PAIR, Shape};
use super::fault::Fault;
use super::xml::Element;
use hostler_core::Timestamp;
use serde_json::{Map, Value};

/// The longest text that is read, in characters.
const LONGEST: usize = 1_000;

/// Attributes that schemas put everywhere (XML Schema part 1 §2.6).
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

fn wrong(reason: String) -> Fault {
    Fault::sender("invalid", reason).advising("Correct it by the WSDL and send it again.")
}

/// Reads what stands in an element.
///
/// # Errors
/// What is missing, too much, or no such value.
pub(super) fn read(element: &Element, namespace: &str, fields: &[Field]) -> Result<Value, Fault> {
    let around = &element.name.local;
    if !element.text.trim().is_empty() {
        return Err(wrong(format!("“{around}” has a text, where only elements may stand")));
    }
    for child in &element.children {
        let name = &child.name;
        if name.namespace != namespace {
            let (is, local) = (&name.namespace, &name.local);
            return Err(wrong(format!(
                "“{local}” in “{around}” is of the namespace “{is}”, and must be of {namespace}"
            )));
        }
        if !fields.iter().any(|field| field.name == name.local) {
            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            return Err(wrong(format!("“{around}” has no “{}”; it may have {known}", name.local)));
        }
    }
    let mut object = Map::new();
    for field in fields {
        let given: Vec<&Element> = element.all(namespace, field.name).filter(|given| !is_nil(given)).collect();
        if let Some(value) = field_of(field, &given, namespace, around)? {
            object.insert(field.name.to_owned(), value);
        }
    }
    Ok(Value::Object(object))
}

fn is_nil(element: &Element) -> bool {
    matches!(element.attribute(INSTANCE, "nil").map(str::trim), Some("true" | "1"))
}

fn field_of(field: &Field, given: &[&Element], namespace: &str, around: &str) -> Result<Option<Value>, Fault> {
    let name = field.name;
    if matches!(field.kind, Kind::Pairs) {
        let mut pairs = Map::new();
        for pair in given {
            let pair = read(pair, namespace, PAIR.fields)?;
            let part = |key: &str| pair.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            if pairs.insert(part("name"), Value::String(part("value"))).is_some() {
                return Err(wrong(format!("“{name}” has {} twice", part("name"))));
            }
        }
        return Ok(Some(Value::Object(pairs)));
    }
    match (field.occurs, given) {
        (Occurs::Many, all) => {
            let all: Result<Vec<Value>, Fault> =
                all.iter().map(|given| value(name, field.kind, given, namespace)).collect();
            all.map(|all| Some(Value::Array(all)))
        }
        (_, [only]) => value(name, field.kind, only, namespace).map(Some),
        (Occurs::Maybe, []) => Ok(None),
        (Occurs::One, []) => Err(wrong(format!("“{name}” is missing in “{around}”"))),
        (_, _) => Err(wrong(format!("“{name}” stands in “{around}” more than once"))),
    }
}

fn value(name: &str, kind: Kind, element: &Element, namespace: &str) -> Result<Value, Fault> {
    let inner = || {
        if element.children.is_empty() {
            Ok(element.text.trim())
        } else {
            Err(wrong(format!("“{name}” has elements in it")))
        }
    };
    let must = |what: &str| wrong(format!("“{name}” must be {what}"));
    match kind {
        Kind::Text => {
            inner()?;
            if element.text.chars().nth(LONGEST).is_some() {
                return Err(must(&format!("a text of at most {LONGEST} characters")));
            }
            Ok(Value::String(element.text.clone()))
        }
        Kind::Count => inner()?.parse::<u64>().map(Value::from).map_err(|_| must("a whole number, 0 or more")),
        Kind::Integer => inner()?.parse::<i64>().map(Value::from).map_err(|_| must("a whole number")),
        Kind::Number => {
            let number = inner()?.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Value::Number).ok_or_else(|| must("a number"))
        }
        Kind::Flag => match inner()? {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(must("true or false")),
        },
        Kind::Of(shape) => shaped(shape, read(element, namespace, shape.fields)?, name),
        Kind::Moment | Kind::Pairs => Err(must("left out")),
    }
}

/// What was read of a shape, as its JSON.
fn shaped(shape: &Shape, read: Value, name: &str) -> Result<Value, Fault> {
    let (Form::OneOf, Value::Object(parts)) = (shape.form, &read) else { return Ok(read) };
    let is_none = |value: &Value| *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty);
    let given = parts.iter().filter(|(_, value)| !is_none(value));
    match given.collect::<Vec<_>>().as_slice() {
        [(only, Value::Bool(true))] => Ok(Value::String((*only).clone())),
        [(only, value)] => Ok(Value::Object(Map::from_iter([((*only).clone(), (*value).clone())]))),
        _ => {
            let known: Vec<&str> = shape.fields.iter().map(|field| field.name).collect();
            Err(wrong(format!("“{name}” must have one of these, and no other: {}", known.join(", "))))
        }
    }
}

/// Writes these fields of a value; what isn't described is left out.
pub(super) fn write(value: &Value, namespace: &str, fields: &[Field]) -> Vec<Element> {
    let mut all = Vec::new();
    for field in fields {
        let Some(value) = value.get(field.name).filter(|value| !value.is_null()) else { continue };
        let element = || Element::of(namespace, field.name);
        match (field.kind, value) {
            (Kind::Pairs, Value::Object(pairs)) => all.extend(pairs.iter().map(|(name, value)| {
                let pair = [("name", name.clone()), ("value", plain(value))];
                element().with_all(pair.map(|(part, text)| Element::of(namespace, part).saying(text)))
            })),
            (_, Value::Array(values)) => {
                all.extend(values.iter().map(|value| written(element(), field.kind, value, namespace)));
            }
            _ => all.push(written(element(), field.kind, value, namespace)),
        }
    }
    all
}

/// A value as text: without the word that JSON has around it where it says of which kind it is.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(kind) if kind.len() == 1 => kind.values().map(plain).collect(),
        other => other.to_string(),
    }
}

fn written(element: Element, kind: Kind, value: &Value, namespace: &str) -> Element {
    match (kind, value) {
        (Kind::Of(shape), Value::String(flag)) if shape.form == Form::OneOf => {
            element.with(Element::of(namespace, flag).saying("true"))
        }
        (Kind::Of(shape), value) => element.with_all(write(value, namespace, shape.fields)),
        (Kind::Moment, Value::Number(ms)) => element.saying(Timestamp(ms.as_u64().unwrap_or_default()).to_string()),
        (_, Value::String(text)) => element.saying(text),
        (_, other) => element.saying(other.to_string()),
    }
}
