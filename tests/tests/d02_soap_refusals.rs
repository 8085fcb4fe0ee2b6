//! D2: what is no call gets a fault that says so, in the version in which it was sent, and disturbs nobody.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_tests::{Node, Place, Setup, until};
use reqwest::{Client, Response};
use serde_json::json;

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
const TEXT: &str = "text/xml; charset=utf-8";
const SOAP: &str = "application/soap+xml; charset=utf-8";

/// A node's two services, as whoever has these tokens sees them.
struct Services {
    client: Client,
    base: String,
    tokens: [String; 2],
}

impl Services {
    async fn send(&self, service: &str, kind: &str, action: Option<&str>, body: impl Into<Vec<u8>>) -> Response {
        let token = &self.tokens[usize::from(service == "device")];
        let body: Vec<u8> = body.into();
        until("what was sent is answered", async || {
            let request = self.client.post(format!("{}/soap/{service}", self.base)).bearer_auth(token);
            let request = request.header("content-type", kind).body(body.clone());
            // Of a body that is too large the answer may come while it is being sent, and the connection end with that.
            action.iter().fold(request, |request, action| request.header("soapaction", *action)).send().await.ok()
        })
        .await
    }

    /// The status, and the fault's words.
    async fn refused(&self, service: &str, kind: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        told(self.send(service, kind, Some("\"\""), body).await).await
    }
}

async fn told(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert!(kind.contains("xml") && text.contains(":Fault>"), "{status} {kind} {text}");
    (status, text)
}

fn envelope(ns: &str, header: &str, body: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{ns}\">{header}<s:Body>{body}</s:Body></s:Envelope>")
}

