//! The host's side of `wit/`, generated: what nodes lend and `driver`, then one module for each further export, sharing the
//! imports of the first.

#![allow(missing_docs, reason = "generated; the documentation is in wit/")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "driver-plugin",
    imports: {
        "hostler:plugin/snmp.get": async | trappable,
        "hostler:plugin/snmp.walk": async | trappable,
        "hostler:plugin/snmp.set": async | trappable,
        "hostler:plugin/http.send": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
});

mod commands_plugin {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "commands-plugin",
        imports: { default: trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "hostler:plugin/types": crate::bindings::wit::types,
            "hostler:plugin/snmp": crate::bindings::wit::snmp,
            "hostler:plugin/http": crate::bindings::wit::http,
            "hostler:plugin/state": crate::bindings::wit::state,
            "hostler:plugin/cache": crate::bindings::wit::cache,
            "hostler:plugin/events": crate::bindings::wit::events,
            "hostler:plugin/log": crate::bindings::wit::log,
            "hostler:plugin/clock": crate::bindings::wit::clock,
            "hostler:plugin/random": crate::bindings::wit::random,
            "hostler:plugin/settings": crate::bindings::wit::settings,
        },
    });
}

mod panel_plugin {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "panel-plugin",
        imports: { default: trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "hostler:plugin/types": crate::bindings::wit::types,
            "hostler:plugin/snmp": crate::bindings::wit::snmp,
            "hostler:plugin/http": crate::bindings::wit::http,
            "hostler:plugin/state": crate::bindings::wit::state,
            "hostler:plugin/cache": crate::bindings::wit::cache,
            "hostler:plugin/events": crate::bindings::wit::events,
            "hostler:plugin/log": crate::bindings::wit::log,
            "hostler:plugin/clock": crate::bindings::wit::clock,
            "hostler:plugin/random": crate::bindings::wit::random,
            "hostler:plugin/settings": crate::bindings::wit::settings,
        },
    });
}

mod power_plugin {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "power-plugin",
        imports: { default: trappable },
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "hostler:plugin/types": crate::bindings::wit::types,
            "hostler:plugin/snmp": crate::bindings::wit::snmp,
            "hostler:plugin/http": crate::bindings::wit::http,
            "hostler:plugin/state": crate::bindings::wit::state,
            "hostler:plugin/cache": crate::bindings::wit::cache,
            "hostler:plugin/events": crate::bindings::wit::events,
            "hostler:plugin/log": crate::bindings::wit::log,
            "hostler:plugin/clock": crate::bindings::wit::clock,
            "hostler:plugin/random": crate::bindings::wit::random,
            "hostler:plugin/settings": crate::bindings::wit::settings,
        },
    });
}

pub use commands_plugin::CommandsPluginPre;
pub use commands_plugin::exports::hostler::plugin::commands;
pub use panel_plugin::PanelPluginPre;
pub use panel_plugin::exports::hostler::plugin::panel;
pub use power_plugin::PowerPluginPre;
pub use power_plugin::exports::hostler::plugin::power;

pub use exports::hostler::plugin::driver;
pub use hostler::plugin as wit;
