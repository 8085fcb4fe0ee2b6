//! Who asks. Every query is asked by somebody and answers what they may see.

use crate::device::Placement;
use crate::id::UserName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody may do, each right containing those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// See the devices that are theirs.
    Own,
    /// See every device.
    See,
    /// Adopt and place devices, read them now.
    Operate,
    /// Install plug-ins, grant, make users and tokens.
    Administer,
}

impl std::str::FromStr for Right {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => Ok(Self::Own),
            "see" => Ok(Self::See),
            "operate" => Ok(Self::Operate),
            "administer" => Ok(Self::Administer),
            _ => Err(format!("{text:?} is no right; there are own, see, operate and administer")),
        }
    }
}

/// Somebody who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Viewer {
    /// Who.
    pub user: UserName,
    /// What they may do.
    pub right: Right,
}

impl Viewer {
    /// Whether they may do what needs this right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.right >= right
    }

    /// Whether they may see a device placed like this.
    #[must_use]
    pub fn sees(&self, placement: &Placement) -> bool {
        self.may(Right::See) || placement.owner.as_ref() == Some(&self.user)
    }
}
