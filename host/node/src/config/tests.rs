//! What a configuration may say, and where it says what it may not.

use super::*;

const GOOD: &str = r#"[node]
id = "gateway-1"
data = "data"
roles = ["gateway"]

[listen]
address = "127.0.0.1:0"

[parent]
url = "http://127.0.0.1:8080"
token-file = "token"

[gateway]
read-every = "30s"

[[gateway.network]]
name = "office"
ranges = ["192.0.2.0/24"]
credentials = ["public"]

[credentials.snmp.public]
version = "2c"
community = "public"
"#;

/// One more network of the same name, from its own line on.
const SECOND: &str = "[[gateway.network]]\nname = \"office\"\nranges = []\nmdns = true\ncredentials = [\"public\"]";

fn v3(part: &str, algorithm: &str, password: &str) -> String {
    format!("version = \"3\"\nuser = \"hostler\"\n{part} = {{ algorithm = {algorithm:?}, password = {password:?} }}")
}

fn wrong(from: &str, to: &str) -> (usize, String) {
    assert!(GOOD.contains(from), "{from}");
    let error = Config::parse(&GOOD.replace(from, to), Path::new("hostler.toml")).unwrap_err();
    let ConfigError::Invalid { line, why, .. } = error else { panic!("{error}") };
    (line, why)
}

#[test]
fn a_good_one_is_read() {
    let config = Config::parse(GOOD, Path::new("hostler.toml")).unwrap();
    assert_eq!(config.gateway.read_every.get_ref().0.as_secs(), 30);
    assert_eq!(config.gateway.network[0].snmp_port.get(), 161);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (from, to, line, word) in [
        ("data =", "dota =", 3, "dota"),
        ("[\"gateway\"]", "[]", 4, "`roles` is empty"),
        ("[\"gateway\"]", "[\n  # none\n]", 4, "`roles` is empty"),
        ("\"30s\"", "\"0s\"", 14, "at least 100ms"),
        ("\"30s\"", "\"8761h\"", 14, "at most a year"),
        ("\"30s\"", "\"30s\"\nread-bounds = [\"10s\", \"8761h\"]", 15, "at most a year"),
        ("\"30s\"", "\"soon\"", 14, "soon"),
        ("192.0.2.0/24", "10.0.0.0/8", 18, "more than"),
        ("192.0.2.0/24\"", "10.0.0.0/16\",\n\"10.1.0.0/16\",\n\"192.0.2.0/30\"", 20, "more than"),
        ("192.0.2.0/24", "2001:db8::/32", 18, "more than"),
        ("[\"192.0.2.0/24\"]", "[]", 18, "nothing is ever found"),
        ("\"office\"", "\" \"", 17, "`name` is empty"),
        ("[\"public\"]", "[\"secret\"]", 19, "no SNMP credential"),
        ("[\"public\"]", "[]", 19, "`credentials` is empty"),
        ("[\"public\"]", "[\"public\"]\nin-flight = 0", 20, "nonzero"),
        ("[\"public\"]", "[\"public\"]\nsnmp-port = 0", 20, "nonzero"),
        ("[\"public\"]", "[\"public\"]\nhttp = { port = 0 }", 20, "nonzero"),
        ("[\"public\"]", &format!("[\"public\"]\n\n{SECOND}"), 22, "there is a network \"office\" already"),
        ("[\"public\"]", "[\"public\"]\n[[gateway.adopt]]\nplugin = \"mfp\"\nnetwork = \"cellar\"", 22, "cellar"),
        ("version = \"2c\"\ncommunity = \"public\"", &v3("auth", "MD5", "1234567"), 21, "at least 8 characters"),
        ("version = \"2c\"\ncommunity = \"public\"", &v3("privacy", "DES", "12345678"), 21, "add `auth`"),
        ("version = \"2c\"\ncommunity = \"public\"", "version = \"3\"\nuser = \"\"", 21, "1 to 32"),
        ("\"2c\"", "\"4\"", 22, "`4`"),
        ("http://127.0.0.1:8080", "http://manager.example", 10, "unencrypted"),
        ("127.0.0.1:0", "0.0.0.0:443", 7, "tls"),
        ("\"gateway\"]", "\"gateway\", \"manager\"]", 10, "root"),
        ("\"gateway-1\"", "\"Gateway 1\"", 2, "node ID"),
    ] {
        let (at, why) = wrong(from, to);
        assert!(why.contains(word), "{to}: {why}");
        assert_eq!(at, line, "{to}: {why}");
    }
}

const DEVICE: &str = r#"[node]
id = "mfp-1"
data = "data"
roles = ["device"]
[listen]
address = "127.0.0.1:0"
[parent]
url = "https://127.0.0.1:8700"
fingerprint = "FF"
[device]
id = "SN-1"
window = "10m"
"#;

