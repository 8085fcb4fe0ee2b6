//! Wiring: a configuration becomes running roles.
