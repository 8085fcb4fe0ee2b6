//! The export `commands`: what people can have a thing of this type do.
//!
//! A plug-in describes its commands once, without a device; pages and command lines offer them from that. The host takes
//! what somebody gives, checks it against the description and fills in defaults, so [`Commands::run`] gets what fits.
//!
//! ```
//! use hostler_plugin::commands::{Arguments, Command, Commands, Parameter, Value};
//! use hostler_plugin::snmp::{Binding, Value as Object};
//! use hostler_plugin::types::{Action, Deed, Failure};
//! use hostler_plugin::oid;
//!
//! const KEEP_WARM: &[u32] = oid!("1.3.6.1.4.1.99999.9.1.0");
//!
//! struct Kettle;
//!
//! impl Commands for Kettle {
//!     fn describe() -> Vec<Command> {
//!         let minutes = Parameter::integer("minutes", "For how long", 1, 60).in_unit("min").or(Value::Integer(10));
//!         vec![Command::new("keep-warm", "Keep the water warm", "It cools down afterwards.").taking(minutes)]
//!     }
//!
//!     fn run(name: &str, arguments: &Arguments) -> Result<Deed, Failure> {
//!         match (name, arguments.integer("minutes")) {
//!             ("keep-warm", Some(minutes)) => {
//!                 let value = Object::Integer(i32::try_from(minutes).unwrap_or(i32::MAX));
//!                 let warm = Action::SnmpSet(vec![Binding { oid: KEEP_WARM.to_vec(), value }]);
//!                 Ok(Deed::told(&format!("The water stays warm for {minutes} minutes.")).and_then(warm))
//!             }
//!             _ => Err(hostler_plugin::commands::no_such(name)),
//!         }
//!     }
//! }
//!
//! hostler_plugin::export_commands!(Kettle);
//!
//! # #[cfg(not(target_arch = "wasm32"))] {
//! let mut host = hostler_plugin::testing::Host::new();
//! let deed = host.run::<Kettle>("keep-warm", &[]).unwrap();
//! assert_eq!(deed.lines, ["The water stays warm for 10 minutes."]);
//! assert_eq!(host.objects[KEEP_WARM], Object::Integer(10), "the host did it afterwards");
//! # }
//! ```

use crate::types::{Deed, Failure};

pub use crate::bindings::commands::exports::hostler::plugin::commands::{
    Argument, Choice, Command, Effect, IntegerRange, Kind, Parameter, Readiness, Right, Value,
};

/// What people can have a thing of this type do.
pub trait Commands {
    /// What there is, at most 50. It is asked without a device, links, state or settings, and its answer is kept for as long
    /// as the component is the same.
    fn describe() -> Vec<Command>;

    /// Does it. What changes the thing is best returned as an action.
    ///
    /// # Errors
    /// When it can't be done. What the call wrote to `state` and `events` is then undone.
    fn run(name: &str, arguments: &Arguments) -> Result<Deed, Failure>;
}

impl<T: Commands> crate::bindings::commands::exports::hostler::plugin::commands::Guest for T {
    fn describe() -> Vec<Command> {
        <T as Commands>::describe()
    }

    fn run(name: String, arguments: Vec<Argument>) -> Result<Deed, Failure> {
        <T as Commands>::run(&name, &Arguments(arguments))
    }
}

/// What to answer to a command that isn't described. The host asks for none.
#[must_use]
pub fn no_such(name: &str) -> Failure {
    Failure::Unsupported(format!("there is no command {name}"))
}

/// What a command was given.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Vec<Argument>);

impl Arguments {
    /// These, for a test.
    #[must_use]
    pub fn new(given: &[(&str, Value)]) -> Self {
        Self(given.iter().map(|(name, value)| Argument { name: (*name).to_owned(), value: value.clone() }).collect())
    }

    /// The value of a parameter; `None` where it has no default and wasn't given.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|argument| argument.name == name).map(|argument| &argument.value)
    }

    /// Of a text parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Of an integer parameter.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Of a choice: its value.
    #[must_use]
    pub fn choice(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Choice(value) => Some(value),
            _ => None,
        }
    }

    /// Whether a boolean parameter says yes.
    #[must_use]
    pub fn is_yes(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Boolean(true)))
    }
}

impl Command {
    /// A command without parameters that whoever operates devices may give, that may be repeated, and that is done as well
    /// while the thing sleeps.
    #[must_use]
    pub fn new(name: &str, title: &str, help: &str) -> Self {
        let [name, title, help] = [name, title, help].map(str::to_owned);
        let (may, effect, needs) = (Right::Operate, Effect::Repeatable, Readiness::Any);
        Self { name, title, help, parameters: vec![], may, effect, needs }
    }

    /// It takes this, too.
    #[must_use]
    pub fn taking(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Only who administers may give it.
    #[must_use]
    pub fn for_administrators(self) -> Self {
        Self { may: Right::Administer, ..self }
    }

    /// It is never repeated where nobody knows whether it was done.
    #[must_use]
    pub fn once(self) -> Self {
        Self { effect: Effect::Once, ..self }
    }

    /// A sleeping thing is woken for it ([`crate::power`]), where something wakes it.
    #[must_use]
    pub fn awake(self) -> Self {
        Self { needs: Readiness::Awake, ..self }
    }

    /// It is done once the thing is awake and its engine says that it is ready ([`crate::power`]), and not before.
    #[must_use]
    pub fn when_ready(self) -> Self {
        Self { needs: Readiness::Ready, ..self }
    }
}

impl Parameter {
    fn of(name: &str, title: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), title: title.to_owned(), required: false, kind, default: None }
    }

    /// Text of at most so many characters.
    #[must_use]
    pub fn text(name: &str, title: &str, longest: u32) -> Self {
        Self::of(name, title, Kind::Text(longest))
    }

    /// A whole number from one to the other.
    #[must_use]
    pub fn integer(name: &str, title: &str, min: i64, max: i64) -> Self {
        Self::of(name, title, Kind::Integer(IntegerRange { min, max, unit: None }))
    }

    /// One of these: what is passed, and what people choose.
    #[must_use]
    pub fn choice(name: &str, title: &str, choices: &[(&str, &str)]) -> Self {
        let choice = |(value, title): &(&str, &str)| Choice { value: (*value).to_owned(), title: (*title).to_owned() };
        Self::of(name, title, Kind::Choice(choices.iter().map(choice).collect()))
    }

    /// Yes or no.
    #[must_use]
    pub fn boolean(name: &str, title: &str) -> Self {
        Self::of(name, title, Kind::Boolean)
    }

    /// What its number counts; nothing for another kind.
    #[must_use]
    pub fn in_unit(mut self, unit: &str) -> Self {
        if let Kind::Integer(range) = &mut self.kind {
            range.unit = Some(unit.to_owned());
        }
        self
    }

    /// Somebody has to say it.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What holds where nobody says anything.
    #[must_use]
    pub fn or(self, default: Value) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// Makes a type that implements [`Commands`] the component's export `commands`. Natively it does nothing.
#[macro_export]
macro_rules! export_commands {
    ($commands:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::commands::export_commands_functions!($commands);
    };
}
