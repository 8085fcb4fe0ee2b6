//! What one call of a plug-in may spend.

use serde::{Deserialize, Serialize};

/// Limits of one call, over the whole instance. The host's ceiling is [`Budget::default`]; a manifest may ask for less.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Budget {
    /// Milliseconds from beginning to end, waiting for the device included.
    pub wall_ms: u32,
    /// Milliseconds in which the plug-in itself may compute.
    pub compute_ms: u32,
    /// Bytes in all its memories and tables together.
    pub memory_bytes: u32,
    /// Bytes that pass between plug-in and host.
    pub host_bytes: u32,
    /// Requests to the device. A walk counts once for each 64 bindings begun.
    pub link_operations: u32,
    /// Log lines kept; what exceeds it is counted.
    pub log_lines: u32,
    /// Events emitted.
    pub events: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            wall_ms: 60_000,
            compute_ms: 2_000,
            memory_bytes: 32 << 20,
            host_bytes: 8 << 20,
            link_operations: 500,
            log_lines: 100,
            events: 100,
        }
    }
}

impl Budget {
    /// The ceiling of a terminal plug-in's call: it works on a whole network while somebody looks at it.
    #[must_use]
    pub fn terminal() -> Self {
        Self {
            wall_ms: 900_000,
            compute_ms: 10_000,
            host_bytes: 64 << 20,
            link_operations: 100_000,
            events: 0,
            ..Self::default()
        }
    }

    /// The smaller of each limit: what a manifest asks for, under the host's ceiling.
    #[must_use]
    pub fn within(self, ceiling: Self) -> Self {
        Self {
            wall_ms: self.wall_ms.min(ceiling.wall_ms),
            compute_ms: self.compute_ms.min(ceiling.compute_ms),
            memory_bytes: self.memory_bytes.min(ceiling.memory_bytes),
            host_bytes: self.host_bytes.min(ceiling.host_bytes),
            link_operations: self.link_operations.min(ceiling.link_operations),
            log_lines: self.log_lines.min(ceiling.log_lines),
            events: self.events.min(ceiling.events),
        }
    }
}

/// What a manifest says under `[budget]`: less than the ceiling of its kind, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Wish {
    wall_ms: Option<u32>,
    compute_ms: Option<u32>,
    memory_bytes: Option<u32>,
    host_bytes: Option<u32>,
    link_operations: Option<u32>,
    log_lines: Option<u32>,
    events: Option<u32>,
}

impl Wish {
    /// What is granted of it.
    pub(super) fn within(self, ceiling: Budget) -> Budget {
        Budget {
            wall_ms: self.wall_ms.unwrap_or(ceiling.wall_ms),
            compute_ms: self.compute_ms.unwrap_or(ceiling.compute_ms),
            memory_bytes: self.memory_bytes.unwrap_or(ceiling.memory_bytes),
            host_bytes: self.host_bytes.unwrap_or(ceiling.host_bytes),
            link_operations: self.link_operations.unwrap_or(ceiling.link_operations),
            log_lines: self.log_lines.unwrap_or(ceiling.log_lines),
            events: self.events.unwrap_or(ceiling.events),
        }
        .within(ceiling)
    }
}
