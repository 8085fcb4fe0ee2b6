//! XML from strangers, read into plain elements within limits.
//!
//! What SOAP doesn't need isn't understood at all: no document type, so no entities but the five that XML itself names, and
//! no processing instructions (SOAP 1.2 part 1 §5). Everything is counted before it is kept: bytes, depth, elements,
//! attributes.

use quick_xml::NsReader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{XmlVersion, escape};

/// The longest name, and the longest namespace, in bytes: each element keeps its own.
const LONGEST_NAME: usize = 256;

/// How much is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the whole document.
    pub bytes: usize,
    /// Elements within elements.
    pub depth: usize,
    /// Elements in all, with their attributes.
    pub elements: usize,
    /// Attributes of one element, declarations of namespaces included.
    pub attributes: usize,
}

impl Limits {
    /// For a document of so many bytes.
    #[must_use]
    pub const fn of(bytes: usize) -> Self {
        Self { bytes, depth: 32, elements: 50_000, attributes: 32 }
    }
}

/// Why something isn't read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Too many bytes.
    #[error("the message has more than {0} bytes; send less")]
    TooLong(usize),
    /// Too many elements within each other.
    #[error("more than {0} elements stand within each other")]
    TooDeep(usize),
    /// Too many elements.
    #[error("the message has more than {0} elements and attributes")]
    TooMany(usize),
    /// Too many attributes.
    #[error("an element has more than {0} attributes")]
    TooManyAttributes(usize),
    /// Another encoding.
    #[error("the message isn't in UTF-8; other encodings aren't read, so send it in UTF-8")]
    Encoding,
    /// A document type.
    #[error("the message has a document type (<!DOCTYPE …>), and SOAP forbids those; send it without")]
    DocumentType,
    /// An entity.
    #[error(
        "the entity “&{0};” isn't known; only &lt; &gt; &amp; &quot; &apos; and character references are, so write out what it means"
    )]
    Entity(String),
    /// A processing instruction.
    #[error("the message has a processing instruction (<?…?>), and SOAP forbids those; send it without")]
    Instruction,
    /// A character that no XML has.
    #[error("the message has the character U+{0:04X}, which no XML has")]
    Character(u32),
    /// A name that is longer than any that means something, and would be kept for each element that has it.
    #[error("a name or namespace has more than {LONGEST_NAME} bytes")]
    LongName,
    /// A prefix without namespace.
    #[error("the prefix “{0}” is declared nowhere")]
    Prefix(String),
    /// The same attribute twice.
    #[error("an element has the attribute “{0}” twice")]
    Twice(String),
    /// No element, or something beside it.
    #[error("the message isn't one XML element")]
    NotOne,
    /// Not well formed otherwise.
    #[error("the message isn't well-formed XML: {0}")]
    Malformed(String),
}

/// A name with its namespace, which is empty where it has none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Name {
    /// The namespace.
    pub namespace: String,
    /// The name in it.
    pub local: String,
}

impl Name {
    /// Of this name in this namespace.
    #[must_use]
    pub fn of(namespace: &str, local: &str) -> Self {
        Self { namespace: namespace.to_owned(), local: local.to_owned() }
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }
}

/// An element.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Element {
    /// What it is called.
    pub name: Name,
    /// Its attributes, without declarations of namespaces.
    pub attributes: Vec<(Name, String)>,
    /// The elements in it.
    pub children: Vec<Self>,
    /// The text in it, all pieces together.
    pub text: String,
}

impl Element {
    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name.is(namespace, local)).map(|(_, value)| value.as_str())
    }

    /// The elements in it that are called so.
    pub fn all<'a>(&'a self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name.is(namespace, local))
    }
}

/// Whether XML 1.0 has this character (§2.2).
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn allowed(text: &str) -> Result<(), XmlError> {
    text.chars().find(|c| !is_character(*c)).map_or(Ok(()), |c| Err(XmlError::Character(c.into())))
}

