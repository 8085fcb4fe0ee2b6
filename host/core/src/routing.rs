//! How nodes behind nodes are reached: each node knows the way to every node below it, and nobody connects inwards.
//!
//! A node that is called by another tells its own parent, which puts its child's name in front and tells its parent. What
//! a way can't be, because it leads in a circle or too deep, is decided here and is the same at every level.

use crate::id::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most nodes that are passed on the way to one below, itself included. More is a mistake sooner than a fleet.
pub const MOST_LEVELS: usize = 8;

/// The way to a node that is called by another: from the neighbour below that leads to it, to itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The neighbour.
    next: NodeId,
    /// Those behind it, nearest first, down to the node.
    behind: Vec<NodeId>,
    /// The node.
    node: NodeId,
    /// Nobody of the way has told of it yet: the node is known to have moved there, and nothing is sent to it before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    awaited: bool,
}

/// Why a node can't be reached as it is told.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoRoute {
    /// Nobody is named.
    #[error("{child} told of a node below it and named none; it was set aside")]
    Empty {
        /// Who told.
        child: NodeId,
    },
    /// Nodes call each other in a circle.
    #[error(
        "nodes call each other in a circle: {path}. {node} comes twice, so what is told this way is set aside; give one \
         of them another parent, or another name"
    )]
    Loop {
        /// The node that comes twice.
        node: NodeId,
        /// The whole way.
        path: String,
    },
    /// More nodes are below each other than there may be.
    #[error(
        "{path} are {levels} levels, and at most {MOST_LEVELS} are reached; let the last call one nearer to the manager"
    )]
    TooDeep {
        /// The whole way.
        path: String,
        /// How many nodes it has.
        levels: usize,
    },
    /// The node is reached otherwise already.
    #[error(
        "there are two nodes {node}: one is reached through {known}, the other through {told}, which was set aside; \
         rename one, or remove the former first"
    )]
    Elsewhere {
        /// Which node.
        node: NodeId,
        /// The neighbour through which it is reached.
        known: NodeId,
        /// The neighbour that now tells of it.
        told: NodeId,
    },
    /// The node that it calls isn't known to be there.
    #[error("{node} is told to call {above}, which isn't known below {child}; it was set aside")]
    Unheard {
        /// Who told.
        child: NodeId,
        /// Whom it calls.
        above: NodeId,
        /// Which node.
        node: NodeId,
    },
}

/// Names as people read a way through the tree.
#[must_use]
pub fn as_path(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" › ")
}

impl Route {
    /// The way to the last of these, which `child` tells `own` of, nearest first.
    ///
    /// # Errors
    /// It is none: [`NoRoute::Empty`], [`NoRoute::Loop`] or [`NoRoute::TooDeep`].
    pub fn told(own: &NodeId, child: &NodeId, told: &[NodeId]) -> Result<Self, NoRoute> {
        let Some((node, between)) = told.split_last() else { return Err(NoRoute::Empty { child: child.clone() }) };
        let levels = 1 + told.len();
        // Who tells of more than this is cut: nobody reads it.
        let path =
            || as_path(&[own, child].into_iter().chain(told.iter().take(2 * MOST_LEVELS)).cloned().collect::<Vec<_>>());
        let mut seen = vec![own, child];
        for node in told.iter().take(2 * MOST_LEVELS) {
            if seen.contains(&node) {
                return Err(NoRoute::Loop { node: node.clone(), path: path() });
            }
            seen.push(node);
        }
        if levels > MOST_LEVELS {
            return Err(NoRoute::TooDeep { path: path(), levels });
        }
        Ok(Self { next: child.clone(), behind: between.to_vec(), node: node.clone(), awaited: false })
    }

    /// The same, before anybody of the way has told of it.
    #[must_use]
    pub fn to_come(self) -> Self {
        Self { awaited: true, ..self }
    }

