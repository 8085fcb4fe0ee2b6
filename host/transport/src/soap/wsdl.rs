//! The WSDL 1.1 of a service, document/literal wrapped, with a binding for each version of SOAP.

use super::Version;
use super::describe::{Field, Kind, Occurs, Operation, PAIR, Service, Shape};
use super::xml::Element;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const SOAP11: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// The one transport (WSDL 1.1 §3.3).
const HTTP: &str = "http://schemas.xmlsoap.org/soap/http";

impl Service {
    /// Its WSDL, where it is called at this address.
    #[must_use]
    pub fn wsdl(&self, address: &str) -> String {
        let of = |local| Element::of(WSDL, local);
        let versions = [(Version::V11, SOAP11, "Soap11"), (Version::V12, SOAP12, "Soap12")];
        let bindings = versions.map(|(version, ns, suffix)| self.binding(version, ns, suffix));
        let ports = versions.map(|(_, ns, suffix)| {
            let port = of("port").set("name", format!("{}{suffix}", self.name));
            let port = port.set("binding", format!("tns:{}{suffix}", self.name));
            port.with(Element::of(ns, "address").set("location", address))
        });
        let messages = self.operations.iter().flat_map(|operation| {
            ["", "Response"].map(|suffix| {
                let name = format!("{}{suffix}", operation.name);
                let part = of("part").set("name", "parameters").set("element", format!("tns:{name}"));
                of("message").set("name", name).with(part)
            })
        });
        let calls = self.operations.iter().map(|Operation { name, about, .. }| {
            of("operation")
                .set("name", *name)
                .with(of("documentation").saying(*about))
                .with(of("input").set("message", format!("tns:{name}")))
                .with(of("output").set("message", format!("tns:{name}Response")))
        });
        let service = of("service").set("name", self.name).with(of("documentation").saying(self.about));
        of("definitions")
            .set("name", self.name)
            .set("targetNamespace", self.namespace)
            .with(of("types").with(self.schema()))
            .with_all(messages)
            .with(of("portType").set("name", self.name).with_all(calls))
            .with_all(bindings)
            .with(service.with_all(ports))
            .document(&[("wsdl", WSDL), ("soap", SOAP11), ("soap12", SOAP12), ("xs", XSD), ("tns", self.namespace)])
    }

    fn binding(&self, version: Version, ns: &str, suffix: &str) -> Element {
        let of = |local| Element::of(WSDL, local);
        let body = || Element::of(ns, "body").set("use", "literal");
        let operations = self.operations.iter().map(|operation| {
            let called = Element::of(ns, "operation").set("soapAction", self.action(operation));
            // In SOAP 1.2 the action may be missing; by this a client knows that.
            let called = if version == Version::V12 { called.set("soapActionRequired", "false") } else { called };
            of("operation")
                .set("name", operation.name)
                .with(called)
                .with(of("input").with(body()))
                .with(of("output").with(body()))
        });
        of("binding")
            .set("name", format!("{}{suffix}", self.name))
            .set("type", format!("tns:{}", self.name))
            .with(Element::of(ns, "binding").set("style", "document").set("transport", HTTP))
            .with_all(operations)
    }

    fn schema(&self) -> Element {
        let mut shapes: Vec<&Shape> = Vec::new();
        for operation in self.operations {
            gather(operation.input, &mut shapes);
            gather(operation.output, &mut shapes);
        }
        let elements = self.operations.iter().flat_map(|operation| {
            [("", operation.input), ("Response", operation.output)].map(|(suffix, fields)| {
                let element = xs("element").set("name", format!("{}{suffix}", operation.name));
                element.with(xs("complexType").with(sequence(fields)))
            })
        });
        let types = shapes.iter().map(|shape| xs("complexType").set("name", shape.name).with(sequence(shape.fields)));
        xs("schema")
            .set("targetNamespace", self.namespace)
            .set("elementFormDefault", "qualified")
            .with_all(elements)
            .with_all(types)
    }

    /// The action that goes with an operation.
    #[must_use]
    pub fn action(&self, operation: &Operation) -> String {
        format!("{}:{}", self.namespace, operation.name)
    }
}

fn xs(local: &str) -> Element {
    Element::of(XSD, local)
}

/// Every shape that these fields lead to, each once.
fn gather(fields: &[Field], known: &mut Vec<&Shape>) {
    for field in fields {
        let shape = match field.kind {
            Kind::Of(shape) => shape,
            Kind::Pairs => &PAIR,
            _ => continue,
        };
        if !known.iter().any(|other| other.name == shape.name) {
            known.push(shape);
            gather(shape.fields, known);
        }
    }
}

/// Parts of a shape that is one of them may all be missing here: who has generated code sets one of several fields
/// then, where a choice would give them a type for each.
fn sequence(fields: &[Field]) -> Element {
    xs("sequence").with_all(fields.iter().map(|field| {
        let kind = match field.kind {
            Kind::Text => "xs:string".to_owned(),
            Kind::Count => "xs:unsignedLong".to_owned(),
            Kind::Integer => "xs:long".to_owned(),
            Kind::Number => "xs:double".to_owned(),
            Kind::Flag => "xs:boolean".to_owned(),
            Kind::Moment => "xs:dateTime".to_owned(),
            Kind::Of(shape) => format!("tns:{}", shape.name),
            Kind::Pairs => format!("tns:{}", PAIR.name),
        };
        let many = field.occurs == Occurs::Many || matches!(field.kind, Kind::Pairs);
        let element = xs("element").set("name", field.name).set("type", kind);
        let element = if field.occurs == Occurs::One { element } else { element.set("minOccurs", "0") };
        let element = if many { element.set("maxOccurs", "unbounded") } else { element };
        element.with(xs("annotation").with(xs("documentation").saying(field.about)))
    }))
}