/// Whether an element or attribute can be called so, without its prefix (Namespaces in XML §3; of letters beyond ASCII any).
fn is_local(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

fn malformed(error: impl std::fmt::Display) -> XmlError {
    XmlError::Malformed(error.to_string())
}

/// Reads one element.
///
/// # Errors
/// [`XmlError`].
pub fn read(bytes: &[u8], limits: Limits) -> Result<Element, XmlError> {
    if bytes.len() > limits.bytes {
        return Err(XmlError::TooLong(limits.bytes));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Encoding)?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    allowed(text)?;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut growing = Growing { limits, open: Vec::new(), root: None, elements: 0 };
    let mut first = true;
    loop {
        let event = reader.read_event().map_err(malformed)?;
        match event {
            Event::Start(start) => growing.begin(element(&reader, &start, limits)?)?,
            Event::End(_) => growing.end()?,
            Event::Text(text) => growing.text(&text.xml10_content())?,
            Event::CData(text) if growing.open.is_empty() => return Err(malformed(text.len())),
            Event::CData(text) => growing.text(&text.xml10_content())?,
            Event::GeneralRef(reference) if growing.open.is_empty() => return Err(unknown(&reference)),
            Event::GeneralRef(reference) => growing.text(&meant(&reference)?)?,
            Event::Decl(declaration) if first => declared(&declaration)?,
            Event::Decl(_) | Event::PI(_) => return Err(XmlError::Instruction),
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Empty(_) | Event::Comment(_) => {}
            Event::Eof => return growing.whole(),
        }
        first = false;
    }
}

fn declared(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    if declaration.version().map_err(malformed)? != "1.0" {
        return Err(malformed("it is of another version than 1.0"));
    }
    match declaration.encoding() {
        Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => Err(XmlError::Encoding),
        Some(Err(error)) => Err(malformed(error)),
        _ => Ok(()),
    }
}

fn unknown(reference: &BytesRef<'_>) -> XmlError {
    XmlError::Entity(reference.chars().take(40).collect())
}

/// What a reference in a text means.
fn meant(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    let meant = match reference.resolve_char_ref().map_err(malformed)? {
        Some(c) => c.to_string(),
        None => escape::resolve_xml_entity(reference).ok_or_else(|| unknown(reference))?.to_owned(),
    };
    allowed(&meant)?;
    Ok(meant)
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, limits: Limits) -> Result<Element, XmlError> {
    let named = |resolved: ResolveResult<'_>, local: &str| match resolved {
        _ if local.len() > LONGEST_NAME => Err(XmlError::LongName),
        ResolveResult::Bound(namespace) if namespace.as_ref().len() > LONGEST_NAME => Err(XmlError::LongName),
        _ if !is_local(local) => Err(malformed(format!("nothing can be called “{local}”"))),
        ResolveResult::Unbound => Ok(Name::of("", local)),
        // What stands there is as it was sent, with its references.
        ResolveResult::Bound(namespace) => {
            let namespace = escape::unescape(namespace.into_inner()).map_err(malformed)?;
            Ok(Name::of(&namespace, local))
        }
        ResolveResult::Unknown(prefix) => Err(XmlError::Prefix(prefix)),
    };
    let (resolved, local) = reader.resolver().resolve_element(start.name());
    let mut element = Element { name: named(resolved, local.into_inner())?, ..Element::default() };
    // What is looked up for each other one is counted first.
    for (count, attribute) in start.attributes().with_checks(false).enumerate() {
        if count >= limits.attributes {
            return Err(XmlError::TooManyAttributes(limits.attributes));
        }
        let attribute = attribute.map_err(malformed)?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (resolved, local) = reader.resolver().resolve_attribute(attribute.key);
        let name = named(resolved, local.into_inner())?;
        if element.attributes.iter().any(|(known, _)| *known == name) {
            return Err(XmlError::Twice(name.local));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(malformed)?;
        allowed(&value)?;
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

/// A document on its way.
struct Growing {
    limits: Limits,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Growing {
    fn begin(&mut self, element: Element) -> Result<(), XmlError> {
        self.elements += 1 + element.attributes.len();
        if self.open.is_empty() && self.root.is_some() {
            return Err(XmlError::NotOne);
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::TooDeep(self.limits.depth));
        }
        if self.elements > self.limits.elements {
            return Err(XmlError::TooMany(self.limits.elements));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        let ended = self.open.pop().ok_or(XmlError::NotOne)?;
        match self.open.last_mut() {
            Some(around) => around.children.push(ended),
            None => self.root = Some(ended),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(around) => around.text.push_str(text),
            None if text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) => {}
            None => return Err(XmlError::NotOne),
        }
        Ok(())
    }

    fn whole(self) -> Result<Element, XmlError> {
        if self.open.is_empty() { self.root.ok_or(XmlError::NotOne) } else { Err(malformed("it has no end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> XmlError {
        read(text.as_bytes(), Limits::of(1 << 20)).unwrap_err()
    }

    #[test]
    fn d02_what_soap_forbids_is_refused_by_name() {
        let bomb = r#"<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>"#;
        assert_eq!(refused(bomb), XmlError::DocumentType);
        assert_eq!(refused(r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#), XmlError::DocumentType);
        assert_eq!(refused("<a>&nbsp;</a>"), XmlError::Entity("nbsp".to_owned()));
        assert!(matches!(refused("<a b='&nbsp;'/>"), XmlError::Malformed(_)));
        assert_eq!(refused("<a><?php ?></a>"), XmlError::Instruction);
        assert_eq!(refused("<?xml version='1.0' encoding='GBK'?><a/>"), XmlError::Encoding);
        assert_eq!(read(b"<a>\xb0\xa1</a>", Limits::of(99)).unwrap_err(), XmlError::Encoding);
        assert!(refused("<a>&#0;</a>").to_string().contains("well-formed"));
        assert_eq!(refused("<a>&#8;</a>"), XmlError::Character(8));
        assert_eq!(refused("<a>\u{8}</a>"), XmlError::Character(8));
        assert_eq!(refused("<b:a/>"), XmlError::Prefix("b".to_owned()));
        assert_eq!(refused("<a b='1' b='2'/>"), XmlError::Twice("b".to_owned()));
        assert_eq!(refused("<a x:b='1' y:b='2' xmlns:x='u' xmlns:y='u'/>"), XmlError::Twice("b".to_owned()));
        for text in ["", "  ", "<a/><b/>", "<a/>b", "b", "</a>"] {
            assert!(matches!(refused(text), XmlError::NotOne | XmlError::Malformed(_)), "{text}");
        }
        for text in [
            "<a>",
            "<a",
            "<a></b>",
            "<a b=c/>",
            "<a>&",
            "<a>&#xZ;</a>",
            "<![CDATA[x]]>",
            "<?xml version='1.1'?><a/>",
            "<a:b:c xmlns:a='u'/>",
            "<1/>",
            "<a <b='1'/>",
            "<a 1b='1'/>",
        ] {
            assert!(matches!(refused(text), XmlError::Malformed(_)), "{text}: {:?}", refused(text));
        }
    }

    #[test]
    fn d02_what_is_too_much_is_refused_before_it_is_kept() {
        let limits = Limits::of(1 << 20);
        assert_eq!(refused(&"<a>".repeat(10_000)), XmlError::TooDeep(limits.depth));
        let many: String = (0..10_000).map(|n| format!(" a{n}='x'")).collect();
        assert_eq!(refused(&format!("<a{many}/>")), XmlError::TooManyAttributes(limits.attributes));
        let many: String = (0..100).map(|n| format!(" xmlns:a{n}='x'")).collect();
        assert_eq!(refused(&format!("<a{many}/>")), XmlError::TooManyAttributes(limits.attributes));
        assert_eq!(refused(&format!("<a>{}</a>", "<b/>".repeat(60_000))), XmlError::TooMany(limits.elements));
        let many = "<b a='' b='' c='' d=''/>".repeat(11_000);
        assert_eq!(refused(&format!("<a>{many}</a>")), XmlError::TooMany(limits.elements));
        // What is declared once would be kept for each that is in it.
        let long = "u".repeat(100_000);
        assert_eq!(refused(&format!("<a xmlns='{long}'>{}</a>", "<b/>".repeat(9))), XmlError::LongName);
        assert_eq!(refused(&format!("<a xmlns:p='{long}'><b p:c=''/></a>")), XmlError::LongName);
        assert_eq!(refused(&format!("<{long}/>")), XmlError::LongName);
        assert_eq!(read(b"<a/>", Limits::of(3)), Err(XmlError::TooLong(3)));
    }

    #[test]
    fn d02_names_texts_and_attributes_come_as_they_are_meant() {
        let text = "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- x --><p:a xmlns:p='urn:p' xmlns='urn:d' p:x='1' y='&lt;&#x41;'>\
                    <b>a&amp;b<![CDATA[<c>]]></b></p:a>\n";
        let a = read(text.as_bytes(), Limits::of(999)).unwrap();
        assert!(a.name.is("urn:p", "a"));
        assert_eq!((a.attribute("urn:p", "x"), a.attribute("", "y")), (Some("1"), Some("<A")));
        assert_eq!(a.all("urn:d", "b").map(|b| b.text.as_str()).collect::<Vec<_>>(), ["a&b<c>"]);
    }
}
