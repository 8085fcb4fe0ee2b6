# What can be done with this project. Newcomers type ./just instead of just: it brings what is missing.

# What is typed after a recipe's name reaches the program as it was typed: "$@" keeps words with spaces whole.
set positional-arguments

# Where the programs look by themselves, so that whoever types --plugins names another folder and doesn't say it twice.
plugins := "target/plugins"
hostler := "target/debug/hostler"
sdk := "target/debug/hostler-sdk"

# Show the recipes
default:
    @just --list

# A small fleet on this machine: manager, gateway, simulated devices, and a walk through what happens
demo *ARGS: build plugins
    @{{hostler}} demo "$@"

# Every test; what needs a program that isn't here is skipped, and says so
test *ARGS: peers build plugins test-plugins
    cargo test --workspace "$@"

# The program itself; the first time takes minutes (wasmtime), later ones seconds
build:
    @scripts/first-build
    cargo build -p hostler -p hostler-sdk

# The plug-ins that come with hostler, to target/plugins
plugins: guest build
    @{{sdk}} build plugins/mfp --out {{plugins}}
    @{{sdk}} build plugins/scanner --out {{plugins}}
    @{{sdk}} build plugins/lan-discovery --out {{plugins}}
    @{{sdk}} build plugins/pin-delivery --out {{plugins}}
    @{{sdk}} build plugins/lan-enrollment --out {{plugins}}

# The plug-ins that are for tests and measurements only: one misbehaves on purpose, one does next to nothing
[private]
test-plugins: guest build
    @{{sdk}} build tests/hostile --out {{plugins}}
    @{{sdk}} build tests/hostile-terminal --out {{plugins}}
    @{{sdk}} build tests/bench/guest --out {{plugins}}

# What compiles plug-ins: rustup's wasm target, or Debian's compiler
[private]
guest:
    @scripts/guest

# The programs that tests speak to: SNMP agents, a browser
[private]
peers:
    @scripts/peers

# Ours against the bare thing, in one run; --json for programs
bench *ARGS: build plugins test-plugins
    @cargo build -q -p hostler -p hostler-sdk -p hostler-bench
    @target/debug/hostler-bench "$@"

# Formatting and lints, as reviews want them
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Licences, sources and duplicates of everything that is borrowed (needs cargo-deny)
deny:
    cargo deny check bans licenses sources

# Foreign bytes for every parser, so many seconds each (needs rustup's nightly compiler)
fuzz *ARGS:
    @scripts/fuzz "$@"
