//! A SOAP client that isn't ours: zeep, which knows a service by its WSDL alone.

use crate::log::Log;
use crate::peer;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A client that runs until this is dropped; it ends at once then, as by a power cut.
pub struct Zeep {
    child: Child,
    said: ChildStdin,
    heard: BufReader<ChildStdout>,
    log: Log,
    /// The operations that it found.
    pub operations: Vec<String>,
}

impl Zeep {
    /// A client of the service at this address, by the port with this name; `None`, said aloud, where zeep isn't installed.
    ///
    /// # Panics
    /// When it doesn't understand the WSDL.
    #[must_use]
    pub fn start(address: &str, port: &str, authorization: &str) -> Option<Self> {
        let python = peer("zeep-python")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("zeep/call.py");
        let mut command = Command::new(python);
        command.arg(script).args([&format!("{address}?wsdl"), port, authorization]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        child.stderr.take().into_iter().for_each(|err| log.follow(err));
        let (said, heard) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut zeep = Self { child, said, heard, log, operations: Vec::new() };
        let first = zeep.hear();
        zeep.operations =
            first["operations"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        Some(zeep)
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        // The test waits in this thread; the runtime has others.
        let read = tokio::task::block_in_place(|| self.heard.read_line(&mut line)).unwrap();
        assert!(read > 0, "zeep ended:\n{}", self.log.text());
        serde_json::from_str(&line).unwrap()
    }

    /// Calls an operation; what came of it.
    ///
    /// # Panics
    /// When zeep ended.
    pub fn try_call(&mut self, name: &str, with: &Value) -> Value {
        writeln!(self.said, "{}", json!({ "call": name, "with": with })).unwrap();
        self.said.flush().unwrap();
        self.hear()
    }

    /// The same, which must be done.
    ///
    /// # Panics
    /// When it isn't.
    pub fn call(&mut self, name: &str, with: &Value) -> Value {
        let mut came = self.try_call(name, with);
        assert!(came.get("done").is_some(), "{name} {with}: {came}");
        came["done"].take()
    }

    /// The same, which must not be done: the fault's code, and what it says.
    ///
    /// # Panics
    /// When it is.
    pub fn refused(&mut self, name: &str, with: &Value) -> (String, String) {
        let came = self.try_call(name, with);
        let text =
            |key: &str| came["fault"][key].as_str().unwrap_or_else(|| panic!("{name} {with}: {came}")).to_owned();
        (text("code"), text("reason"))
    }
}

impl Drop for Zeep {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.print_when_failing("zeep");
    }
}
