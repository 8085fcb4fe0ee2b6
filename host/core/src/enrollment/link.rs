//! The `hostler:` link of a registration page: it starts the program at a user's terminal. There it comes from wherever the
//! user clicked, so it is foreign input: it names a manager and a registration, carries no credential, and is followed only
//! to a manager that the user knows.

use crate::id::{BadId, RegistrationId};
use std::fmt;
use std::str::FromStr;
use url::{Url, form_urlencoded};

/// Characters of a link at most.
const LONGEST: usize = 2_000;

/// A link: `hostler://enroll?manager=https://…&registration=r-…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Which manager.
    pub manager: Url,
    /// Which registration's PINs to bring; without one, devices are looked for.
    pub registration: Option<RegistrationId>,
}

impl Link {
    /// What links begin with.
    pub const SCHEME: &str = "hostler";
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("manager", self.manager.as_str().trim_end_matches('/'));
        if let Some(registration) = &self.registration {
            query.append_pair("registration", registration.as_str());
        }
        write!(f, "{}://enroll?{}", Self::SCHEME, query.finish())
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("this is no link of a registration page: {why}");
        if text.len() > LONGEST {
            return Err(wrong("it is too long"));
        }
        let link = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let verb = link.host_str().unwrap_or(link.path());
        if link.scheme() != Self::SCHEME || verb != "enroll" {
            return Err(wrong("it begins with hostler://enroll"));
        }
        let (mut manager, mut registration) = (None, None);
        for (name, value) in link.query_pairs() {
            let before = match name.as_ref() {
                "manager" | "url" => manager.replace(manager_at(&value).map_err(|why| wrong(&why))?).is_some(),
                "registration" => {
                    let id = value.parse().map_err(|error: BadId| wrong(&error.to_string()))?;
                    registration.replace(id).is_some()
                }
                other => return Err(wrong(&format!("{other:?} has no meaning in one"))),
            };
            if before {
                return Err(wrong(&format!("it says {name} twice")));
            }
        }
        Ok(Self { manager: manager.ok_or_else(|| wrong("it names no manager"))?, registration })
    }
}

/// The address of a manager, and nothing besides.
fn manager_at(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("its manager is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("a manager's address begins with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a link carries no user and no password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a manager's address has no ? and no #".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_links_name_a_manager_and_a_registration() {
        let link: Link =
            "hostler://enroll?manager=https%3A%2F%2Fm.example%3A8600&registration=r-4f1c09d2a7b3e856".parse().unwrap();
        assert_eq!(link.manager.as_str(), "https://m.example:8600/");
        assert_eq!(link.registration.as_ref().unwrap().as_str(), "r-4f1c09d2a7b3e856");
        let text = link.to_string();
        assert_eq!(text.parse::<Link>().unwrap(), link, "{text}");
        assert!("hostler:enroll?url=http://127.0.0.1:8600".parse::<Link>().unwrap().registration.is_none());
    }

    #[test]
    fn e11_what_else_a_link_could_carry_is_refused() {
        for text in [
            "",
            "https://m.example",
            "hostler://enroll",
            "hostler://other?manager=https://m.example",
            "hostler://enroll?manager=file:///etc/passwd",
            "hostler://enroll?manager=javascript:alert(1)",
            "hostler://enroll?manager=https://u:p@m.example",
            "hostler://enroll?manager=https://m.example&manager=https://n.example",
            "hostler://enroll?manager=https://m.example&token=x",
            "hostler://enroll?manager=https://m.example&yes=true",
            "hostler://enroll?manager=https://m.example&registration=../../users",
        ] {
            assert!(text.parse::<Link>().is_err(), "{text}");
        }
        assert!(format!("hostler://enroll?manager=https://{}", "m".repeat(LONGEST)).parse::<Link>().is_err());
    }
}
