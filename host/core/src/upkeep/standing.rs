//! What was set from above and stays so over restarts, until somebody takes it back.

use crate::id::DeviceId;

/// Something that was set from above. Its value is a number; which, each says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// Every device is read so often, in milliseconds.
    ReadEvery,
    /// This device is read so often, in milliseconds.
    ReadDeviceEvery(DeviceId),
    /// The networks are searched so often, in milliseconds.
    SearchEvery,
}

const READ: &str = "read-every";
const SEARCH: &str = "search-every";
const READ_DEVICE: &str = "read-device-every";

impl Standing {
    /// What it is kept under.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::ReadEvery => READ.to_owned(),
            Self::ReadDeviceEvery(device) => format!("{READ_DEVICE}/{device}"),
            Self::SearchEvery => SEARCH.to_owned(),
        }
    }

    /// What is kept under this; `None` for what this release knows nothing of.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once('/') {
            None if key == READ => Some(Self::ReadEvery),
            None if key == SEARCH => Some(Self::SearchEvery),
            Some((READ_DEVICE, device)) => Some(Self::ReadDeviceEvery(device.parse().ok()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d07_what_was_set_is_known_by_its_key() {
        let device = Standing::ReadDeviceEvery("SN-1:a".parse().unwrap());
        for standing in [Standing::ReadEvery, Standing::SearchEvery, device] {
            assert_eq!(Standing::from_key(&standing.key()), Some(standing));
        }
        assert_eq!(Standing::from_key("of-a-later-release/x"), None);
        assert_eq!(Standing::from_key("read-device-every/no id"), None);
    }
}
