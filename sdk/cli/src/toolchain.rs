//! Finding a compiler that can build for WASM.
//!
//! A rustup toolchain that has the target is used as it is. Where rustup can't add the target (it downloads it), a
//! toolchain by the name of [`GUEST`] is used: any installation of Rust that was linked under that name, such as a
//! distribution's. If that one has no standard library for the target, cargo builds it once from its sources.
//! Nothing is tried out: rustc is asked where the library would be, and the folder is looked at.

use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What plug-ins are built for: WASM without a system interface, so that nothing is there that wasn't granted.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The linked toolchain that is used where the author's own can't build for [`TARGET`].
pub(crate) const GUEST: &str = "hostler-guest";

const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// How to run cargo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Toolchain {
    /// The author's own.
    Own {
        /// Whether its standard library can take part in link-time optimisation.
        bitcode: bool,
    },
    /// [`GUEST`], which has the standard library.
    Guest {
        /// As above.
        bitcode: bool,
    },
    /// [`GUEST`], which builds it from source.
    GuestFromSource,
}

impl Toolchain {
    /// The first that works here.
    ///
    /// # Errors
    /// Says what to install when none does.
    pub(crate) fn find(folder: &Path) -> anyhow::Result<Self> {
        let own =
            library(Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).current_dir(folder));
        if let Some(library) = own.filter(|library| has_std(library)) {
            return Ok(Self::Own { bitcode: has_bitcode(&library) });
        }
        let Some(library) = library(&mut rustup_run("rustc")) else {
            bail!(
                "this Rust can't build for {TARGET}, which plug-ins are made of.\n  \
                 With rustup, run `rustup target add {TARGET}`.\n  \
                 Where rustup can't download, install your distribution's Rust with its standard library for WASM \
                 (Debian: `apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld`) and link it \
                 with `rustup toolchain link {GUEST} /usr`."
            );
        };
        if linker().is_none() {
            bail!(
                "the toolchain {GUEST} needs the linker wasm-ld, which isn't on the PATH.\n  \
                 Install LLVM's linker (Debian: `apt-get install lld`)."
            );
        }
        if has_std(&library) {
            return Ok(Self::Guest { bitcode: has_bitcode(&library) });
        }
        // …/lib/rustlib/<target>/lib is where the library would be; its source is beside the targets.
        let source = library.ancestors().nth(2).map(|rustlib| rustlib.join("src/rust/library/Cargo.lock"));
        if !source.is_some_and(|lock| lock.is_file()) {
            bail!(
                "the toolchain {GUEST} has neither a standard library for {TARGET} nor the source to build it from.\n  \
                 Install one of them (Debian: `apt-get install rust-web-src`)."
            );
        }
        Ok(Self::GuestFromSource)
    }

    /// Cargo of this toolchain.
    pub(crate) fn cargo(self) -> Command {
        match self {
            Self::Own { .. } => Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            Self::Guest { .. } | Self::GuestFromSource => {
                let mut command = rustup_run("cargo");
                if let Some(linker) = linker() {
                    command.env(LINKER, linker);
                }
                if self == Self::GuestFromSource {
                    // Building the standard library is a nightly feature of cargo, and this is how a stable one is
                    // told that we know. It is built once for each target folder, small and without the code that
                    // prints backtraces, which nobody would see.
                    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
                    command.env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
                }
                command
            }
        }
    }

    /// Whether `lto = true` works.
    pub(crate) fn can_optimise_at_link_time(self) -> bool {
        match self {
            Self::Own { bitcode } | Self::Guest { bitcode } => bitcode,
            Self::GuestFromSource => true,
        }
    }
}

/// A program of [`GUEST`], without what a cargo around us put into the environment for its own toolchain.
fn rustup_run(program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", GUEST, program]);
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    command
}

/// Where this rustc keeps its libraries for [`TARGET`], or would.
fn library(rustc: &mut Command) -> Option<PathBuf> {
    let output = rustc.args(["--print", "target-libdir", "--target", TARGET]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

fn rlibs<'a>(library: &'a Path, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    std::fs::read_dir(library).into_iter().flatten().flatten().map(|entry| entry.path()).filter(move |path| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.starts_with(name) && file.ends_with(".rlib")
    })
}

fn has_std(library: &Path) -> bool {
    rlibs(library, "libstd-").next().is_some()
}

/// Whether the library was compiled with `-C embed-bitcode=yes`, without which rustc refuses `lto = true` with
/// "Can't find section .llvmbc".
fn has_bitcode(library: &Path) -> bool {
    const SECTION: &[u8] = b".llvmbc";
    rlibs(library, "libcore-")
        .next()
        .and_then(|path| std::fs::read(path).ok())
        .is_some_and(|bytes| bytes.windows(SECTION.len()).any(|window| window == SECTION))
}

fn linker() -> Option<OsString> {
    let set = std::env::var_os(LINKER);
    let path = std::env::var_os("PATH").unwrap_or_default();
    set.or_else(|| {
        std::env::split_paths(&path).map(|folder| folder.join("wasm-ld")).find(|file| file.is_file()).map(Into::into)
    })
}

/// A readable name of what was found, for the line that says how a plug-in was built.
impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own { .. } => "the default toolchain",
            Self::Guest { .. } => "the toolchain hostler-guest",
            Self::GuestFromSource => "the toolchain hostler-guest, with the standard library from source",
        })
    }
}

/// Runs a command and gives its standard output; what it says on standard error goes to the terminal.
///
/// # Errors
/// When it can't be started or fails.
pub(crate) fn output_of(command: &mut Command, doing: &str) -> anyhow::Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("{doing}: can't start {program}; is it installed and on the PATH?"))?;
    if !output.status.success() {
        bail!("{doing} failed ({}); the reason is above", output.status);
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_without_bitcode_is_told_from_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_std(folder.path()));
        std::fs::write(folder.path().join("libstd-1.rlib"), "").unwrap();
        std::fs::write(folder.path().join("libcore-1.rlib"), "object").unwrap();
        assert!(has_std(folder.path()));
        assert!(!has_bitcode(folder.path()));
        std::fs::write(folder.path().join("libcore-1.rlib"), "object .llvmbc").unwrap();
        assert!(has_bitcode(folder.path()));
    }
}
