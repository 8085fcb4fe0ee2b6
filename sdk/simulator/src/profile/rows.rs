//! Writing a MIB down: rows of tables with short words for the types.

use async_snmp::{Oid, Value};
use bytes::Bytes;

use crate::mib::{Live, Object, Piece};

/// The objects of a profile while it is written.
#[derive(Debug, Default)]
pub(super) struct Rows(pub(super) Vec<(Oid, Object)>);

impl Rows {
    /// One object by its full name.
    pub(super) fn scalar(&mut self, name: &[u32], object: impl Into<Object>) {
        self.0.push((Oid::from_slice(name), object.into()));
    }

    /// A row of the table with this entry; its columns follow.
    pub(super) fn row(&mut self, entry: &'static [u32], index: &[u32]) -> Row<'_> {
        Row { rows: self, entry, index: index.to_vec() }
    }
}

/// A row while it is written.
pub(super) struct Row<'a> {
    rows: &'a mut Rows,
    entry: &'static [u32],
    index: Vec<u32>,
}

impl Row<'_> {
    /// The object in one column.
    pub(super) fn column(self, column: u32, object: impl Into<Object>) -> Self {
        let arcs = self.entry.iter().chain([&column]).chain(&self.index).copied();
        self.rows.0.push((Oid::new(arcs), object.into()));
        self
    }

    /// INTEGER columns, each with its value.
    pub(super) fn integers(self, columns: &[(u32, i32)]) -> Self {
        columns.iter().fold(self, |row, (column, value)| row.column(*column, *value))
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self::Fixed(value)
    }
}

impl From<Live> for Object {
    fn from(live: Live) -> Self {
        Self::Live(live)
    }
}

impl From<i32> for Object {
    fn from(number: i32) -> Self {
        Self::Fixed(Value::Integer(number))
    }
}

impl From<&'static str> for Object {
    fn from(text: &'static str) -> Self {
        Self::Fixed(Value::OctetString(Bytes::from_static(text.as_bytes())))
    }
}

impl From<&[u32]> for Object {
    fn from(name: &[u32]) -> Self {
        Self::Fixed(Value::ObjectIdentifier(Oid::from_slice(name)))
    }
}

/// A text of these pieces.
pub(super) fn text<const N: usize>(pieces: [Piece; N]) -> Live {
    Live::Text(pieces.into())
}

/// A piece that is the same on every device.
pub(super) fn fixed(text: &'static str) -> Piece {
    Piece::Fixed(Bytes::from_static(text.as_bytes()))
}
