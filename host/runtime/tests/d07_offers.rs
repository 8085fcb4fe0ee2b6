//! D7, P3: what a plug-in exports beside `driver`, and what it can't do there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{Stage, call};
use hostler_core::command::{Arguments, Engine, PanelText, PowerMode, PowerWish};
use hostler_core::plugin::Offer;
use hostler_hostile::Behaviour;
use hostler_runtime::{Answer, Call, CallError, Done, Exceeded, Failure, Question};

impl Stage {
    async fn ask(&self, behaviour: Behaviour, question: Question) -> Result<Done, CallError> {
        self.runtime.call(&self.plugin, call(behaviour), question).await
    }
}

fn run() -> Question {
    Question::RunCommand { name: "behave".to_owned(), arguments: Arguments::default() }
}

fn every() -> [Question; 6] {
    let show = PanelText::new(vec!["Hello".to_owned()]).unwrap();
    [
        Question::DescribeCommands,
        run(),
        Question::LookAtPanel,
        Question::ShowOnPanel(show),
        Question::PowerState,
        Question::SetPower(PowerWish::Sleep),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_a_component_exports_is_seen_and_asked() {
    let stage = Stage::new().await;
    for offer in [Offer::Commands, Offer::Panel, Offer::Power] {
        assert!(stage.plugin.component.offers(offer), "{offer:?}");
    }
    for question in every() {
        let done = stage.ask(Behaviour::WellBehaved, question).await.unwrap();
        match done.answer.unwrap() {
            Answer::Commands(commands) => assert_eq!(commands[0].name, "behave"),
            Answer::Did(deed) => assert_eq!(deed.lines, ["It behaved."]),
            Answer::Panel(view) => assert_eq!(view.lamps.len(), 1),
            Answer::Power(state) => assert_eq!((state.mode, state.engine), (PowerMode::On, Engine::Ready)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p01_what_a_component_does_not_export_is_said() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join("scanner.wasm");
    let stage = Stage::with(&std::fs::read(file).unwrap()).await;
    for (question, word) in every().into_iter().zip(["commands", "commands", "panel", "panel", "power", "power"]) {
        let done = stage.runtime.call(&stage.plugin, call(Behaviour::WellBehaved), question).await.unwrap();
        let failure = done.answer.unwrap_err();
        let Failure::Unsupported(why) = &failure else { panic!("{failure:?}") };
        assert!(why.starts_with("plug-in scanner offers no") && why.contains(word), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_whatever_is_asked_the_limits_hold() {
    let stage = Stage::new().await;
    for question in every() {
        let trapped = stage.ask(Behaviour::Trap, question.clone()).await.unwrap_err();
        assert!(matches!(trapped, CallError::Trapped { .. }), "{question:?}: {trapped}");
        let stopped = stage.ask(Behaviour::Loop, question.clone()).await.unwrap_err();
        assert!(
            matches!(stopped, CallError::Stopped { exceeded: Exceeded::Compute(_), .. }),
            "{question:?}: {stopped}"
        );
        let well = stage.ask(Behaviour::WellBehaved, question).await.unwrap();
        assert!(well.answer.is_ok(), "a bad call costs itself");
    }
    let flood = stage.ask(Behaviour::ActionFlood, run()).await.unwrap_err();
    assert!(matches!(flood, CallError::Stopped { exceeded: Exceeded::Actions(100), .. }), "{flood}");
    let foreign =
        stage.ask(Behaviour::ActWithForeignCredential, Question::SetPower(PowerWish::Wake)).await.unwrap_err();
    assert!(matches!(foreign, CallError::Overstepped { .. }), "{foreign}");
    let reading = Stage::reading_only().await;
    let ungranted = reading.ask(Behaviour::ActUngranted, run()).await.unwrap_err();
    assert!(ungranted.to_string().contains("commands.run: it wants to write"), "{ungranted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_what_is_described_beyond_the_limits_is_refused_with_a_sentence() {
    let stage = Stage::new().await;
    for (behaviour, question, sentence) in [
        (
            Behaviour::ManyCommands,
            Question::DescribeCommands,
            "overstepped in commands.describe: commands of the plug-in: there are 10000, and there may be 50",
        ),
        (
            Behaviour::BadCommand,
            Question::DescribeCommands,
            "the default of the parameter how of the command behave doesn't fit it: how can't be \"badly\"; give one of well",
        ),
        (Behaviour::ManyLamps, Question::LookAtPanel, "lamps of a panel: there are 100, and there may be 50"),
        (Behaviour::TalkativeDeed, run(), "lines of an answer: there are 100, and there may be 20"),
    ] {
        let refused = stage.ask(behaviour, question).await.unwrap_err().to_string();
        assert!(refused.starts_with("plug-in hostile 0.1.0") && refused.contains(sentence), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p02_who_describes_gets_nothing_of_a_device_and_leaves_nothing() {
    let stage = Stage::new().await;
    let state = [("old".to_owned(), b"secret".to_vec())].into();
    let given = Call { state, ..call(Behaviour::DescribeWithDevice) };
    let done = stage.runtime.call(&stage.plugin, given, Question::DescribeCommands).await.unwrap();
    assert_eq!(done.traces, hostler_runtime::Traces::default());
    let Ok(Answer::Commands(commands)) = done.answer else { panic!("{:?}", done.answer) };
    assert_eq!(commands[0].help, "Err(Error::NoLink) None");
    let report = stage.report(Behaviour::WellBehaved).await;
    assert!(report.readings.is_empty(), "its cache is no device's");
}
