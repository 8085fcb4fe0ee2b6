//! What a plug-in remembers of a device from call to call.

/// Stored with the call's result or not at all.
///
/// Every value that changes costs the node a write to disk. [`set`](state::set) therefore passes on only what differs
/// from what is there, and what moves all the time belongs into [`cache`].
pub mod state {
    #[cfg(target_arch = "wasm32")]
    use crate::bindings::imports::hostler::plugin::state as link;
    #[cfg(not(target_arch = "wasm32"))]
    use crate::testing::link::state as link;

    /// What was set, by this call or an earlier one.
    #[must_use]
    pub fn get(key: &str) -> Option<Vec<u8>> {
        link::get(key)
    }

    /// The same as text.
    #[must_use]
    pub fn text(key: &str) -> Option<String> {
        get(key).and_then(|value| String::from_utf8(value).ok())
    }

    /// Remembers a value, unless it is the one that is remembered. Keys have 1 to 128 bytes of printable ASCII; the
    /// host ends a call that exceeds 64 KiB of values.
    pub fn set(key: &str, value: &[u8]) {
        if link::get(key).as_deref() != Some(value) {
            link::set(key, value);
        }
    }

    /// Forgets a value.
    pub fn delete(key: &str) {
        link::delete(key);
    }
}

/// The same without a promise: kept in memory, gone after a restart of the node or when space is short. Costs nothing.
pub mod cache {
    #[cfg(target_arch = "wasm32")]
    use crate::bindings::imports::hostler::plugin::cache as link;
    #[cfg(not(target_arch = "wasm32"))]
    use crate::testing::link::cache as link;

    /// What was set, perhaps.
    #[must_use]
    pub fn get(key: &str) -> Option<Vec<u8>> {
        link::get(key)
    }

    /// The same as text.
    #[must_use]
    pub fn text(key: &str) -> Option<String> {
        get(key).and_then(|value| String::from_utf8(value).ok())
    }

    /// Remembers a value for a while.
    pub fn set(key: &str, value: &[u8]) {
        link::set(key, value);
    }
}
