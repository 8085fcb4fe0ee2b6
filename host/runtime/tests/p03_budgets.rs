//! P3: what a plug-in does too much of ends its own call with a sentence that names it, and leaves its neighbours alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::component::{FAILING_READ, MANIFEST, WAITING_IMPORT, WAITING_READ, driver, importing};
use common::device::{Silent, Talkative};
use common::{Stage, call, report, told};
use hostler_core::reading::{Report, Status, Value};
use hostler_hostile::Behaviour;
use hostler_runtime::{Call, CallError, Done, Exceeded, Failure, Question};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How a call should end.
enum End {
    Stopped(Exceeded),
    /// With a sentence that contains this.
    Trapped(&'static str),
    /// With an answer, of which this must hold.
    Answered(fn(Done) -> bool),
    Failed,
    /// With a sentence that contains this.
    Overstepped(&'static str),
}

/// Without a wildcard: a behaviour without an expectation doesn't compile.
fn expected(behaviour: Behaviour, stage: &Stage) -> End {
    use End::{Answered, Failed, Overstepped, Stopped, Trapped};
    let budget = stage.plugin.budget;
    let (host_bytes, operations) = (Exceeded::HostBytes(budget.host_bytes), budget.link_operations);
    match behaviour {
        Behaviour::WellBehaved
        | Behaviour::StateThenAnswer
        | Behaviour::RewriteState
        | Behaviour::ManyCommands
        | Behaviour::BadCommand
        | Behaviour::DescribeWithDevice
        | Behaviour::ManyLamps
        | Behaviour::TalkativeDeed => Answered(is_ready),
        Behaviour::Loop | Behaviour::StateThenLoop => Stopped(Exceeded::Compute(budget.compute_ms)),
        Behaviour::Recurse | Behaviour::RecurseAndAsk => Trapped("call stack exhausted"),
        Behaviour::Grow => Stopped(Exceeded::Memory(budget.memory_bytes)),
        Behaviour::GrowPolitely => Answered(|done| matches!(count(&report(done)), Some(16..32))),
        Behaviour::Trap | Behaviour::LogThenTrap | Behaviour::StateThenTrap => Trapped("unreachable"),
        Behaviour::LogFlood => {
            Answered(|done| done.log.len() == 100 && done.spent.log_lines_dropped == 9_900 && is_clean(&done))
        }
        Behaviour::EventFlood => Stopped(Exceeded::Events(budget.events)),
        Behaviour::HostBytesFlood | Behaviour::ManyArcs | Behaviour::HugeReport => Stopped(host_bytes),
        Behaviour::LinkFlood | Behaviour::WalkFlood | Behaviour::ManyObjects => {
            Stopped(Exceeded::LinkOperations(operations))
        }
        Behaviour::ActionFlood => Stopped(Exceeded::Actions(100)),
        Behaviour::LongObject
        | Behaviour::OverlongObject
        | Behaviour::ImpossibleObject
        | Behaviour::LongWalk
        | Behaviour::EmptyWalk
        | Behaviour::WaitForDevice
        | Behaviour::SetUngranted => Answered(|done| told(done) == "Error::NoLink"),
        Behaviour::ActUngranted | Behaviour::ActWithOwnCredential => Answered(is_ready),
        Behaviour::ActWithForeignCredential => Overstepped("the credential \"another's\""),
        Behaviour::ManyReadings => Overstepped("readings of a report: there are 1001, and there may be 1000"),
        Behaviour::ManyAlerts => Overstepped("alerts of a report: there are 1001, and there may be 1000"),
        Behaviour::ManyLines => Overstepped("console lines of a report: there are 21, and there may be 20"),
        Behaviour::ManyAttributes => Overstepped("attributes of a reading: there are 21, and there may be 20"),
        Behaviour::BadReadingName => {
            Overstepped("a reading is called \"Hostile row\"; a name is lower-case and dotted")
        }
        Behaviour::BadAlertCode => Overstepped("an alert is called \"hostile..alert\""),
        Behaviour::BadEventName => Overstepped("an event is called \"hostile/event\""),
        Behaviour::StateThenFail => Failed,
        Behaviour::BigStateValue | Behaviour::BigState => Trapped("at most 65536 bytes"),
        Behaviour::ManyStateKeys => Trapped("at most 256 keys"),
        Behaviour::BadStateKey => Trapped("printable ASCII"),
        Behaviour::LongReport => Answered(|done| is_cut(&report(done))),
        Behaviour::TooMuchRandom => Trapped("4096 random bytes"),
    }
}

fn is_ready(done: Done) -> bool {
    report(done).status == Status::Ready
}

fn is_clean(done: &Done) -> bool {
    done.log.iter().all(|line| !line.text.contains(char::is_control))
}

fn count(report: &Report) -> Option<u64> {
    match report.readings.first()?.value {
        Value::Counter(count) => Some(count),
        _ => None,
    }
}

/// What is shown is short and looks it, and every number is one.
fn is_cut(report: &Report) -> bool {
    let labels = report.readings.iter().filter_map(|reading| reading.label.as_ref());
    let texts: Vec<&String> = report.console.iter().chain(labels).collect();
    let number = |value: &Value| value.number().is_none_or(f64::is_finite);
    let short = |text: &str| text.chars().count() == 500 && text.ends_with('…') && !text.contains(char::is_control);
    report.readings.iter().all(|reading| number(&reading.value))
        && report.alerts.iter().all(|alert| alert.text.is_none())
        && texts.len() == 21
        && texts.into_iter().all(|text| short(text))
}

fn check(behaviour: Behaviour, outcome: Result<Done, CallError>, stage: &Stage) {
    let sentence = outcome.as_ref().err().map(ToString::to_string);
    if let Some(sentence) = &sentence {
        assert!(sentence.contains("plug-in hostile 0.1.0") && sentence.contains("read"), "{sentence}");
    }
    let right = match (expected(behaviour, stage), outcome) {
        (End::Stopped(wanted), Err(CallError::Stopped { exceeded, .. })) => exceeded == wanted,
        (End::Trapped(wanted), Err(CallError::Trapped { why, .. })) => why.contains(wanted),
        (End::Overstepped(wanted), Err(CallError::Overstepped { what, .. })) => what.contains(wanted),
        (End::Failed, Ok(done)) => matches!(done.answer, Err(Failure::Refused(_))),
        (End::Answered(holds), Ok(done)) => done.answer.is_ok() && holds(done),
        _ => false,
    };
    assert!(right, "{behaviour:?} ended otherwise: {sentence:?}");
}

/// Calls a neighbour again and again until `other` is done; every call must succeed.
async fn with_a_neighbour<T>(stage: &Stage, other: impl Future<Output = T>) -> T {
    let neighbour = async {
        loop {
            stage.report(Behaviour::WellBehaved).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = neighbour => unreachable!(),
        outcome = other => outcome,
    }
}

#[tokio::test]
async fn p03_every_misbehaviour_costs_one_call_and_leaves_the_neighbours_alone() {
    let stage = Stage::new().await;
    for behaviour in Behaviour::ALL {
        let outcome = with_a_neighbour(&stage, stage.read(*behaviour)).await;
        check(*behaviour, outcome, &stage);
        assert_eq!(stage.report(Behaviour::WellBehaved).await.status, Status::Ready, "after {behaviour:?}");
    }
}

#[tokio::test]
async fn p03_a_loop_is_stopped_in_every_function() {
    let mut stage = Stage::new().await;
    stage.plugin.budget.compute_ms = 50;
    for (question, name) in [(Question::Recognise, "recognise"), (Question::Identify, "identify")] {
        let outcome = stage.runtime.call(&stage.plugin, call(Behaviour::Loop), question).await;
        let Err(CallError::Stopped { function, exceeded, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((function, exceeded), (name, Exceeded::Compute(50)));
    }
}

#[tokio::test]
async fn p03_a_loop_in_start_is_stopped() {
    let mut stage = Stage::with(&driver(&format!("(start $run) (func $run (loop (br 0))) {FAILING_READ}"))).await;
    stage.plugin.budget.compute_ms = 50;
    let outcome = stage.read(Behaviour::WellBehaved).await;
    assert!(matches!(outcome, Err(CallError::Stopped { exceeded: Exceeded::Compute(50), .. })), "{outcome:?}");
}

#[tokio::test]
async fn p03_a_trap_and_a_recursion_in_start_cost_the_call() {
    for body in ["unreachable", "call $run"] {
        let stage = Stage::with(&driver(&format!("(start $run) (func $run {body}) {FAILING_READ}"))).await;
        let outcome = stage.read(Behaviour::WellBehaved).await;
        assert!(matches!(outcome, Err(CallError::Trapped { .. })), "{outcome:?}");
    }
}

/// The host's functions run on the plug-in's stack: where that is nearly full, theirs must still fit.
#[tokio::test]
async fn p03_a_recursion_leaves_room_for_what_the_host_does() {
    let (stage, device) = (Stage::new().await, Silent::new().await);
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Some(device.web_link(server.local_addr().unwrap().port()));
    let snmp = Some(device.link().await);
    let call = Call { snmp, http, ..call(Behaviour::RecurseAndAsk) };
    let mut greeted = 0;
    let no_tls = async {
        loop {
            let (mut connection, _) = server.accept().await.unwrap();
            // The greeting is read first, so that the connection isn't reset before it was sent.
            let mut greeting = [0; 4_096];
            greeted += usize::from(connection.read(&mut greeting).await.is_ok_and(|length| length > 0));
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    };
    let outcome = tokio::select! {
        () = no_tls => unreachable!(),
        outcome = stage.runtime.call(&stage.plugin, call, Question::Read) => outcome,
    };
    check(Behaviour::RecurseAndAsk, outcome, &stage);
    assert!(greeted > 3, "{greeted}");
}

#[tokio::test]
async fn p03_two_memories_have_one_budget() {
    // 16 MiB and a page each: either fits, both don't.
    let memory = |pages: u32| format!("(memory {pages}) {FAILING_READ}");
    let fits = Stage::with(&driver(&memory(257))).await;
    assert!(fits.read(Behaviour::WellBehaved).await.is_ok());
    let both = Stage::with(&driver(&format!("(memory 257) {}", memory(257)))).await;
    let outcome = both.read(Behaviour::WellBehaved).await;
    let Err(CallError::Stopped { exceeded, plugin, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exceeded, Exceeded::Memory(both.plugin.budget.memory_bytes));
    assert_eq!(plugin.to_string(), "made");
}

#[tokio::test]
async fn p03_two_memories_that_grow_have_one_budget() {
    let grow = r#"
        (memory $second 0)
        (func $read (result i32)
            (loop $again
                (drop (memory.grow 0 (i32.const 1)))
                (br_if $again (i32.ge_s (memory.grow $second (i32.const 1)) (i32.const 0))))
            unreachable)"#;
    let stage = Stage::with(&driver(grow)).await;
    let outcome = stage.read(Behaviour::WellBehaved).await;
    let Err(CallError::Stopped { exceeded, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exceeded, Exceeded::Memory(stage.plugin.budget.memory_bytes));
}

#[tokio::test]
async fn p03_what_a_memory_itself_does_not_allow_is_not_counted_as_taken() {
    let beyond_its_own_limit = r#"
        (memory $small 1 2)
        (func $read (result i32) (local $times i32)
            (loop $again
                (drop (memory.grow $small (i32.const 100)))
                (local.set $times (i32.add (local.get $times) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $times) (i32.const 1000))))
            (if (i32.lt_s (memory.grow 0 (i32.const 100)) (i32.const 0)) (then unreachable))
            i32.const 2048)
        (data (i32.const 2048) "\01")"#;
    let stage = Stage::with(&driver(beyond_its_own_limit)).await;
    let done = stage.read(Behaviour::WellBehaved).await.unwrap();
    assert_eq!(done.spent.memory_bytes, 102 << 16);
}

#[tokio::test]
async fn p03_tables_count_as_memory() {
    let table = r#"
        (table $table 1 funcref)
        (func $read (result i32) (drop (table.grow $table (ref.null func) (i32.const 10000))) i32.const 2048)
        (data (i32.const 2048) "\01")"#;
    let stage = Stage::with(&driver(table)).await;
    let done = stage.read(Behaviour::WellBehaved).await.unwrap();
    assert!(done.spent.memory_bytes >= (1 << 16) + 10_000 * 8, "{:?}", done.spent);
}

#[tokio::test]
async fn p03_an_answer_that_points_outside_its_memory_costs_the_call() {
    for pointer in ["-8", "65535", "2049"] {
        let stage = Stage::with(&driver(&format!("(func $read (result i32) i32.const {pointer})"))).await;
        let outcome = stage.read(Behaviour::WellBehaved).await;
        assert!(matches!(outcome, Err(CallError::Trapped { .. })), "{pointer}: {outcome:?}");
    }
}

#[tokio::test]
async fn p03_a_silent_device_costs_no_more_than_the_wall_time() {
    let (mut stage, device) = (Stage::new().await, Silent::new().await);
    stage.plugin.budget.wall_ms = 1_500;
    let waiting = stage.read_device(Behaviour::WaitForDevice, device.link().await);
    let outcome = with_a_neighbour(&stage, tokio::time::timeout(Duration::from_secs(30), waiting)).await.unwrap();
    let Err(CallError::Stopped { exceeded, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exceeded, Exceeded::Wall(1_500));
    assert!(device.was_asked());
}

#[tokio::test]
async fn p03_requests_that_can_not_be_sent_are_told_and_not_sent() {
    let (stage, device) = (Stage::new().await, Silent::new().await);
    for behaviour in [Behaviour::LongObject, Behaviour::OverlongObject, Behaviour::ImpossibleObject] {
        let done = stage.read_device(behaviour, device.link().await).await.unwrap();
        let told = told(done);
        assert!(told.starts_with("Error::Garbled"), "{behaviour:?}: {told}");
    }
    let done = stage.read_device(Behaviour::EmptyWalk, device.link().await).await.unwrap();
    assert_eq!(told(done), "0");
    assert!(!device.was_asked());
}

#[tokio::test]
async fn p03_a_walk_costs_an_operation_for_each_64_bindings_begun() {
    let (mut stage, device) = (Stage::new().await, Talkative::new([127, 33, 3, 1], 1_000, 10).await);
    let done = stage.read_device(Behaviour::LongWalk, device.link().await).await.unwrap();
    let operations = done.spent.link_operations;
    let bindings: u32 = told(done).parse().unwrap();
    assert!(bindings > 1_000, "{bindings}");
    assert_eq!(operations, bindings.div_ceil(64));

    let before = device.requests();
    stage.plugin.budget.link_operations = 3;
    let outcome = stage.read_device(Behaviour::LongWalk, device.link().await).await;
    let Err(CallError::Stopped { exceeded, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exceeded, Exceeded::LinkOperations(3), "rather than half a table that looks whole");
    assert!(device.requests() - before <= 20, "{}", device.requests() - before);
}

#[tokio::test]
async fn p03_a_walk_ends_where_the_bytes_do() {
    let (mut stage, device) = (Stage::new().await, Talkative::new([127, 33, 3, 2], 1_000, 1_000).await);
    stage.plugin.budget.host_bytes = 50_000;
    let outcome = stage.read_device(Behaviour::LongWalk, device.link().await).await;
    let Err(CallError::Stopped { exceeded, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exceeded, Exceeded::HostBytes(50_000));
    assert!(device.requests() < 100, "{}", device.requests());
}

#[tokio::test]
async fn p03_more_calls_than_there_is_room_for_wait_their_turn() {
    let stage = Stage::new().await;
    let calls = (0..600).map(|_| stage.read(Behaviour::WellBehaved));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
}

/// What one plug-in takes of memories and tables is never missing to another.
#[tokio::test]
async fn p03_as_many_calls_as_there_is_room_for_may_all_be_as_large_as_a_plugin_can_be() {
    let (memories, tables) = ("(memory 1)".repeat(3), "(table 1 funcref)".repeat(19));
    let manifest = format!("{MANIFEST}[needs]\nsnmp = {{}}\n");
    let bytes = importing(WAITING_IMPORT, &format!("{memories} {tables} {WAITING_READ}"), &manifest);
    let (stage, device) = (Stage::with(&bytes).await, Silent::new().await);
    // Twice, because calls that nobody waits for any more leave their places.
    for _ in 0..2 {
        let mut waiting = Vec::new();
        for _ in 0..512 {
            waiting.push(Box::pin(stage.read_device(Behaviour::WellBehaved, device.link().await)));
        }
        let every_one_asks = async {
            for _ in 0..512 {
                device.socket.recv(&mut [0; 2_048]).await.unwrap();
            }
        };
        tokio::select! {
            (outcome, ..) = futures::future::select_all(waiting) => panic!("{outcome:?}"),
            () = every_one_asks => {}
        }
    }
}

#[tokio::test]
async fn p03_what_was_logged_before_a_trap_is_not_lost() {
    let stage = Stage::new().await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Lines(Arc::clone(&log));
    let subscriber = tracing_subscriber::fmt().with_writer(move || lines.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    assert!(stage.read(Behaviour::LogThenTrap).await.is_err());
    drop(guard);
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the last words") && log.contains("hostile"), "{log}");
}

#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
