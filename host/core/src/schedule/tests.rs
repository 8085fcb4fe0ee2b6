//! Calendars where clocks are changed, expressions that can't be, and what a schedule makes of a gap.

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::try_from(text.parse::<jiff::Timestamp>().unwrap()).unwrap()
}

fn coming(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let calendar = Calendar::parse(expression, zone).unwrap();
    calendar.upcoming(at(from), count).into_iter().map(|instant| instant.local).collect()
}

fn utc(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let calendar = Calendar::parse(expression, zone).unwrap();
    calendar
        .upcoming(at(from), count)
        .into_iter()
        .map(|instant| instant.utc.trim_end_matches(" UTC").to_owned())
        .collect()
}

fn refused(expression: &str, zone: &str) -> String {
    Calendar::parse(expression, zone).unwrap_err().to_string()
}

#[test]
fn d07_berlin_has_no_half_past_two_in_spring_and_two_of_them_in_autumn() {
    let spring = coming("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
    assert_eq!(spring, ["2026-03-28 02:30 CET", "2026-03-29 03:00 CEST", "2026-03-30 02:30 CEST"]);
    let several = coming("*/15 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2);
    assert_eq!(several, ["2026-03-29 03:00 CEST", "2026-03-30 02:00 CEST"], "several that don't exist come once");
    let autumn = utc("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(autumn, ["2026-10-25 00:30", "2026-10-26 01:30"], "the first of the two, and not the second");
    let second = utc("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1);
    assert_eq!(second, ["2026-10-26 01:30"], "asked between the two, it is over");
}

#[test]
fn d07_what_is_for_every_hour_goes_on_while_clocks_change() {
    let autumn = utc("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4);
    assert_eq!(autumn, ["2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-25 03:00"]);
    let spring = coming("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3);
    assert_eq!(spring, ["2026-03-29 01:30 CET", "2026-03-29 03:00 CEST", "2026-03-29 03:30 CEST"]);
}

#[test]
fn d07_new_york_changes_on_other_days() {
    let spring = coming("0 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2);
    assert_eq!(spring, ["2026-03-08 03:00 EDT", "2026-03-09 02:00 EDT"]);
    let autumn = utc("15 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
    assert_eq!(autumn, ["2026-11-01 05:15", "2026-11-02 06:15"]);
}

#[test]
fn d07_tokyo_changes_nothing() {
    let all = utc("30 2 * * *", "Asia/Tokyo", "2026-01-01T00:00:00Z", 365);
    assert!(all.iter().all(|time| time.ends_with("17:30")), "{all:?}");
    assert_eq!(all.len(), 365);
}

#[test]
fn d07_lord_howe_changes_by_half_an_hour() {
    let spring = coming("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2);
    assert_eq!(spring, ["2026-10-04 02:30 +11", "2026-10-05 02:15 +11"]);
    let autumn = utc("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2);
    assert_eq!(autumn, ["2026-04-04 14:45", "2026-04-05 15:15"]);
    let hourly = utc("45 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 3);
    assert_eq!(hourly, ["2026-04-04 14:45", "2026-04-04 15:15", "2026-04-04 16:15"]);
}

#[test]
fn d07_apia_had_no_30_december() {
    let days = coming("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3);
    assert_eq!(days, ["2011-12-29 12:00 -10", "2011-12-31 00:00 +14", "2011-12-31 12:00 +14"]);
    let hourly = coming("0 * * * *", "Pacific/Apia", "2011-12-30T08:30:00Z", 2);
    assert_eq!(hourly, ["2011-12-29 23:00 -10", "2011-12-31 00:00 +14"]);
}

#[test]
fn d07_names_and_words_mean_what_cron_means() {
    for (name, expression) in NAMES {
        for written in [name.to_owned(), format!("@{name}"), name.to_uppercase()] {
            let from = "2026-02-03T04:05:06Z";
            assert_eq!(utc(&written, "UTC", from, 3), utc(expression, "UTC", from, 3), "{written}");
        }
    }
    assert_eq!(utc("0 6 * * MON-FRI", "UTC", "2026-11-20T07:00:00Z", 1), ["2026-11-23 06:00"]);
    assert_eq!(utc("0 6 L * *", "UTC", "2028-02-01T00:00:00Z", 1), ["2028-02-29 06:00"]);
    assert_eq!(utc("0 6 29 FEB *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29 06:00"]);
    assert_eq!(utc("0 0 13 * FRI", "UTC", "2026-02-01T00:00:00Z", 2), ["2026-02-06 00:00", "2026-02-13 00:00"]);
    assert_eq!(utc("5 4 * * mon#1", "UTC", "2026-11-22T00:00:00Z", 1), ["2026-12-07 04:05"]);
    assert_eq!(utc("0 0 * * FRIL", "UTC", "2026-11-22T00:00:00Z", 1), ["2026-11-27 00:00"]);
    assert_eq!(utc("0 0 15W * *", "UTC", "2026-11-01T00:00:00Z", 1), ["2026-11-16 00:00"]);
    assert_eq!(Calendar::parse(" 0   6 * * * ", "europe/berlin").unwrap().zone().name(), "Europe/Berlin");
}

#[test]
fn d07_a_moment_is_later_than_the_one_it_follows() {
    let every = Calendar::parse("* * * * *", "Europe/Berlin").unwrap();
    assert_eq!(every.next_after(Timestamp(59_999)), Some(Timestamp(60_000)));
    assert_eq!(every.next_after(Timestamp(60_000)), Some(Timestamp(120_000)));
    assert_eq!(every.next_after(Timestamp(60_001)), Some(Timestamp(120_000)));
    assert_eq!(every.next_after(Timestamp(u64::MAX)), None);
}

#[test]
fn d07_what_can_t_be_is_refused_with_the_field_and_an_example() {
    for (expression, says) in [
        ("60 * * * *", "minute (the first field) of the calendar expression can't be \"60\"; it is 0 to 59, as in"),
        ("0 24 * * *", "hour (the second field)"),
        ("0 0 0 * *", "day of the month (the third field)"),
        ("0 0 * 13 *", "month (the fourth field)"),
        ("0 0 * * 8", "day of the week (the fifth field)"),
        ("0 0 * * MONDAY", "can't be \"MONDAY\""),
        ("MON 0 * * *", "minute"),
        ("0 0 * 1JAN *", "month"),
        ("0 0 * FEB,3,FRI *", "month"),
        ("9-5 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("0 6 +1 * *", "day of the month"),
        ("0 6 * * * 2026", "has 6 fields, not five"),
        ("", "has 0 fields, not five"),
        ("dayly", "has 1 fields, not five"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 30 FEB *", "the last day of a month is L"),
    ] {
        let said = refused(expression, "UTC");
        assert!(said.contains(says), "{expression:?}: {said}");
    }
    assert!(refused(&"0".repeat(300), "UTC").contains("longer than 200"), "and it isn't quoted");
    assert!(refused("daily", "Berlin").contains("there is no time zone \"Berlin\"; there is \"Europe/Berlin\""));
    assert!(refused("daily", "new york").contains("\"America/New_York\""));
    for zone in ["", "Mars/Olympus", "../../etc/passwd", "+02:00", "Etc/Unknown"] {
        assert!(refused("daily", zone).contains("zones have names such as"), "{zone}: {}", refused("daily", zone));
    }
}

proptest::proptest! {
    #[test]
    fn d07_whatever_is_written_is_read_or_refused(expression in "[0-9*,/#LWA-Z? -]{0,24}", zone in "(UTC|Europe/Berlin|\\PC{0,9})") {
        if let Ok(calendar) = Calendar::parse(&expression, &zone) {
            let next = calendar.next_after(at("2026-10-25T00:30:00Z"));
            proptest::prop_assert!(next > Some(at("2026-10-25T00:30:00Z")));
            let stored = serde_json::to_string(&calendar).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Calendar>(&stored).unwrap(), calendar);
        }
    }
}

fn schedule(expression: &str, missed: Missed, now: &str) -> Schedule {
    let calendar = Calendar::parse(expression, "Europe/Berlin").unwrap();
    let work = Work::ReadDevices { devices: Which::Where(Fitting::default()) };
    let plan = Plan { name: "Nightly".to_owned(), calendar, work, missed, by: "ada".parse().unwrap() };
    Schedule::new("nightly".parse().unwrap(), plan, at(now))
}

fn step(schedule: Schedule, event: Event, now: &str) -> (Schedule, Vec<(String, String)>) {
    let step = schedule.step(event, &Context { parent: None, now: at(now) });
    let told = step.changes.0.into_iter().map(|change| match change {
        Change::Happened(event) => (event.name, event.text),
        other => panic!("{other:?}"),
    });
    (step.next, told.collect())
}

fn ended(schedule: Schedule, now: &str) -> Schedule {
    let outcome = Outcome { done: 3, ..Outcome::default() };
    let number = schedule.runs;
    step(schedule, Event::Ran { number, outcome }, now).0
}

#[test]
fn d07_what_was_missed_while_down_is_run_once_or_skipped() {
    let down = |missed| schedule("30 2 * * *", missed, "2026-11-20T12:00:00Z");
    let (runs, told) = step(down(Missed::RunOnce), Event::Looked, "2026-11-22T12:00:00Z");
    assert_eq!(told[0].1, "the schedule \"Nightly\" missed 2 times since 2026-11-21 02:30 CET; one run stands for all");
    assert_eq!((told[0].0.as_str(), told[1].0.as_str(), told.len()), ("schedule.missed", "schedule.began", 2));
    assert_eq!(runs.next, Some(at("2026-11-23T01:30:00Z")));
    assert_eq!(step(ended(runs, "2026-11-22T12:00:01Z"), Event::Looked, "2026-11-22T12:00:02Z").1, []);

    let (skips, told) = step(down(Missed::Skip), Event::Looked, "2026-11-22T12:00:00Z");
    assert!(told[0].1.ends_with("they are passed over") && told.len() == 1, "{told:?}");
    assert_eq!((skips.outstanding(), skips.next), (None, Some(at("2026-11-23T01:30:00Z"))));
}

#[test]
fn d07_a_restart_at_the_due_time_misses_nothing() {
    for missed in [Missed::RunOnce, Missed::Skip] {
        let (runs, told) =
            step(schedule("30 2 * * *", missed, "2026-11-21T12:00:00Z"), Event::Looked, "2026-11-22T01:31:59Z");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(runs.outstanding().unwrap().due, Some(at("2026-11-22T01:30:00Z")));
    }
}

#[test]
fn d07_a_clock_that_was_years_ahead_silences_nothing() {
    let (runs, told) =
        step(schedule("30 2 * * *", Missed::Skip, "2026-11-21T12:00:00Z"), Event::Looked, "2031-11-21T12:00:00Z");
    assert!(told[0].1.contains("missed more than 1000 times since"), "{told:?}");
    assert_eq!(runs.next, Some(at("2031-11-22T01:30:00Z")));
    let (right, told) = step(runs, Event::Looked, "2026-11-21T12:01:00Z");
    assert_eq!((right.next, told), (Some(at("2026-11-22T01:30:00Z")), Vec::new()));
}

#[test]
fn d07_a_clock_that_is_set_back_a_little_repeats_nothing() {
    let begun =
        step(schedule("30 2 * * *", Missed::RunOnce, "2026-11-21T12:00:00Z"), Event::Looked, "2026-11-22T01:30:00Z").0;
    let (later, told) = step(ended(begun, "2026-11-22T01:30:01Z"), Event::Looked, "2026-11-21T23:30:00Z");
    assert_eq!((later.next, told), (Some(at("2026-11-23T01:30:00Z")), Vec::new()));
}

#[test]
fn d07_what_is_ordered_by_hand_leaves_the_calendar_alone() {
    let (wanted, told) =
        step(schedule("30 2 * * *", Missed::RunOnce, "2026-11-21T12:00:00Z"), Event::Wanted, "2026-11-21T12:01:00Z");
    assert!(told[0].1.contains("begins, by hand: read every device"), "{told:?}");
    assert_eq!(wanted.next, Some(at("2026-11-22T01:30:00Z")));
    let (same, told) = step(wanted.clone(), Event::Wanted, "2026-11-21T12:02:00Z");
    assert_eq!((same, told), (wanted.clone(), Vec::new()), "one run at a time");
    let (_, late) = step(wanted, Event::Ran { number: 7, outcome: Outcome::default() }, "2026-11-21T12:03:00Z");
    assert_eq!(late, [], "of another run");
}

#[test]
fn d07_what_can_t_be_done_twice_is_in_doubt_after_a_restart() {
    let begun =
        step(schedule("30 2 * * *", Missed::RunOnce, "2026-11-21T12:00:00Z"), Event::Wanted, "2026-11-21T12:01:00Z").0;
    let context = Context { parent: Some("root".parse().unwrap()), now: at("2026-11-21T12:02:00Z") };
    assert_eq!(begun.clone().step(Event::Restarted, &context).next, begun, "a reading is harmless twice");
    let doubtful = begun.go_on(Some(Kind::Once), &context);
    assert_eq!(doubtful.next.outstanding(), None);
    assert!(doubtful.next.last.unwrap().outcome.said().contains("in doubt"));
    assert_eq!(doubtful.changes.0.len(), 2, "told here and above");
}

#[test]
fn d07_what_is_edited_or_resumed_was_never_missed() {
    let begun = schedule("30 2 * * *", Missed::RunOnce, "2026-11-20T12:00:00Z");
    let other = schedule("0 10 * * *", Missed::RunOnce, "2026-11-20T12:00:00Z").plan;
    let (edited, told) = step(begun.clone(), Event::Edited(Box::new(other)), "2026-11-20T20:00:00Z");
    assert_eq!((edited.next, told.len()), (Some(at("2026-11-21T09:00:00Z")), 0));
    let (paused, _) = step(begun, Event::Paused, "2026-11-20T20:00:00Z");
    assert_eq!(step(paused.clone(), Event::Looked, "2026-11-25T20:00:00Z").1, []);
    let (resumed, told) = step(paused, Event::Resumed, "2026-11-25T20:00:00Z");
    assert_eq!((resumed.next, told.len()), (Some(at("2026-11-26T01:30:00Z")), 0));
}

#[test]
fn d07_a_filter_fits_what_it_names_and_nothing_given_fits_all() {
    use crate::device::Placement;
    use crate::reading::DeviceType;
    let placement = Placement { site: Some("berlin".parse().unwrap()), tags: ["loan".to_owned()].into(), owner: None };
    let fits = |text: &str| serde_json::from_str::<Fitting>(text).unwrap().fits(DeviceType::Mfp, &placement);
    for text in ["{}", r#"{"site":"berlin"}"#, r#"{"tag":"loan","type":"mfp"}"#] {
        assert!(fits(text), "{text}");
    }
    for text in [r#"{"site":"hamburg"}"#, r#"{"tag":"spare","site":"berlin"}"#, r#"{"type":"scanner"}"#] {
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn d07_a_schedule_stored_by_this_release_is_read_by_every_later_one() {
    let text = r#"{"id":"nightly","plan":{"name":"Nightly","calendar":{"expression":"30 2 * * *","zone":"Europe/Berlin"},
        "work":{"do":"read-devices","devices":{"where":{"site":"berlin"}}},"missed":"run-once","by":"ada"},
        "standing":"active","decided":1000,"next":2000,"runs":1,"run":{"number":1,"due":null,"began_at":1500,
        "work":{"do":"discover-networks"}},"last":null}"#;
    let read: Schedule = serde_json::from_str(text).unwrap();
    assert_eq!(read.outstanding().unwrap().work.to_string(), "search the networks of every gateway");
    assert_eq!(read.plan.work.to_string(), "read every device at berlin");
}

#[test]
fn d07_what_became_of_each_device_is_kept_and_those_that_failed_come_first() {
    let became = |number: usize, failed: Option<&str>| Became {
        device: format!("sn-{number:04}").parse().unwrap(),
        request: None,
        failed: failed.map(str::to_owned),
    };
    let mut all: Vec<Became> = (0..600).map(|number| became(number, None)).collect();
    assert_eq!(Outcome::of_each(all.clone()).said(), "ran; 600 devices answered");
    all.push(became(900, Some("its time is over")));
    let outcome = Outcome::of_each(all);
    assert_eq!((outcome.done, outcome.failed, outcome.each.len()), (600, 1, BECAME));
    assert_eq!(outcome.each.first().unwrap().device.as_str(), "sn-0900");
    assert_eq!(outcome.said(), "failed in part: 600 devices answered, 1 didn't: sn-0900: its time is over");
    assert_eq!(Outcome::of_each(Vec::new()).said(), "ran, and there was nothing to do");
}

#[test]
fn d07_what_devices_are_asked_has_one_form() {
    for (json, shall) in [
        (
            r#"{"do":"ask-devices","devices":{"where":{"site":"berlin"}},"asked":{"ask":"counters"},"within_s":60}"#,
            "fetch the counters of every device at berlin",
        ),
        (
            r#"{"do":"ask-devices","devices":{"ids":["sn-1"]},"asked":{"ask":"power","wish":"sleep"},"within_s":60}"#,
            "put to sleep sn-1",
        ),
        (
            r#"{"do":"ask-devices","devices":{"ids":["sn-1"]},"asked":{"ask":"command","name":"identify","arguments":{"message":"Hi"}},"within_s":60}"#,
            "tell sn-1: identify",
        ),
    ] {
        let work: Work = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&work).unwrap(), json);
        assert_eq!(work.to_string(), shall);
    }
    // What an earlier release stored.
    let before: Outcome = serde_json::from_str(r#"{"done":2,"failed":0,"why":null}"#).unwrap();
    assert_eq!(before.said(), "ran; 2 orders were given");
}
