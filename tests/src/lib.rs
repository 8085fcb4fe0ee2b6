//! End-to-end stories: they start the real binary.
