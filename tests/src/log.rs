//! What a process says, gathered while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that were said, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    /// Follows what is written there until it ends.
    pub(crate) fn follow(&self, source: impl Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                log.add(&String::from_utf8_lossy(&line));
            }
        });
    }

    /// Adds a line.
    pub(crate) fn add(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prints everything when the test that owns it is failing.
    pub(crate) fn print_when_failing(&self, name: &str) {
        if std::thread::panicking() {
            eprintln!("---- {name} said ----\n{}---- end of {name} ----", self.text());
        }
    }
}
