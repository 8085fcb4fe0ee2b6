//! What a node does for its users, one folder a topic.