fn list(service: &str) -> &'static str {
    match service {
        "operator" => "<ListDevices xmlns=\"urn:hostler:operator:1\"/>",
        _ => "<Poll xmlns=\"urn:hostler:device:1\"/>",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_what_is_no_call_is_answered_with_a_fault() {
    let place = Place::new(252);
    let manager = Node::start(Setup::manager(&place)).await;
    let made = manager.api().post("nodes", &json!({ "id": "vending-1" })).await.unwrap();
    let local = std::fs::read_to_string(manager.data().join("local.token")).unwrap().trim().to_owned();
    let tokens = [local, made["token"].as_str().unwrap().to_owned()];
    let client = Client::builder().no_proxy().build().unwrap();
    let services = Services { client, base: manager.api().base().to_owned(), tokens };

    for service in ["operator", "device"] {
        let call = list(service);
        for (ns, kind, action) in [(V11, TEXT, Some("\"\"")), (V12, SOAP, None), (V12, "application/soap+xml", None)] {
            let done = services.send(service, kind, action, envelope(ns, "", call)).await;
            assert_eq!(done.status(), 200, "{service} {ns}");
        }

        let bomb =
            "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
        let outside = "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
        let whole = envelope(V11, "", call);
        let attributes: String = (0..60_000).map(|n| format!(" a{n}=\"0123456\"")).collect();
        assert!(attributes.len() > 1_000_000);
        let too_many = "more than 32 attributes";
        let too_long = if service == "operator" { "65536 bytes" } else { too_many };
        let header = |must: &str| format!("<s:Header><t:Lock xmlns:t=\"urn:t\" {must}/></s:Header>");
        let gbk =
            [b"<?xml version=\"1.0\" encoding=\"GBK\"?>".as_slice(), whole.as_bytes(), b"<!-- \xc4\xe3 -->"].concat();
        for (kind, body, status, expected) in [
            (TEXT, format!("{bomb}{}", envelope(V11, "", "&c;")).into_bytes(), 500, "has a document type"),
            (TEXT, format!("{outside}{}", envelope(V11, "", "&x;")).into_bytes(), 500, "has a document type"),
            (TEXT, envelope(V11, "", "&x;").into_bytes(), 500, "“&amp;x;” isn't known"),
            (TEXT, "<a>".repeat(10_000).into_bytes(), 500, "more than 32 elements stand within each other"),
            (
                TEXT,
                envelope(V11, "", &format!("<a{attributes}/>")).into_bytes(),
                if service == "operator" { 413 } else { 500 },
                too_long,
            ),
            (TEXT, envelope(V11, "", &format!("<a{}/>", attributes.get(..5_007).unwrap())).into_bytes(), 500, too_many),
            (TEXT, envelope("urn:other", "", call).into_bytes(), 500, ":VersionMismatch<"),
            (TEXT, envelope(V11, "", "<Poll xmlns=\"urn:other\"/>").into_bytes(), 500, "urn:other"),
            (SOAP, envelope(V11, "", call).into_bytes(), 500, "the envelope is of SOAP 1.1"),
            (TEXT, envelope(V12, "", call).into_bytes(), 500, "the envelope is of SOAP 1.2"),
            (TEXT, envelope(V11, &header("s:mustUnderstand='1'"), call).into_bytes(), 500, ":MustUnderstand<"),
            (SOAP, envelope(V12, &header("s:mustUnderstand='true'"), call).into_bytes(), 500, "NotUnderstood"),
            (TEXT, gbk, 500, "isn't in UTF-8"),
            ("text/xml; charset=GBK", whole.clone().into_bytes(), 500, "is in GBK"),
            ("multipart/related; boundary=x; type=\"text/xml\"", whole.clone().into_bytes(), 415, "has attachments"),
            ("application/json", b"{}".to_vec(), 415, "is no SOAP"),
            (TEXT, Vec::new(), 500, "isn't one XML element"),
            (TEXT, envelope(V11, "", "").into_bytes(), 500, "the body is empty"),
            (SOAP, envelope(V12, "", "").into_bytes(), 400, ":Sender<"),
            (TEXT, envelope(V11, "", &format!("{call}{call}")).into_bytes(), 500, "more than one operation"),
            (TEXT, whole.replace("<s:Body>", "<s:Body/><s:Body>").into_bytes(), 500, "no body, or several"),
            (TEXT, whole.replace("s:Body", "s:Bodie").into_bytes(), 500, "no body, or several"),
            (TEXT, whole.replace("/></s:Body>", "><Song/></x></s:Body>").into_bytes(), 500, "well-formed"),
            (
                TEXT,
                whole.replace("ListDevices", "Sing").replace("Poll", "Sing").into_bytes(),
                500,
                "no operation “Sing”",
            ),
        ] {
            let (came, text) = services.refused(service, kind, body).await;
            assert!(came == status && text.contains(expected), "{service}, {expected} wanted: {came} {text}");
            assert!(!text.contains("root:"), "{text}");
        }

        // Headers that needn't be understood, or by another, are passed over.
        for header in [header(""), header("s:mustUnderstand='0'"), header("s:mustUnderstand='1' s:actor='urn:else'")] {
            let done = services.send(service, TEXT, Some("\"\""), envelope(V11, &header, call)).await;
            assert_eq!(done.status(), 200, "{header}");
        }
        let addressing =
            "<s:Header><wsa:Action xmlns:wsa='http://www.w3.org/2005/08/addressing'>x</wsa:Action></s:Header>";
        let done = services.send(service, SOAP, None, envelope(V12, addressing, call)).await;
        assert_eq!(done.status(), 200);

        let (status, text) = told(services.send(service, TEXT, None, whole.clone()).await).await;
        assert!(status == 500 && text.contains("no SOAPAction header"), "{text}");
        let (_, text) = told(services.send(service, TEXT, Some("\"urn:other:Sing\""), whole.clone()).await).await;
        assert!(text.contains("names the action"), "{text}");

        // Who isn't let in learns that, and nothing else; the description is for everybody.
        let address = format!("{}/soap/{service}", services.base);
        let nobody = services.client.post(&address).header("content-type", TEXT).header("soapaction", "");
        let (status, text) = told(nobody.body(whole.clone()).send().await.unwrap()).await;
        assert!(status == 401 && text.contains(">unauthorized<"), "{text}");
        let plain = services.client.get(&address).send().await.unwrap();
        assert_eq!((plain.status().as_u16(), plain.headers()["allow"].to_str().unwrap()), (405, "GET, POST"));
        assert!(plain.text().await.unwrap().contains("?wsdl"));
        let wsdl = services.client.get(format!("{address}?WSDL")).send().await.unwrap().text().await.unwrap();
        assert!(wsdl.contains(&format!("location=\"{address}\"")), "{wsdl}");
    }

    // What a page sends isn't done, whatever password the browser adds; nor is a session's cookie a log-in.
    let address = format!("{}/soap/operator", services.base);
    let whole = envelope(V11, "", list("operator"));
    let from_a_page = services.client.post(&address).header("content-type", TEXT).header("soapaction", "");
    let from_a_page = from_a_page.header("origin", "http://elsewhere.example").basic_auth("admin", Some("x"));
    assert_eq!(from_a_page.body(whole.clone()).send().await.unwrap().status(), 403);
    let cookie = services.client.post(&address).header("content-type", TEXT).header("soapaction", "");
    let cookie =
        cookie.header("cookie", format!("hostler={}", services.tokens[0])).header("sec-fetch-site", "same-origin");
    assert_eq!(cookie.body(whole).send().await.unwrap().status(), 401);
    assert!(manager.api().get("node").await.is_ok(), "it is there for others");
}
