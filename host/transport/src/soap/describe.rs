//! What a service offers, said once: the WSDL, what is read and what is written all follow from it.
//!
//! Fields have the names that they have in JSON. So a call becomes the very JSON that the API or an exchange would carry,
//! and no type is translated twice.

/// A service.
#[derive(Debug)]
pub struct Service {
    /// What it is called in its WSDL.
    pub name: &'static str,
    /// Its namespace.
    pub namespace: &'static str,
    /// Where it is called.
    pub path: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What can be called.
    pub operations: &'static [Operation],
}

/// Something that can be called.
#[derive(Debug)]
pub struct Operation {
    /// What it is called; so is the element that calls it, and with `Response` behind it the one that answers.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What is given.
    pub input: &'static [Field],
    /// What is answered.
    pub output: &'static [Field],
}

/// A part of a call, an answer or a shape.
#[derive(Debug)]
pub struct Field {
    /// Its name, in XML as in JSON.
    pub name: &'static str,
    /// What it has.
    pub kind: Kind,
    /// How often it occurs.
    pub occurs: Occurs,
    /// What it means.
    pub about: &'static str,
}

/// How often a field occurs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurs {
    /// Once.
    One,
    /// Once or not at all.
    Maybe,
    /// Any number of times: a list in JSON.
    Many,
}

/// What a field has.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text, of a thousand characters at most where it is read.
    Text,
    /// A whole number, 0 or more.
    Count,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no. In a shape that is one of several: that it is this one.
    Flag,
    /// A point in time. Never read: clocks differ.
    Moment,
    /// Parts of its own.
    Of(&'static Shape),
    /// Names and values: an object in JSON, one element for each here.
    Pairs,
}

/// Parts that belong together.
#[derive(Debug)]
pub struct Shape {
    /// What it is called in the WSDL.
    pub name: &'static str,
    /// Whether it has all its parts, or is one of them.
    pub form: Form,
    /// Its parts.
    pub fields: &'static [Field],
}

/// How the parts of a shape belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// It has all of them.
    All,
    /// It is one of them: in JSON an object with one key, or only the key's name where that is a flag.
    OneOf,
}

impl Field {
    /// One that occurs once.
    #[must_use]
    pub const fn one(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, occurs: Occurs::One, about }
    }

    /// One that may be missing.
    #[must_use]
    pub const fn maybe(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, occurs: Occurs::Maybe, about }
    }

    /// One that occurs any number of times.
    #[must_use]
    pub const fn many(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, occurs: Occurs::Many, about }
    }
}

impl Shape {
    /// One that has all its parts.
    #[must_use]
    pub const fn all(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, form: Form::All, fields }
    }

    /// One that is one of its parts.
    #[must_use]
    pub const fn one_of(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, form: Form::OneOf, fields }
    }
}

/// A name and a value that belongs to it.
pub(super) static PAIR: Shape = Shape::all(
    "Pair",
    &[Field::one("name", Kind::Text, "The name."), Field::one("value", Kind::Text, "What belongs to it.")],
);
