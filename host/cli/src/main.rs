//! hostler: the manager, the gateway and the tools around them, in one binary. One file a verb.

#![allow(clippy::indexing_slicing, reason = "what is indexed here is JSON, where a name that isn't there gives null")]

mod client;
mod log;
mod output;
mod pieces;
mod secret;
mod verbs;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A gateway allocates much and briefly; this keeps it quick and small.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Manage fleets of networked devices: manager, gateway and tools in one binary.
#[derive(Parser)]
#[command(name = "hostler", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Begin with `hostler demo`: it starts a small fleet on this machine and says what it does.")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Serve(verbs::serve::Serve),
    Demo(verbs::demo::Demo),
    #[command(subcommand)]
    Device(verbs::device::Device),
    #[command(subcommand)]
    Event(verbs::event::Event),
    #[command(subcommand)]
    Forward(verbs::forward::Forward),
    #[command(subcommand)]
    Plugin(verbs::plugin::Plugin),
    #[command(subcommand)]
    Node(verbs::node::Node),
    #[command(subcommand)]
    Request(verbs::request::Request),
    #[command(subcommand)]
    Registration(verbs::registration::Registration),
    #[command(subcommand)]
    Enrolled(verbs::enrolled::Enrolled),
    Enroll(verbs::enroll::Enroll),
    #[command(subcommand)]
    Join(verbs::join::Join),
    #[command(subcommand)]
    Schedule(verbs::schedule::Schedule),
    #[command(subcommand)]
    Token(verbs::token::Token),
    #[command(subcommand)]
    User(verbs::user::User),
    Backup(verbs::backup::Backup),
    Restore(verbs::restore::Restore),
    Simulate(verbs::simulate::Simulate),
    Completions(verbs::completions::Completions),
    #[command(hide = true)]
    CompilePlugin(verbs::compile_plugin::CompilePlugin),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A compiling process has limits of its own and needs no threads beside the compiler's.
    if let Verb::CompilePlugin(verb) = &arguments.verb {
        return finish(verb.run());
    }
    // Once for the process: everything that speaks TLS uses it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(error.into())),
    };
    let outcome = runtime.block_on(async {
        match arguments.verb {
            Verb::Serve(verb) => verb.run().await,
            Verb::Demo(verb) => verb.run().await,
            Verb::Device(verb) => verb.run().await,
            Verb::Event(verb) => verb.run().await,
            Verb::Forward(verb) => verb.run().await,
            Verb::Plugin(verb) => verb.run().await,
            Verb::Node(verb) => verb.run().await,
            Verb::Request(verb) => verb.run().await,
            Verb::Registration(verb) => verb.run().await,
            Verb::Enrolled(verb) => verb.run().await,
            Verb::Enroll(verb) => verb.run().await,
            Verb::Join(verb) => verb.run().await,
            Verb::Schedule(verb) => verb.run().await,
            Verb::Token(verb) => verb.run().await,
            Verb::User(verb) => verb.run().await,
            Verb::Backup(verb) => verb.run().await,
            Verb::Restore(verb) => verb.run(),
            Verb::Simulate(verb) => verb.run().await,
            Verb::Completions(verb) => verb.run(),
            Verb::CompilePlugin(verb) => verb.run(),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    finish(outcome)
}

/// What happened, why, and what to do, each cause on a line of its own where it adds something.
fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // Somebody closed the pipe that we print to: `hostler device list | head`.
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            eprintln!("  because: {cause}");
            said = cause;
        }
    }
    ExitCode::FAILURE
}
