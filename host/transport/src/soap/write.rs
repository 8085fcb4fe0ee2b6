//! Elements as they go over the wire: everything is escaped, and nothing can be written that isn't XML.

use super::xml::{Element, Name, is_character};

/// The prefix `xml` needs no declaration (Namespaces in XML §3).
const XML: &str = "http://www.w3.org/XML/1998/namespace";

impl Element {
    /// An element of this name.
    #[must_use]
    pub fn of(namespace: &str, local: &str) -> Self {
        Self { name: Name::of(namespace, local), ..Self::default() }
    }

    /// With an attribute that is in no namespace.
    #[must_use]
    pub fn set(mut self, local: &str, value: impl Into<String>) -> Self {
        self.attributes.push((Name::of("", local), value.into()));
        self
    }

    /// With another element in it.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With these elements in it.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// With this text.
    #[must_use]
    pub fn saying(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// The document. The outermost element declares these prefixes; an element of another namespace declares that itself.
    /// An attribute of another namespace is left out: there is none where we write.
    #[must_use]
    pub fn document(&self, prefixes: &[(&str, &str)]) -> String {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        self.write(&mut out, prefixes, None);
        out
    }

    /// `around` is the namespace that names without prefix have where it stands; none for the outermost.
    fn write(&self, out: &mut String, prefixes: &[(&str, &str)], around: Option<&str>) {
        let Name { namespace, local } = &self.name;
        let prefix = prefixes.iter().find(|(_, known)| known == namespace).map(|(prefix, _)| *prefix);
        let name = prefix.map_or_else(|| local.clone(), |prefix| format!("{prefix}:{local}"));
        out.push('<');
        out.push_str(&name);
        let mut plain = around.unwrap_or_default();
        if around.is_none() {
            for (prefix, namespace) in prefixes {
                attribute(out, &format!("xmlns:{prefix}"), namespace);
            }
        }
        if prefix.is_none() && plain != namespace {
            plain = namespace;
            attribute(out, "xmlns", namespace);
        }
        for (name, value) in &self.attributes {
            let prefix = prefixes.iter().find(|(_, known)| *known == name.namespace).map(|(prefix, _)| *prefix);
            match (name.namespace.as_str(), prefix) {
                ("", _) => attribute(out, &name.local, value),
                (XML, _) => attribute(out, &format!("xml:{}", name.local), value),
                (_, Some(prefix)) => attribute(out, &format!("{prefix}:{}", name.local), value),
                (_, None) => {}
            }
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape(out, &self.text);
        for child in &self.children {
            child.write(out, prefixes, Some(plain));
        }
        out.push_str("</");
        out.push_str(&name);
        out.push('>');
    }

    /// The same with an attribute of a namespace that has a prefix.
    #[must_use]
    pub fn set_in(mut self, namespace: &str, local: &str, value: impl Into<String>) -> Self {
        self.attributes.push((Name::of(namespace, local), value.into()));
        self
    }

    /// The same in a human language.
    #[must_use]
    pub fn in_english(self) -> Self {
        self.set_in(XML, "lang", "en")
    }
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value);
    out.push('"');
}

/// Spaces that readers would change are written as references, and what no XML has as the character for that.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if is_character(c) => out.push(c),
            _ => out.push('\u{FFFD}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::{Limits, read};
    use super::*;
    use proptest::prelude::*;

    fn elements() -> impl Strategy<Value = Element> {
        let name = || ("(|urn:a|urn:b|urn:c&\")", "[a-z][a-z0-9-]{0,5}").prop_map(|(ns, local)| Name::of(&ns, &local));
        let attributes = || proptest::collection::btree_map("[a-z]{1,3}", "\\PC{0,8}|[\t\n\r <&\"']{0,5}", 0..3);
        let leaf = move || {
            (name(), attributes(), "\\PC{0,20}|[\t\n\r <>&\"']{0,9}").prop_map(|(name, attributes, text)| {
                let attributes = attributes.into_iter().map(|(name, value)| (Name::of("", &name), value)).collect();
                Element { name, attributes, children: Vec::new(), text }
            })
        };
        leaf().prop_recursive(4, 24, 4, move |inner| {
            (leaf(), proptest::collection::vec(inner, 0..4)).prop_map(|(leaf, children)| leaf.with_all(children))
        })
    }

    proptest! {
        #[test]
        fn d02_what_is_written_is_read_as_it_was(element in elements()) {
            let text = element.document(&[("a", "urn:a")]);
            prop_assert_eq!(read(text.as_bytes(), Limits::of(1 << 20)), Ok(element), "{}", text);
        }

        #[test]
        fn d02_whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, Limits::of(1 << 20));
        }

        #[test]
        fn d02_whatever_looks_like_xml_is_read_or_refused(text in "(<|>|/|a|&|;|#|x|'|\"|=| |!|\\[|\\]|-|\\?|xmlns|:|CDATA|DOCTYPE){0,40}") {
            if let Ok(understood) = read(text.as_bytes(), Limits::of(1 << 20)) {
                let written = understood.document(&[]);
                let again = read(written.as_bytes(), Limits::of(1 << 20)).map(|again| again.document(&[]));
                prop_assert_eq!(again, Ok(written));
            }
        }
    }

    #[test]
    fn d02_what_no_xml_has_is_replaced() {
        let written = Element::of("", "a").saying("x\u{0}\u{1b}[2Jy").document(&[]);
        assert!(written.ends_with("<a>x\u{FFFD}\u{FFFD}[2Jy</a>"), "{written}");
    }
}
