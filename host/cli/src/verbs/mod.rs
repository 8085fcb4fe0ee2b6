//! One file a verb.

pub mod backup;
pub mod compile_plugin;
pub mod completions;
pub mod demo;
pub mod device;
pub mod enroll;
pub mod enrolled;
pub mod event;
pub mod forward;
pub mod join;
pub mod node;
pub mod node_log;
pub mod plugin;
pub mod registration;
pub mod request;
pub mod restore;
pub mod schedule;
pub mod serve;
pub mod simulate;
pub mod token;
pub mod user;

use hostler_runtime::Compiler;

/// Compiles plug-ins in a process of this very program, which sets limits for itself.
fn compiler() -> anyhow::Result<Compiler> {
    Ok(Compiler::Child { program: std::env::current_exe()?, arguments: vec!["compile-plugin".to_owned()] })
}

/// Returns when somebody wants the program to end.
async fn ended() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome?,
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