    /// Whether nobody of the way has told of it yet.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// The neighbour that leads to it.
    #[must_use]
    pub fn next_hop(&self) -> &NodeId {
        &self.next
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// The node that it calls.
    #[must_use]
    pub fn above(&self) -> &NodeId {
        self.behind.last().unwrap_or(&self.next)
    }

    /// Whether it leads to this node or through it.
    #[must_use]
    pub fn passes(&self, node: &NodeId) -> bool {
        self.next == *node || self.node == *node || self.behind.contains(node)
    }

    /// Every node of it, nearest first: what the parent is told.
    #[must_use]
    pub fn path(&self) -> Vec<NodeId> {
        let ends = (std::iter::once(&self.next), std::iter::once(&self.node));
        ends.0.chain(&self.behind).chain(ends.1).cloned().collect()
    }
}

/// The ways to all nodes below that aren't neighbours.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routes(BTreeMap<NodeId, Route>);

impl Routes {
    /// A way is known, is another one, or there is none any more.
    pub fn put(&mut self, node: &NodeId, route: Option<Route>) {
        match route {
            Some(route) => self.0.insert(node.clone(), route),
            None => self.0.remove(node),
        };
    }

    /// The way to a node that isn't a neighbour.
    #[must_use]
    pub fn get(&self, node: &NodeId) -> Option<&Route> {
        self.0.get(node)
    }

    /// All of them, in the order of the nodes' names.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.values()
    }

    /// The neighbour to which a message for this node goes: a node without a way is one itself.
    #[must_use]
    pub fn next_hop<'a>(&'a self, to: &'a NodeId) -> &'a NodeId {
        self.0.get(to).map_or(to, Route::next_hop)
    }

