//! What is described and what is given, good and bad.

use super::describe::{CHOICES, COMMANDS, HELP, LONGEST, PARAMETERS, TITLE};
use super::*;
use proptest::prelude::*;

fn parameter(name: &str, kind: Kind) -> Parameter {
    Parameter { name: name.to_owned(), title: name.to_uppercase(), required: false, kind, default: None }
}

fn choices(values: &[&str]) -> Kind {
    let choice = |value: &&str| Choice { value: (*value).to_owned(), title: value.to_uppercase() };
    Kind::Choice(values.iter().map(choice).collect())
}

fn command() -> Command {
    let required = |parameter| Parameter { required: true, ..parameter };
    Command {
        name: "identify".to_owned(),
        title: "Make itself found".to_owned(),
        help: "It shows where it stands.".to_owned(),
        parameters: vec![
            required(parameter("how", choices(&["display", "flash"]))),
            Parameter {
                default: Some(Argument::Integer(10)),
                ..parameter("for", Kind::Integer { min: 1, max: 60, unit: Some("s".to_owned()) })
            },
            parameter("words", Kind::Text { longest: 5 }),
            parameter("loud", Kind::Boolean),
        ],
        may: May::Operate,
        effect: Effect::Repeatable,
        needs: Readiness::Any,
    }
}

fn take(given: &[(&str, Given)]) -> Result<Arguments, BadArguments> {
    command().take(given.iter().map(|(name, given)| ((*name).to_owned(), given.clone())))
}

fn refused(given: &[(&str, Given)]) -> String {
    take(given).unwrap_err().to_string()
}