#[test]
fn e06_a_device_is_told_what_it_lacks_to_join() {
    let good = DEVICE.replace("FF", &"ab".repeat(32));
    let read = |text: &str| Config::parse(text, Path::new("hostler.toml"));
    assert_eq!(read(&good).unwrap().device.unwrap().id.as_str(), "SN-1");
    for (from, to, line, word) in [
        ("id = \"SN-1\"", "", 10, "missing field `id`"),
        ("fingerprint = ", "gateway = \"mfp-1\"\nfingerprint = ", 9, "the node itself"),
        ("\"10m\"", "\"0s\"", 12, "at least 1s"),
        ("\"10m\"", "\"2h\"", 12, "at most 1h"),
        ("window = ", "snmp = { address = \"127.0.0.1:0\", read = \"\" }\nwindow = ", 12, "is empty"),
        (
            "window = ",
            "snmp = { address = \"127.0.0.1:0\", read = \"a\", write = \"a\" }\nwindow = ",
            12,
            "another community",
        ),
        ("https:", "http:", 8, "join over TLS"),
        ("[device]\nid = \"SN-1\"\nwindow = \"10m\"\n", "", 9, "add [device]"),
        ("fingerprint = ", "token-file = \"t\"\nfingerprint = ", 10, "take one of them away"),
        ("fingerprint = ", "# ", 8, "say how this node is known"),
        ("[parent]\nurl = \"https://127.0.0.1:8700\"\nfingerprint = ", "# ", 10, "add [parent]"),
        (&"ab".repeat(32), "FF", 9, "fingerprint"),
        ("roles = [\"device\"]", "roles = [\"manager\"]", 8, "root"),
        ("[device]", "[enrollment]\nlisten = \"0.0.0.0:8700\"\n[device]", 10, "at the manager only"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = read(&good.replace(from, to)).unwrap_err();
        let ConfigError::Invalid { line: at, why, .. } = error else { panic!("{error}") };
        assert!(why.contains(word) && at == line, "{to}: line {at}, {why}");
    }
}

#[test]
fn e06_the_display_s_file_is_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostler.toml");
    let absolute = std::env::temp_dir().join("panel");
    for (named, meant) in
        [("panel/text", folder.path().join("panel/text")), (absolute.to_str().unwrap(), absolute.clone())]
    {
        let text = DEVICE.replace("FF", &"ab".repeat(32)) + &format!("display = {named:?}\n");
        std::fs::write(&file, text).unwrap();
        assert_eq!(Config::read(&file).unwrap().device.unwrap().display, Some(meant));
    }
}

#[test]
fn networks_need_a_gateway() {
    let (before, after) = GOOD.split_once("[parent]").unwrap();
    let (_, after) = after.split_once("[gateway]").unwrap();
    let text = format!("{before}[gateway]{after}").replace("[\"gateway\"]", "[\"manager\"]");
    let error = Config::parse(&text, Path::new("hostler.toml")).unwrap_err();
    assert!(error.to_string().contains("line 13: only a gateway has networks"), "{error}");
}

#[test]
fn e04_what_is_wrong_with_enrollment_is_said_with_its_line() {
    let (before, _) = GOOD.split_once("[parent]").unwrap();
    let manager = before.replace("[\"gateway\"]", "[\"manager\"]");
    let read = |text: &str, more: &str| {
        Config::parse(&format!("{text}[enrollment]\n# A line\n{more}\n"), Path::new("hostler.toml"))
    };
    let long = format!("organisation = {:?}", "ö".repeat(41));
    for (more, word) in [
        ("longest = \"59m\"", "at least 1h"),
        ("keep = \"23h\"", "at least 24h"),
        ("organisation = \"\"", "1 to 40"),
        ("organisation = \" x\"", "1 to 40"),
        ("organisation = \"a\\nb\"", "1 to 40"),
        (&long, "1 to 40"),
    ] {
        let said = read(&manager, more).unwrap_err().to_string();
        assert!(said.contains("line 11: ") && said.contains(word), "{more}: {said}");
    }
    let said = read(before, "any-number = true").unwrap_err().to_string();
    assert!(said.contains("line 9: devices come in at the manager only"), "{said}");
    let good = read(&manager, &format!("organisation = {:?}\nkeep = \"48h\"", "ö".repeat(40))).unwrap();
    assert_eq!(good.enrollment().rules().keep.as_secs(), 2 * 86_400);
    assert_eq!(
        Config::parse(&manager, Path::new("x")).unwrap().enrollment().rules(),
        hostler_services::Rules::default()
    );
}

#[test]
fn a_file_that_is_missing_or_empty_is_named_with_the_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostler.toml");
    std::fs::write(&file, GOOD).unwrap();
    for (token, why) in [(None, "can't be read"), (Some("\n"), "is empty")] {
        if let Some(token) = token {
            std::fs::write(folder.path().join("token"), token).unwrap();
        }
        let said = Config::read(&file).unwrap_err().to_string();
        assert!(said.contains("hostler.toml, line 11: `token-file`") && said.contains(why), "{said}");
    }
    std::fs::write(folder.path().join("token"), "secret\n").unwrap();
    assert_eq!(
        Config::read(&file).unwrap().parent.unwrap().token_file.unwrap().into_inner(),
        folder.path().join("token")
    );
}

#[test]
fn d01_a_gateway_is_told_what_it_lacks_to_have_others_below_it() {
    let good = DEVICE.replace("FF", &"ab".repeat(32)).replace("[\"device\"]", "[\"gateway\"]");
    let good = good + "[gateway]\nlisten = \"192.0.2.1:8700\"\n";
    let read = |text: &str| Config::parse(text, Path::new("hostler.toml"));
    assert!(read(&good).unwrap().gateway.listen.is_some());
    let token = format!("fingerprint = \"{}\"\n[device]\nid = \"SN-1\"\nwindow = \"10m\"", "ab".repeat(32));
    for (from, to, line, word) in [
        ("[\"gateway\"]", "[\"device\"]", 14, "add \"gateway\""),
        ("192.0.2.1:8700", "0.0.0.0:8700", 14, "add `name`"),
        (&token, "token-file = \"t\"", 11, "join by a PIN itself"),
        (&token, "token-file = \"t\"\ngateway = \"gateway-2\"", 10, "with a `token-file`"),
    ] {
        assert!(good.contains(from), "{from}");
        let ConfigError::Invalid { line: at, why, .. } = read(&good.replace(from, to)).unwrap_err() else { panic!() };
        assert!(why.contains(word) && at == line, "{to}: line {at}, {why}");
    }
}