    /// The nodes through which this one is reached, nearest first, and itself.
    #[must_use]
    pub fn path(&self, to: &NodeId) -> Vec<NodeId> {
        self.0.get(to).map_or_else(|| vec![to.clone()], Route::path)
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Self {
        Self(routes.into_iter().map(|route| (route.node.clone(), route)).collect())
    }
}

/// Whether a neighbour may speak in this node's name: it is the node, or the way there begins with it.
#[must_use]
pub fn may_speak_for(child: &NodeId, node: &NodeId, route: Option<&Route>) -> bool {
    match route {
        Some(route) => route.next == *child,
        None => node == child,
    }
}

/// Whether a way may be taken as it was told, where this is what is known of the node and of the one that it calls.
///
/// # Errors
/// [`NoRoute::Elsewhere`] for a node that another neighbour is or leads to, [`NoRoute::Unheard`] where whoever it calls
/// isn't known to be below the same neighbour in that way.
pub fn may_lead(route: &Route, known: Option<&NodeId>, above: Option<&Route>) -> Result<(), NoRoute> {
    if let Some(known) = known.filter(|known| **known != route.next) {
        let (node, told) = (route.node.clone(), route.next.clone());
        return Err(NoRoute::Elsewhere { node, known: known.clone(), told });
    }
    let leads = match (route.behind.split_last(), above) {
        (None, _) => true,
        (Some((_, before)), Some(above)) => above.next == route.next && above.behind == before,
        (Some(_), None) => false,
    };
    if leads {
        return Ok(());
    }
    let (child, above) = (route.next.clone(), route.above().clone());
    Err(NoRoute::Unheard { child, above, node: route.node.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> NodeId {
        text.parse().unwrap()
    }

    fn ids(text: &str) -> Vec<NodeId> {
        text.split_whitespace().map(id).collect()
    }

    fn told(own: &str, child: &str, path: &str) -> Result<Route, NoRoute> {
        Route::told(&id(own), &id(child), &ids(path))
    }

    #[test]
    fn d01_a_way_grows_by_a_name_with_each_level() {
        let mut path = ids("d");
        for (own, child) in [("b", "c"), ("a", "b"), ("root", "a")] {
            let route = Route::told(&id(own), &id(child), &path).unwrap();
            assert_eq!((route.next_hop(), route.node()), (&id(child), &id("d")));
            path = route.path();
        }
        assert_eq!(as_path(&path), "a › b › c › d");
    }

    #[test]
    fn d01_a_circle_is_no_way_and_neither_is_one_that_goes_too_deep() {
        assert!(matches!(told("g1", "g2", "g1"), Err(NoRoute::Loop { .. })), "two that call each other");
        assert!(matches!(told("g1", "g2", "g3 g1"), Err(NoRoute::Loop { .. })));
        assert!(matches!(told("g1", "g2", "g2"), Err(NoRoute::Loop { .. })), "its own child");
        assert!(matches!(told("g1", "g2", "g3 g4 g3"), Err(NoRoute::Loop { .. })));
        assert!(matches!(told("g1", "g2", ""), Err(NoRoute::Empty { .. })));
        let deep: Vec<NodeId> = (1..MOST_LEVELS).map(|level| id(&format!("n{level}"))).collect();
        assert_eq!(Route::told(&id("root"), &id("n0"), &deep).unwrap().path().len(), MOST_LEVELS);
        let deeper: Vec<NodeId> = deep.iter().cloned().chain([id("last")]).collect();
        assert!(matches!(Route::told(&id("root"), &id("n0"), &deeper), Err(NoRoute::TooDeep { levels: 9, .. })));
        let flood: Vec<NodeId> = (0..10_000).map(|level| id(&format!("n{level}-"))).collect();
        assert!(Route::told(&id("root"), &id("n"), &flood).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn d01_who_may_speak_for_whom_follows_from_the_ways() {
        let routes: Routes = [told("root", "a", "b").unwrap(), told("root", "a", "b c").unwrap()].into_iter().collect();
        let may = |child: &str, node: &str| may_speak_for(&id(child), &id(node), routes.get(&id(node)));
        assert!(may("a", "a") && may("a", "b") && may("a", "c"));
        assert!(!may("x", "a") && !may("x", "c") && !may("a", "x"));
        assert!(!may("b", "b"), "it is no neighbour");
        assert_eq!(routes.next_hop(&id("c")), &id("a"));
        assert_eq!(routes.next_hop(&id("x")), &id("x"));
        assert_eq!(as_path(&routes.path(&id("c"))), "a › b › c");
    }

    #[test]
    fn d01_a_node_is_reached_in_one_way_only_and_behind_one_that_is_known() {
        let (near, far) = (told("root", "a", "b").unwrap(), told("root", "a", "b c").unwrap());
        assert_eq!(may_lead(&near, None, None), Ok(()));
        assert_eq!(may_lead(&near, Some(&id("a")), None), Ok(()), "it is told once more");
        assert!(matches!(may_lead(&near, Some(&id("x")), None), Err(NoRoute::Elsewhere { .. })));
        assert!(matches!(may_lead(&near, Some(&id("b")), None), Err(NoRoute::Elsewhere { .. })), "a neighbour itself");
        assert_eq!(may_lead(&far, None, Some(&near)), Ok(()));
        assert!(matches!(may_lead(&far, None, None), Err(NoRoute::Unheard { .. })));
        let other = told("root", "x", "b").unwrap();
        assert!(matches!(may_lead(&far, None, Some(&other)), Err(NoRoute::Unheard { .. })));
    }

    #[test]
    fn d01_a_way_that_an_earlier_release_stored_is_one_that_was_told_of() {
        let stored = r#"{"next":"a","behind":[],"node":"b"}"#;
        let read: Route = serde_json::from_str(stored).unwrap();
        assert!(!read.is_awaited() && read == told("root", "a", "b").unwrap());
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        let to_come = read.clone().to_come();
        assert_eq!(serde_json::from_str::<Route>(&serde_json::to_string(&to_come).unwrap()).unwrap(), to_come);
        assert_ne!(to_come, read, "that it was told of is news");
    }
}
