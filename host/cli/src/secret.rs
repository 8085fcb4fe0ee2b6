//! Secrets that people give to the command line.

use anyhow::{Context, Result, bail};
use hostler_core::Secret;
use std::convert::Infallible;
use std::io::{IsTerminal, Read};

/// Characters of a secret at most.
const LONGEST: u64 = 4_096;

/// A secret among the arguments.
pub fn parse(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Asks for what isn't among the arguments, where others who use this machine would see it: at the terminal without showing
/// it, and without a terminal it is what comes at standard input.
pub fn ask(what: &str) -> Result<Secret> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{what}: "))
            .map(Secret::new)
            .context("nothing can be asked for here");
    }
    read(what, std::io::stdin().lock())
}

fn read(what: &str, from: impl Read) -> Result<Secret> {
    let mut text = String::new();
    let read = from.take(LONGEST).read_to_string(&mut text).map(|_| Secret::new(text));
    let text = read.with_context(|| format!("the {what} can't be read from standard input"))?;
    match text.expose().trim() {
        "" => bail!("no {what} came at standard input; give one there, or run this at a terminal to be asked"),
        text => Ok(Secret::new(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_a_secret_is_read_from_standard_input() {
        assert_eq!(read("PIN", "7K3M-9QX2\n".as_bytes()).unwrap().expose(), "7K3M-9QX2");
        assert!(read("PIN", " \n".as_bytes()).is_err() && read("PIN", [0xff].as_slice()).is_err());
    }
}
