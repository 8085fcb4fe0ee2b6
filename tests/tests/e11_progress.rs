//! E11 and E12 as somebody at a terminal sees them: it moves while devices are looked for and PINs are brought, and in the end
//! each device is named with its state; where nobody watches, lines say the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod terminal;

use hostler_tests::{peer, program, until};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use terminal::Office;
use terminal::device::Faults;

const PLUGINS: [&str; 2] = ["lan-discovery", "pin-delivery"];

/// `hostler enroll` in a terminal of its own, and what is to be seen there.
struct Screen {
    script: Child,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    fn open(office: &Office, script: &Path, arguments: &[String]) -> Self {
        let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
        // A terminal that nobody gave a size has none.
        let run = format!("stty rows 30 cols 100; exec '{}' {}", program().display(), words.join(" "));
        let mut command = office.command(script);
        command.args(["-qefc", &run, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut script = command.spawn().unwrap();
        let (mut out, seen) = (script.stdout.take().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let sees = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(length @ 1..) = out.read(&mut piece) {
                sees.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        });
        Self { script, seen }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    async fn until(&self, what: &str) {
        until(format!("the terminal shows {what:?}"), async || self.seen().contains(what).then_some(())).await;
    }

    fn types(&mut self, line: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
    }

    /// Its exit code.
    async fn ended(&mut self) -> Option<i32> {
        let script = Mutex::new(&mut self.script);
        until("it has ended", async || script.lock().unwrap().try_wait().unwrap()).await.code()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
        if std::thread::panicking() {
            eprintln!("---- the terminal showed ----\n{:?}", self.seen());
        }
    }
}

/// The line of a table that begins with this word.
fn row<'a>(table: &'a str, first: &str) -> &'a str {
    let found = table.lines().rev().find(|line| line.split_whitespace().next() == Some(first));
    found.unwrap_or_else(|| panic!("{first} is in no row of {table}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_terminal_moves_while_it_searches_and_brings_and_names_each_device_with_its_state() {
    let office = Office::open(184, &PLUGINS).await;
    let Some(script) = peer("script") else { return };
    let (Some(_), Some(silent)) = (
        office.device(2, "A1", Faults::default()).await,
        office.device(5, "B2", Faults { no_agent: true, ..Faults::default() }).await,
    ) else {
        return;
    };
    let mut screen = Screen::open(&office, &script, &office.arguments(&[]));
    screen.until("fetching lan-discovery from the manager").await;
    screen.until("asking one by one").await;
    screen.until("[y/N]").await;
    let searched = screen.seen();
    let found = row(&searched, &office.at(2).to_string());
    assert!(found.contains("A1") && found.contains("takes a PIN for"), "{searched}");
    // One line is drawn again and again, with how far it is, and is gone in the end.
    assert!(searched.matches('\r').count() > 5 && searched.contains("/6 "), "{searched:?}");
    screen.types("y");
    assert_eq!(screen.ended().await, Some(0), "{}", screen.seen());
    let seen = screen.seen();
    let brought = seen.strip_prefix(searched.as_str()).unwrap();
    assert!(brought.contains("bringing PINs") || brought.contains("for the devices to connect"), "{brought:?}");
    assert!(brought.contains("/1 "), "{brought:?}");
    let came = row(brought, &office.at(2).to_string());
    assert!(came.contains("A1") && came.contains("snmp") && came.contains("connected to manager"), "{came}");
    assert_eq!(office.enrolled().await, ["A1"]);
    assert_eq!(silent.brought(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_where_nobody_watches_lines_say_how_far_it_is() {
    let office = Office::open(185, &PLUGINS).await;
    let Some(_) = office.device(2, "A1", Faults::default()).await else { return };
    let Some(refused) = office.device(3, "B2", Faults { others: true, ..Faults::default() }).await else { return };
    let ran = office.enroll(&[]).await;
    assert_eq!(ran.code, Some(1), "one didn't come in: {ran:?}");
    let plain = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(plain(&ran.err) && plain(&ran.out), "{ran:?}");
    let mut rest = ran.err.as_str();
    for line in [
        "fetching lan-discovery from the manager\n",
        "fetching pin-delivery from the manager\n",
        "looking for devices\n",
        "asking one by one: 0 of 6\n",
        "takes a PIN for",
        "bringing PINs\n",
        "of 2\n",
        "1 of 2 did not come in",
    ] {
        (_, rest) = rest.split_once(line).unwrap_or_else(|| panic!("no {line:?} in {rest:?} of {:?}", ran.err));
    }
    assert!(row(&ran.out, &office.at(2).to_string()).contains("connected to manager"), "{}", ran.out);
    let told = row(&ran.out, &office.at(3).to_string());
    assert!(told.contains("B2") && told.contains("refused: "), "{}", ran.out);
    assert_eq!(refused.state(), "not-connected");
    assert!(office.enroll(&["--json"]).await.out.starts_with('{'), "what is for programs stays clean");
}
