//! What an SNMP agent answered, looked up by object.

use crate::oid;
use crate::snmp::{self, Binding, Error, Value};
use crate::text;

/// Objects and their values, without those that the agent doesn't have.
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<Binding>);

impl Answers {
    /// Asks for these objects.
    ///
    /// # Errors
    /// When the device did not answer, or not to what was asked. An object that it doesn't have is no error.
    pub fn get(objects: &[&[u32]]) -> Result<Self, Error> {
        let objects: Vec<Vec<u32>> = objects.iter().map(|object| object.to_vec()).collect();
        Self::get_owned(&objects)
    }

    /// The same for objects that were put together.
    ///
    /// # Errors
    /// As [`Answers::get`].
    pub fn get_owned(objects: &[Vec<u32>]) -> Result<Self, Error> {
        let mut answers = Self::default();
        if !objects.is_empty() {
            answers.add(snmp::get(objects)?);
        }
        Ok(answers)
    }

    /// Adds everything below `root`, at most `limit` bindings. An agent that fails at this table is taken to have
    /// nothing there, and the log says so: many agents have a table that they can't walk, and the rest is of use.
    ///
    /// # Errors
    /// When the device did not answer at all, or the call may ask no more.
    pub fn walk_more(&mut self, root: &[u32], limit: u32) -> Result<(), Error> {
        match snmp::walk(root, limit) {
            Ok(bindings) => self.add(bindings),
            Err(Error::Status(why) | Error::Garbled(why)) => {
                crate::log::warn(&format!("can't walk {}: {why}", oid::dotted(root)));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Adds bindings that came another way, such as in a trap.
    pub fn add(&mut self, bindings: Vec<Binding>) {
        self.0.extend(bindings.into_iter().filter(|binding| !matches!(binding.value, Value::Absent | Value::Null)));
        self.0.sort_unstable_by(|a, b| a.oid.cmp(&b.oid));
    }

    /// Whether nothing was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of one object.
    #[must_use]
    pub fn value(&self, object: &[u32]) -> Option<&Value> {
        let at = self.0.binary_search_by(|binding| binding.oid.as_slice().cmp(object)).ok()?;
        self.0.get(at).map(|binding| &binding.value)
    }

    /// Whether the agent has this object.
    #[must_use]
    pub fn has(&self, object: &[u32]) -> bool {
        self.value(object).is_some()
    }

    /// A number of any of SNMP's types.
    #[must_use]
    pub fn integer(&self, object: &[u32]) -> Option<i64> {
        self.value(object).and_then(number)
    }

    /// A Counter32. Agents that send it as a Gauge32 or an INTEGER mean the same.
    #[must_use]
    pub fn counter32(&self, object: &[u32]) -> Option<u32> {
        self.integer(object).and_then(|number| u32::try_from(number).ok())
    }

    /// Hundredths of a second.
    #[must_use]
    pub fn ticks(&self, object: &[u32]) -> Option<u32> {
        self.counter32(object)
    }

    /// Octets as they came.
    #[must_use]
    pub fn octets(&self, object: &[u32]) -> Option<&[u8]> {
        match self.value(object)? {
            Value::Octets(octets) => Some(octets),
            _ => None,
        }
    }

    /// Octets as text for people; `None` where it says nothing (see [`text::told`]).
    #[must_use]
    pub fn text(&self, object: &[u32]) -> Option<String> {
        self.octets(object).and_then(text::told)
    }

    /// An object identifier.
    #[must_use]
    pub fn object_id(&self, object: &[u32]) -> Option<&[u32]> {
        match self.value(object)? {
            Value::ObjectId(oid) => Some(oid),
            _ => None,
        }
    }

    /// All objects below `root`: what follows the root, and the value.
    pub fn below<'a>(&'a self, root: &'a [u32]) -> impl Iterator<Item = (&'a [u32], &'a Value)> {
        let from = self.0.partition_point(|binding| binding.oid.as_slice() < root);
        self.0
            .iter()
            .skip(from)
            .map_while(|binding| oid::suffix(&binding.oid, root).map(|suffix| (suffix, &binding.value)))
    }
}

/// A number of any of SNMP's types.
#[must_use]
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(i64::from(*number)),
        Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => Some(i64::from(*number)),
        Value::Counter64(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(oid: &[u32], value: Value) -> Binding {
        Binding { oid: oid.to_vec(), value }
    }

    #[test]
    fn columns_end_where_they_end() {
        let mut answers = Answers::default();
        answers.add(vec![
            binding(&[1, 3, 10], Value::Integer(3)),
            binding(&[1, 2, 9], Value::Integer(1)),
            binding(&[1, 3, 2], Value::Integer(2)),
            binding(&[1, 3, 3], Value::Absent),
            binding(&[1, 4], Value::Integer(4)),
        ]);
        let column: Vec<_> =
            answers.below(&[1, 3]).filter_map(|(suffix, v)| Some((suffix.to_vec(), number(v)?))).collect();
        assert_eq!(column, [(vec![2], 2), (vec![10], 3)]);
        assert!(!answers.has(&[1, 3, 3]));
    }
}
