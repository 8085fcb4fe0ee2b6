//! From a component to machine code: once for each component and engine, in a process of its own.
//!
//! Compiling what nobody trusts can take any time and memory; in a child process both have limits. The result is kept
//! where only this node writes, under the component's digest and the engine's, so that it always fits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use wasmtime::Engine;
use wasmtime::component::Component;

/// How long a compilation may take. 18 MB of Python take half a minute on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// How much address space a compiling process gets, in bytes.
const ADDRESS_SPACE: u64 = 8 << 30;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It isn't valid, or uses what the host doesn't have.
    #[error("it does not compile: {0}")]
    Invalid(String),
    /// It took too long, or too much memory.
    #[error("compiling it took more than {} s or {} GiB", PATIENCE.as_secs(), ADDRESS_SPACE >> 30)]
    TooHard,
    /// The compiler's process couldn't be run.
    #[error("the compiler could not be run: {0}")]
    Process(#[source] std::io::Error),
    /// The folder for compiled code can't be used.
    #[error("compiled code can't be kept in {}: {source}", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Who compiles.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// This process: for what is trusted, such as one's own plug-in under test.
    Here,
    /// A process of this program, which calls [`compile_in_this_process`].
    Child {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// What the compiling process does: sets its own limits, then turns the component into machine code.
///
/// # Errors
/// The component isn't valid, or the limits can't be set.
pub fn compile_in_this_process(component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let limit = |resource: rlimit::Resource, most: u64| resource.set(most, most).map_err(CompileError::Process);
    limit(rlimit::Resource::AS, ADDRESS_SPACE)?;
    limit(rlimit::Resource::CPU, PATIENCE.as_secs())?;
    limit(rlimit::Resource::CORE, 0)?;
    compile(component)
}

fn compile(component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let invalid = |error: wasmtime::Error| CompileError::Invalid(format!("{error:#}"));
    let engine = Engine::new(&crate::config(crate::Purpose::Compile)).map_err(invalid)?;
    engine.precompile_component(component).map_err(invalid)
}

impl Compiler {
    async fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Here => {
                let component = component.to_vec();
                let compiled = tokio::task::spawn_blocking(move || compile(&component)).await;
                compiled.map_err(|error| CompileError::Process(std::io::Error::other(error)))?
            }
            Self::Child { program, arguments } => {
                let work = in_child(program, arguments, component);
                tokio::time::timeout(PATIENCE, work).await.map_err(|_| CompileError::TooHard)?
            }
        }
    }
}

async fn in_child(program: &Path, arguments: &[String], component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(CompileError::Process)?;
    let input = child.stdin.take();
    let feed = async move {
        // A compiler that gives up early closes its input; its message says why.
        if let Some(mut input) = input {
            let _ = input.write_all(component).await;
        }
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(CompileError::Process)?;
    match output.status.code() {
        Some(0) => Ok(output.stdout),
        Some(_) => Err(CompileError::Invalid(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        None => Err(CompileError::TooHard),
    }
}

/// Compiled code that is kept across restarts.
pub(crate) struct Compiled {
    folder: PathBuf,
    compiler: Compiler,
}

impl Compiled {
    pub(crate) fn new(folder: PathBuf, compiler: Compiler) -> Self {
        Self { folder, compiler }
    }

    /// The component, compiled now or before.
    pub(crate) async fn get(&self, engine: &Engine, digest: &str, bytes: &[u8]) -> Result<Component, CompileError> {
        let path = self.folder.join(file_name(engine, digest));
        if path.exists() {
            match deserialize(engine, &path) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "compiled code doesn't fit; compiling again")
                }
            }
        }
        let code = self.compiler.compile(bytes).await?;
        let folder = |source| CompileError::Folder { folder: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(folder)?;
        std::io::Write::write_all(&mut file, &code).map_err(folder)?;
        // Half a file after a power failure would be run as it is: machine code carries no checksum.
        file.as_file().sync_all().map_err(folder)?;
        file.persist(&path).map_err(|error| folder(error.error))?;
        deserialize(engine, &path).map_err(|error| CompileError::Invalid(format!("{error:#}")))
    }

    /// Forgets what was compiled of components that are gone, or by an engine that is, and what a crash left half-done.
    pub(crate) fn keep_only(&self, engine: &Engine, digests: &BTreeSet<String>) {
        // Nothing was compiled yet.
        let Ok(files) = std::fs::read_dir(&self.folder) else { return };
        let fitting: BTreeSet<String> = digests.iter().map(|digest| file_name(engine, digest)).collect();
        for file in files.flatten() {
            if file.file_name().to_str().is_none_or(|name| !fitting.contains(name))
                && let Err(error) = std::fs::remove_file(file.path())
            {
                tracing::warn!(%error, path = %file.path().display(), "old compiled code can't be removed");
            }
        }
    }
}

fn file_name(engine: &Engine, digest: &str) -> String {
    format!("{digest}-{}.cwasm", fingerprint(engine))
}

fn fingerprint(engine: &Engine) -> String {
    use std::hash::{Hash, Hasher};
    #[allow(deprecated, reason = "the only hasher of std whose result is the same in every run")]
    let mut hasher = std::hash::SipHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[allow(
    unsafe_code,
    reason = "compiled code is trusted: this node wrote it, in a folder that only it writes, under the digest of what it was made of"
)]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by `Compiled::get` of a process with the same rights; the engine checks that its
    // version and configuration are the ones that the code was made for.
    unsafe { Component::deserialize_file(engine, path) }
}
