//! What wit-bindgen generates from `wit/`: one module a world, sharing the types of the first.
//!
//! A further export becomes a further module here, with its own export macro, so that a
//! component exports exactly what its author implements.
#![allow(missing_docs, unsafe_code, clippy::all, clippy::indexing_slicing, reason = "generated code")]

/// The imports, and the types that all worlds share.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
    });
}

/// The export `driver`.
pub mod driver {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "driver-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_driver_functions",
        default_bindings_module: "hostler_plugin::bindings::driver",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/snmp@0.1.0": crate::bindings::imports::hostler::plugin::snmp,
            "hostler:plugin/http@0.1.0": crate::bindings::imports::hostler::plugin::http,
            "hostler:plugin/state@0.1.0": crate::bindings::imports::hostler::plugin::state,
            "hostler:plugin/cache@0.1.0": crate::bindings::imports::hostler::plugin::cache,
            "hostler:plugin/events@0.1.0": crate::bindings::imports::hostler::plugin::events,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/random@0.1.0": crate::bindings::imports::hostler::plugin::random,
            "hostler:plugin/settings@0.1.0": crate::bindings::imports::hostler::plugin::settings,
        },
    });
}

/// The export `commands`.
pub mod commands {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "commands-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_commands_functions",
        default_bindings_module: "hostler_plugin::bindings::commands",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/snmp@0.1.0": crate::bindings::imports::hostler::plugin::snmp,
            "hostler:plugin/http@0.1.0": crate::bindings::imports::hostler::plugin::http,
            "hostler:plugin/state@0.1.0": crate::bindings::imports::hostler::plugin::state,
            "hostler:plugin/cache@0.1.0": crate::bindings::imports::hostler::plugin::cache,
            "hostler:plugin/events@0.1.0": crate::bindings::imports::hostler::plugin::events,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/random@0.1.0": crate::bindings::imports::hostler::plugin::random,
            "hostler:plugin/settings@0.1.0": crate::bindings::imports::hostler::plugin::settings,
        },
    });
}

/// The export `panel`.
pub mod panel {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "panel-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_panel_functions",
        default_bindings_module: "hostler_plugin::bindings::panel",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/snmp@0.1.0": crate::bindings::imports::hostler::plugin::snmp,
            "hostler:plugin/http@0.1.0": crate::bindings::imports::hostler::plugin::http,
            "hostler:plugin/state@0.1.0": crate::bindings::imports::hostler::plugin::state,
            "hostler:plugin/cache@0.1.0": crate::bindings::imports::hostler::plugin::cache,
            "hostler:plugin/events@0.1.0": crate::bindings::imports::hostler::plugin::events,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/random@0.1.0": crate::bindings::imports::hostler::plugin::random,
            "hostler:plugin/settings@0.1.0": crate::bindings::imports::hostler::plugin::settings,
        },
    });
}

/// The export `power`.
pub mod power {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "power-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_power_functions",
        default_bindings_module: "hostler_plugin::bindings::power",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/snmp@0.1.0": crate::bindings::imports::hostler::plugin::snmp,
            "hostler:plugin/http@0.1.0": crate::bindings::imports::hostler::plugin::http,
            "hostler:plugin/state@0.1.0": crate::bindings::imports::hostler::plugin::state,
            "hostler:plugin/cache@0.1.0": crate::bindings::imports::hostler::plugin::cache,
            "hostler:plugin/events@0.1.0": crate::bindings::imports::hostler::plugin::events,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/random@0.1.0": crate::bindings::imports::hostler::plugin::random,
            "hostler:plugin/settings@0.1.0": crate::bindings::imports::hostler::plugin::settings,
        },
    });
}

/// What terminals lend, and the types that their worlds share.
pub mod terminal {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "terminal-imports",
        generate_unused_types: true,
        additional_derives: [PartialEq],
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/terminal-types@0.1.0": generate,
            "hostler:plugin/lan@0.1.0": generate,
            "hostler:plugin/progress@0.1.0": generate,
        },
    });
}

/// The export `discovery`.
pub mod discovery {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "discovery-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_discovery_functions",
        default_bindings_module: "hostler_plugin::bindings::discovery",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/terminal-types@0.1.0": crate::bindings::terminal::hostler::plugin::terminal_types,
            "hostler:plugin/lan@0.1.0": crate::bindings::terminal::hostler::plugin::lan,
            "hostler:plugin/progress@0.1.0": crate::bindings::terminal::hostler::plugin::progress,
        },
    });
}

/// The export `delivery`.
pub mod delivery {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "delivery-plugin",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_delivery_functions",
        default_bindings_module: "hostler_plugin::bindings::delivery",
        with: {
            "hostler:plugin/types@0.1.0": crate::bindings::imports::hostler::plugin::types,
            "hostler:plugin/log@0.1.0": crate::bindings::imports::hostler::plugin::log,
            "hostler:plugin/clock@0.1.0": crate::bindings::imports::hostler::plugin::clock,
            "hostler:plugin/terminal-types@0.1.0": crate::bindings::terminal::hostler::plugin::terminal_types,
            "hostler:plugin/lan@0.1.0": crate::bindings::terminal::hostler::plugin::lan,
            "hostler:plugin/progress@0.1.0": crate::bindings::terminal::hostler::plugin::progress,
        },
    });
}
