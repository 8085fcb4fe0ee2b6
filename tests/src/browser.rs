//! A browser without a window, driven by WebDriver (W3C) as somebody would use it.

/// A browser.
pub struct Browser;
