//! The host's side of `wit/`, generated.

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

pub use exports::hostler::plugin::driver;
pub use hostler::plugin as wit;
