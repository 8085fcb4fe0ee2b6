//! Faults to order: what devices in the field do wrong, one at a time.

use std::time::Duration;

use async_snmp::Value;

/// Something a device does wrong until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Every reply comes this much later. Requests are taken meanwhile, so retries are answered too.
    Slow(Duration),
    /// No reply at all.
    Silent,
    /// Every reply is cut in half.
    Truncated,
    /// GETNEXT and GETBULK never reach an end: below every column there is always one more row.
    Endless,
    /// GETNEXT and GETBULK go back to the row before, in every column of two rows or more.
    OutOfOrder,
    /// GETNEXT and GETBULK answer with the very object that was asked for.
    Repeating,
    /// Every value has another type than its MIB says: text for numbers, a number for text.
    WrongType,
    /// GETBULK past the end of the MIB is filled up with endOfMibView to the last repetition asked for.
    Padded,
    /// GETBULK is answered with genErr.
    NoBulk,
    /// SET is answered with genErr, whatever is written, and nothing is.
    NoWrites,
    /// A request for more than one value is answered with tooBig.
    TooBig,
}

/// The value as a device answers it that has its types wrong.
pub(crate) fn of_wrong_type(value: Value) -> Value {
    match value {
        Value::Integer(number) => text(number),
        Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => text(number),
        Value::Counter64(number) => text(number),
        exception if exception.is_exception() => exception,
        _ => Value::Integer(42),
    }
}

fn text(number: impl ToString) -> Value {
    Value::from(number.to_string())
}