#[test]
fn d07_what_was_given_becomes_what_fits() {
    let texts = take(&[("how", "flash".into()), ("for", " 60".into()), ("words", "".into()), ("loud", "on".into())]);
    let texts = texts.unwrap();
    assert_eq!(texts.get("how"), Some(&Argument::Choice("flash".to_owned())));
    assert_eq!(texts.get("for"), Some(&Argument::Integer(60)));
    assert_eq!(texts.get("words"), Some(&Argument::Text(String::new())));
    let program: std::collections::BTreeMap<String, Given> =
        serde_json::from_str(r#"{"how":"flash","for":60,"words":"","loud":true}"#).unwrap();
    assert_eq!(command().take(program).unwrap(), texts);
    let least = take(&[("how", "display".into()), ("for", "".into()), ("loud", "".into())]).unwrap();
    assert_eq!(least.get("for"), Some(&Argument::Integer(10)), "the default");
    assert_eq!(least.iter().count(), 2, "what has no default and wasn't given isn't there");
}

#[test]
fn d07_what_does_not_fit_is_named_with_what_would() {
    let how = || ("how", Given::from("flash"));
    assert_eq!(refused(&[]), "how is missing (HOW); give one of display, flash");
    assert_eq!(refused(&[("how", "".into())]), "how is missing (HOW); give one of display, flash");
    assert_eq!(refused(&[("how", "sing".into())]), "how can't be \"sing\"; give one of display, flash");
    assert_eq!(refused(&[how(), ("for", "61".into())]), "for can't be \"61\"; give a whole number from 1 to 60 (s)");
    assert_eq!(refused(&[how(), how()]), "how was given more than once; give it once");
    assert_eq!(refused(&[("what", "x".into())]), "identify has no parameter \"what\"; there are how, for, words, loud");
    for (name, given) in [
        ("for", Given::from("soon")),
        ("for", "9999999999999999999999".into()),
        ("for", Given::Integer(0)),
        ("for", Given::Boolean(true)),
        ("words", "longer".into()),
        ("words", "a\u{1b}[2J".into()),
        ("loud", "perhaps".into()),
        ("loud", Given::Integer(1)),
    ] {
        assert!(matches!(take(&[how(), (name, given.clone())]), Err(BadArguments::Unfit { .. })), "{name} {given:?}");
    }
}

#[test]
fn d07_arguments_meet_the_description_that_holds_where_they_arrive() {
    let taken = take(&[("how", "flash".into())]).unwrap();
    let wire = serde_json::to_string(&taken).unwrap();
    assert_eq!(wire, r#"{"for":{"integer":10},"how":{"choice":"flash"}}"#);
    let arrived: Arguments = serde_json::from_str(&wire).unwrap();
    assert_eq!(command().check(arrived.clone()), Ok(taken));
    let mut newer = command();
    newer.parameters[0].kind = choices(&["display"]);
    assert!(matches!(newer.check(arrived.clone()), Err(BadArguments::Unfit { .. })));
    newer.parameters.remove(0);
    assert!(matches!(newer.check(arrived), Err(BadArguments::Unknown { .. })));
    let forged = r#"{"how":{"text":"flash"}}"#;
    assert!(command().check(serde_json::from_str(forged).unwrap()).is_err(), "of another kind");
}

#[test]
fn d07_a_description_is_stored_as_it_is_documented() {
    let text = serde_json::to_string(&command()).unwrap();
    assert!(text.contains(r#""kind":{"choice":[{"value":"display","title":"DISPLAY"}"#), "{text}");
    assert!(text.contains(r#""kind":{"integer":{"min":1,"max":60,"unit":"s"}},"default":{"integer":10}"#), "{text}");
    assert!(text.contains(r#""kind":"boolean"}],"may":"operate","effect":"repeatable""#), "{text}");
    assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command());
}

#[test]
fn d07_a_description_has_limits_and_each_is_said() {
    assert_eq!(describe::check(&[command()]), Ok(()));
    let refused = |change: &dyn Fn(&mut Command)| {
        let mut changed = command();
        change(&mut changed);
        describe::check(&[changed]).unwrap_err().to_string()
    };
    let many: Vec<Command> = (0..=COMMANDS).map(|number| Command { name: format!("c{number}"), ..command() }).collect();
    assert_eq!(describe::check(&many).unwrap_err().to_string(), "the plug-in has 51 commands, and there may be 50");
    assert_eq!(describe::check(&many[..COMMANDS]), Ok(()));
    let twice = describe::check(&[command(), command()]).unwrap_err();
    assert_eq!(twice.to_string(), "the plug-in has identify twice");
    assert!(refused(&|c| c.name = "Reset it".to_owned()).starts_with("a command has the name \"Reset it\""));
    assert!(refused(&|c| c.name = "a.b".to_owned()).contains("\"a.b\""));
    assert!(refused(&|c| c.title = "x".repeat(TITLE + 1)).starts_with("the title of the command identify"));
    assert!(refused(&|c| c.help = "x".repeat(HELP + 1)).starts_with("the help text"));
    assert!(refused(&|c| c.help = "\u{7}".to_owned()).contains("control character"));
    let parameters = |count| (0..count).map(|n| parameter(&format!("p{n}"), Kind::Boolean)).collect::<Vec<_>>();
    assert!(refused(&|c| c.parameters = parameters(PARAMETERS + 1)).contains("has 21 parameters"));
    let kind = |kind: Kind| refused(&|c| c.parameters = vec![parameter("p", kind.clone())]);
    assert!(kind(Kind::Text { longest: 0 }).contains("no characters"));
    assert!(kind(Kind::Text { longest: LONGEST + 1 }).contains("1,000"));
    assert!(kind(Kind::Integer { min: 2, max: 1, unit: None }).contains("above its largest"));
    assert!(kind(choices(&[])).contains("nothing to choose"));
    assert!(kind(choices(&["a", "a"])).contains("has a twice"));
    let values: Vec<String> = (0..=CHOICES).map(|number| format!("c{number}")).collect();
    assert!(kind(choices(&values.iter().map(String::as_str).collect::<Vec<_>>())).contains("101 choices"));
    let default = refused(&|c| c.parameters[1].default = Some(Argument::Integer(61)));
    assert!(default.starts_with("the default of the parameter for of the command identify doesn't fit"), "{default}");
}

#[test]
fn d07_a_panel_is_shown_nothing_that_does_more_than_being_shown() {
    let lines = |lines: &[&str]| PanelText::new(lines.iter().map(|line| (*line).to_owned()).collect());
    assert_eq!(lines(&["Hello", ""]).unwrap().lines().len(), 2);
    assert_eq!(lines(&[]), Err(BadPanelText::Lines(0)));
    assert_eq!(lines(&["x"; 21]), Err(BadPanelText::Lines(21)));
    assert_eq!(lines(&["x", "\u{1b}[2J"]), Err(BadPanelText::Control(2)));
    assert_eq!(lines(&[&"ü".repeat(201)]), Err(BadPanelText::TooLong(1)));
    assert!(serde_json::from_str::<PanelText>(r#"["a\n"]"#).is_err(), "nor from the wire");
}

fn any_given() -> impl Strategy<Value = Given> {
    prop_oneof![
        any::<bool>().prop_map(Given::Boolean),
        (-5_i64..100).prop_map(Given::Integer),
        any::<i64>().prop_map(Given::Integer),
        "\\PC{0,8}".prop_map(Given::Text),
        any::<String>().prop_map(Given::Text),
        prop_oneof![Just("display"), Just("on"), Just("10")].prop_map(Given::from),
    ]
}

proptest! {
    #[test]
    fn d07_whatever_is_given_what_is_taken_fits(
        given in proptest::collection::vec(("how|for|words|loud|\\PC{0,4}", any_given()), 0..6),
    ) {
        let command = command();
        match command.take(given) {
            Ok(taken) => {
                for (name, argument) in taken.iter() {
                    let parameter = command.parameters.iter().find(|one| one.name == name).unwrap();
                    prop_assert_eq!(parameter.check(argument), Ok(()));
                }
                prop_assert!(taken.get("how").is_some() && taken.get("for").is_some());
                let wire = serde_json::to_string(&taken).unwrap();
                prop_assert_eq!(command.check(serde_json::from_str(&wire).unwrap()), Ok(taken));
            }
            Err(bad) => {
                let said = bad.to_string();
                prop_assert!(said.chars().count() < 400 && !said.contains(char::is_control), "{}", said);
            }
        }
    }

    #[test]
    fn d07_whatever_is_described_is_taken_or_refused_with_a_short_sentence(
        name in any::<String>(), title in any::<String>(), min: i64, max: i64, longest: u32, value in any::<String>(),
    ) {
        let kinds = [Kind::Integer { min, max, unit: Some(title.clone()) }, Kind::Text { longest }, choices(&[&value])];
        for kind in kinds {
            let default = Some(Argument::Text(value.clone()));
            let parameters = vec![Parameter { default, ..parameter(&name, kind) }];
            let described = Command { name: name.clone(), title: title.clone(), parameters, ..command() };
            if let Err(bad) = describe::check(&[described]) {
                let said = bad.to_string();
                prop_assert!(said.chars().count() < 1_000 && !said.contains(char::is_control), "{}", said);
            }
        }
    }
}
