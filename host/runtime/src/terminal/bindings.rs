//! The host's side of `wit/terminal.wit`, generated: one module an export, sharing the imports of the first.

#![allow(missing_docs, reason = "generated; the documentation is in wit/")]

pub mod discovery {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "discovery-plugin",
        imports: {
            "hostler:plugin/lan.listed": async | trappable,
            "hostler:plugin/lan.broadcast": async | trappable,
            "hostler:plugin/lan.get": async | trappable,
            "hostler:plugin/lan.set": async | trappable,
            "hostler:plugin/lan.send": async | trappable,
            "hostler:plugin/lan.pause": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "hostler:plugin/types": crate::bindings::wit::types,
            "hostler:plugin/log": crate::bindings::wit::log,
            "hostler:plugin/clock": crate::bindings::wit::clock,
        },
    });
}

pub mod delivery {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "delivery-plugin",
        imports: { default: trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "hostler:plugin/types": crate::bindings::wit::types,
            "hostler:plugin/log": crate::bindings::wit::log,
            "hostler:plugin/clock": crate::bindings::wit::clock,
            "hostler:plugin/terminal-types": super::discovery::hostler::plugin::terminal_types,
            "hostler:plugin/lan": super::discovery::hostler::plugin::lan,
            "hostler:plugin/progress": super::discovery::hostler::plugin::progress,
        },
    });
}

pub use discovery::hostler::plugin::{lan, progress, terminal_types};
