//! Where the real binary, the plug-ins and the recordings are.

use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The folder that everything is built into.
///
/// # Panics
/// When the test isn't where cargo puts tests.
#[must_use]
pub fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>
    own.ancestors().nth(3).unwrap_or_else(|| panic!("{} is no test that cargo built", own.display())).to_owned()
}

/// The binary that people run.
///
/// # Panics
/// When it wasn't built.
#[must_use]
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    built(own.ancestors().nth(2).unwrap_or(Path::new(".")).join("hostler"))
}

/// The file of a plug-in.
///
/// # Panics
/// When it wasn't built.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    built(target().join("plugins").join(format!("{name}.wasm")))
}

fn built(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} is not built; run the tests with `./just test`, which builds it", path.display());
    path
}

/// The recordings of real devices: in `HOSTLER_RECORDINGS`, else beside the workspace.
#[must_use]
pub fn recordings() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.join("shared/recordings"));
    let folder = std::env::var_os("HOSTLER_RECORDINGS").map(PathBuf::from).or_else(beside)?;
    let found = folder.join("snmp").is_dir();
    if !found {
        crate::skipped("the recordings of real devices are not here (set HOSTLER_RECORDINGS to their folder)");
    }
    found.then_some(folder)
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// Runs the binary to its end, as somebody at a terminal.
///
/// # Panics
/// When it can't be run.
pub async fn hostler(arguments: &[&str]) -> Ran {
    let mut command = tokio::process::Command::new(program());
    command.args(arguments).stdin(Stdio::null()).env("NO_PROXY", "127.0.0.0/8").kill_on_drop(true);
    ["HOSTLER_URL", "HOSTLER_TOKEN", "HOSTLER_DATA", "HOSTLER_LOG"]
        .iter()
        .for_each(|name| _ = command.env_remove(name));
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

impl Ran {
    /// What it printed, where it went well.
    ///
    /// # Panics
    /// When it didn't.
    #[must_use]
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}
