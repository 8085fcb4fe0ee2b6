//! What a node lends besides links and memory.

/// The time: the only one that a plug-in has.
pub mod clock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now() -> u64 {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::hostler::plugin::clock::now();
        #[cfg(not(target_arch = "wasm32"))]
        return crate::testing::link::now();
    }
}

/// Randomness good enough for keys.
pub mod random {
    /// At most 4,096 bytes a call.
    #[must_use]
    pub fn bytes(count: u32) -> Vec<u8> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::hostler::plugin::random::bytes(count);
        #[cfg(not(target_arch = "wasm32"))]
        return crate::testing::link::random(count);
    }
}

/// What the operator set for this plug-in on this device.
pub mod settings {
    /// The value set, else the manifest's default; `None` for a name that the manifest doesn't have.
    #[must_use]
    pub fn get(name: &str) -> Option<String> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::hostler::plugin::settings::get(name);
        #[cfg(not(target_arch = "wasm32"))]
        return crate::testing::link::setting(name);
    }

    /// Whether a setting says no: "no", "off" or "false".
    #[must_use]
    pub fn is_off(name: &str) -> bool {
        get(name).is_some_and(|value| matches!(value.trim(), "no" | "off" | "false"))
    }
}

/// What happened to the device, for people and for those above. Stored with the call's result or not at all.
pub mod events {
    pub use crate::bindings::imports::hostler::plugin::events::Event;
    use crate::types::Severity;

    /// Reports an event: a dotted lower-case name such as `supply.replaced`, and one sentence.
    pub fn emit(name: &str, severity: Severity, text: &str) {
        let event = Event { name: name.to_owned(), severity, text: text.to_owned() };
        #[cfg(target_arch = "wasm32")]
        crate::bindings::imports::hostler::plugin::events::emit(&event);
        #[cfg(not(target_arch = "wasm32"))]
        crate::testing::link::emit(event);
    }
}

/// Lines for the operator and the author. They have a budget; what exceeds it is counted, not kept.
pub mod log {
    pub use crate::bindings::imports::hostler::plugin::log::LogLevel;

    /// Writes a line.
    pub fn write(level: LogLevel, line: &str) {
        #[cfg(target_arch = "wasm32")]
        crate::bindings::imports::hostler::plugin::log::write(level, line);
        #[cfg(not(target_arch = "wasm32"))]
        crate::testing::link::write(level, line);
    }

    /// For the author.
    pub fn debug(line: &str) {
        write(LogLevel::Debug, line);
    }

    /// For the operator.
    pub fn warn(line: &str) {
        write(LogLevel::Warn, line);
    }
}
