//! The plug-in host: from the bytes of a component to one call from beginning to end.
//!
//! - [`Runtime::load`] compiles it once, in a process of its own, and keeps the result across restarts.
//! - [`Runtime::call`] makes a fresh instance, binds it to the links of one device, lets it spend its budget and no more, and returns
//!   what it said together with the traces that it left. Nothing is stored here: whoever called commits the traces, or drops them.
//!
//! - [`Runtime::load_terminal`], [`Runtime::discover`] and [`Runtime::deliver`] do the same for what users run at a terminal.
//!
//! A plug-in that traps, loops, grows or floods costs the one call.

mod actions;
mod ask;
mod bindings;
mod call;
mod capabilities;
mod compile;
mod convert;
mod describe;
mod engine;
mod limits;
mod memory;
mod terminal;

pub use actions::{Action, Deed};
pub use call::{Answer, Call, CallError, Done, Failure, LogLevel, LogLine, Question, Recognition, Spent, Traces};
pub use compile::{CompileError, Compiler, compile_in_this_process};
pub use engine::{CALLS, Loaded, Purpose, Runtime, RuntimeError, config};
pub use limits::Exceeded;
pub use terminal::{
    DeviceStanding, Errand, Found, Outcome, Parcel, Progress, TerminalPlugin, Verdict, Visited, Watcher,
};
