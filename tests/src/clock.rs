//! A clock of the wall that a story sets.

use crate::{Place, Setup, peer};
use std::path::PathBuf;
use std::process::Command;

/// The clock of the wall as a process sees it that this is loaded into: the real one, and the seconds in a file added to it.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = (int)syscall(SYS_clock_gettime, clock, time);
    const char *path = getenv("HOSTLER_TEST_CLOCK");
    if (failed || clock != CLOCK_REALTIME || !path) return failed;
    int before = errno, file = open(path, O_RDONLY | O_CLOEXEC);
    char text[32] = {0};
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0) time->tv_sec += atol(text);
        close(file);
    }
    errno = before;
    return 0;
}
"#;

/// The clock of one node, or of several.
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// A clock that is right, built with the compiler that hostler itself needs; `None`, said aloud, where there is none.
    ///
    /// # Panics
    /// When it can't be built.
    #[must_use]
    pub fn make(place: &Place, name: &str) -> Option<Self> {
        let compiler = peer("cc")?;
        let [source, library, file] = ["c", "so", "ahead"].map(|end| place.path(&format!("{name}.{end}")));
        std::fs::write(&source, CLOCK).unwrap();
        let built =
            Command::new(compiler).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output().unwrap();
        assert!(built.status.success(), "{built:?}");
        let clock = Self { library, file };
        clock.set(0);
        Some(clock)
    }

    /// Sets it so many seconds ahead of ours; in one step, so that nobody reads half of it.
    ///
    /// # Panics
    /// When it can't be.
    pub fn set(&self, ahead: i64) {
        let written = self.file.with_extension("new");
        std::fs::write(&written, ahead.to_string()).unwrap();
        std::fs::rename(written, &self.file).unwrap();
    }

    /// A node that goes by it.
    #[must_use]
    pub fn of(&self, setup: Setup) -> Setup {
        setup.variable("LD_PRELOAD", self.library.clone()).variable("HOSTLER_TEST_CLOCK", self.file.clone())
    }
}
