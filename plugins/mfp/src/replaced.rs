//! Noticing that a supply was replaced: its level jumps up.
//!
//! Levels fall a little with each reading, and each changed `state` costs the node a write. So the exact levels are
//! kept in `cache`, and `state` holds levels that are at most [`COARSE`] points old, for a replacement while the
//! node was down: since levels fall, a stored one is too high if anything, and the jump looks smaller than it was.

use crate::amount;
use crate::layout::Layout;
use crate::parts::supply_level;
use hostler_plugin::oid::dotted;
use hostler_plugin::types::Severity;
use hostler_plugin::{Answers, cache, events, state};

const KEY: &str = "levels";
/// Points in percent that a level rises by when the supply was replaced and not only shaken.
const JUMP: u32 = 20;
/// Points that a level falls before it is stored again.
const COARSE: u32 = 10;

/// Compares with what was last seen. Emits `supply.replaced`; true where it did.
pub(crate) fn watch(layout: &Layout, answers: &Answers) -> bool {
    let stored = parse(&state::text(KEY).unwrap_or_default());
    let seen = cache::text(KEY).map_or_else(|| stored.clone(), |text| parse(&text));
    let mut now = Vec::new();
    let mut write = false;
    let mut replaced = false;
    for supply in &layout.supplies {
        let key = dotted(&supply.instance);
        let Some(percent) = supply_level(supply, answers).as_ref().and_then(amount::percent) else { continue };
        if let Some(before) = find(&seen, &key).filter(|before| percent >= before + JUMP) {
            let text = format!("{} was replaced: {before} % before, {percent} % now.", supply.label);
            events::emit("supply.replaced", Severity::Info, &text);
            replaced = true;
        }
        write |= find(&stored, &key).is_none_or(|stored| percent >= stored + JUMP || stored >= percent + COARSE);
        now.push((key, percent));
    }
    let text = now.iter().map(|(key, percent)| format!("{key} {percent}\n")).collect::<String>();
    if write || replaced {
        state::set(KEY, text.as_bytes());
    }
    cache::set(KEY, text.as_bytes());
    replaced
}

fn find(levels: &[(String, u32)], key: &str) -> Option<u32> {
    levels.iter().find(|(known, _)| known == key).map(|(_, percent)| *percent)
}

fn parse(text: &str) -> Vec<(String, u32)> {
    let line = |line: &str| line.split_once(' ').and_then(|(key, level)| Some((key.to_owned(), level.parse().ok()?)));
    text.lines().filter_map(line).collect()
}
