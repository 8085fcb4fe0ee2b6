//! What is written to `state`, `cache` and `events`.

use hostler_plugin::types::Severity;
use hostler_plugin::{cache, events, state};

/// What the tests give to remember: more than half as many keys as there may be.
const GIVEN: u32 = 200;

/// Something of each kind; the call sees its own writes.
pub(crate) fn leave() {
    state::set("new", b"1");
    state::set("new", b"2");
    state::set("fleeting", b"1");
    state::delete("fleeting");
    state::delete("old");
    assert_eq!(state::text("new").as_deref(), Some("2"));
    assert_eq!(state::get("old"), None);
    cache::set("seen", b"yes");
    events::emit("hostile.left", Severity::Warning, "a trace\r\n");
}

pub(crate) fn rewrite() {
    for key in 0..GIVEN {
        state::set(&format!("given-{key}"), b"new");
    }
    state::set("one-more", b"new");
}

pub(crate) fn big_value() {
    state::set("big", &[0; (64 << 10) + 1]);
}

pub(crate) fn big_values() {
    for key in 0..100 {
        state::set(&format!("key-{key}"), &[0; 60_000]);
    }
}

pub(crate) fn many_keys() {
    for key in 0..100_000 {
        state::set(&format!("key-{key}"), b"");
    }
}

pub(crate) fn bad_key() {
    state::set("a\nb", b"");
}
