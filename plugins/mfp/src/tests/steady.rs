//! What a reading costs, and what is remembered from one to the next.

use super::{cost, events, level, named, page_count, pages, printer, read};
use hostler_plugin::snmp::Value as Object;
use hostler_plugin::types::Value;

const HOUR: u64 = 3_600_000;

#[test]
fn a_steady_reading_is_one_get_and_writes_nothing() {
    let mut host = printer();
    let first = cost(&mut host);
    let _second = read(&mut host);
    let steady = cost(&mut host);
    assert!(first.operations > 5, "{first:?}");
    assert_eq!((steady.operations, steady.round_trips, steady.state_writes), (1, 1, 0), "{steady:?}");
    assert!(steady.objects < 40, "one message: {steady:?}");
}

#[test]
fn printing_writes_no_state_with_each_reading() {
    let mut host = printer();
    let _ = read(&mut host);
    host.reset_traffic();
    for minute in 0..500_u32 {
        pages(&mut host, 12_000 + minute);
        level(&mut host, 1, 80 - i32::try_from(minute / 100).unwrap());
        host.now += 60_000;
        host.object("1.3.6.1.2.1.1.3.0", Object::TimeTicks(1_000_000 + minute * 6_000));
        let _ = read(&mut host);
    }
    assert_eq!(host.traffic.state_writes, 0);
    assert_eq!(events(&host), Vec::<&str>::new());
}

#[test]
fn a_changed_configuration_is_read_anew() {
    let mut host = printer();
    let before = read(&mut host);
    host.remove("1.3.6.1.2.1.43.8.2.1.10.1.3");
    host.object("1.3.6.1.2.1.43.5.1.1.1.1", Object::Counter32(8));
    let after = read(&mut host);
    assert_eq!((named(&before, "tray.level").len(), named(&after, "tray.level").len()), (3, 2));
    let _ = read(&mut host);
    assert_eq!(cost(&mut host).operations, 1);
}

#[test]
fn a_restart_of_the_node_walks_through_no_device() {
    let mut host = printer();
    let before = read(&mut host);
    host.restart();
    let steady = cost(&mut host);
    assert!(steady.operations <= 2, "{steady:?}");
    assert_eq!(page_count(&read(&mut host)), page_count(&before));
}

#[test]
fn a_device_that_counts_no_changes_is_read_anew_after_hours() {
    let mut host = printer();
    host.remove("1.3.6.1.2.1.43.5.1.1.1.1");
    let _ = read(&mut host);
    let _ = read(&mut host);
    host.now += 5 * HOUR;
    assert_eq!(cost(&mut host).operations, 1);
    host.now += 2 * HOUR;
    assert!(cost(&mut host).operations > 5);
}

#[test]
fn a_missing_part_has_the_next_reading_look_again() {
    let mut host = printer();
    let _ = read(&mut host);
    host.remove("1.3.6.1.2.1.43.11.1.1.9.1.4");
    assert_eq!(named(&read(&mut host), "supply.level").len(), 4);
    assert!(cost(&mut host).operations > 5);
    assert_eq!(cost(&mut host).operations, 1, "and then it is known to be gone");
}

#[test]
fn a_wrapped_counter_goes_on() {
    let mut host = printer();
    pages(&mut host, u32::MAX - 10);
    let before = page_count(&read(&mut host));
    pages(&mut host, 9);
    assert_eq!(page_count(&read(&mut host)), before + 20);
    assert_eq!(events(&host), Vec::<&str>::new());
}

#[test]
fn a_new_board_counts_on_and_is_told() {
    let mut host = printer();
    let before = page_count(&read(&mut host));
    pages(&mut host, 3);
    assert_eq!(page_count(&read(&mut host)), before);
    assert_eq!(events(&host), ["counter.reset"]);
}

#[test]
fn a_restart_of_the_device_is_told() {
    let mut host = printer();
    let _ = read(&mut host);
    host.now += HOUR;
    host.object("1.3.6.1.2.1.1.3.0", Object::TimeTicks(6_000));
    let _ = read(&mut host);
    assert_eq!(events(&host), ["device.restarted"]);
}

#[test]
fn the_operator_can_leave_out_trays() {
    let mut host = printer();
    host.settings.insert("read-trays".to_owned(), "no".to_owned());
    assert!(named(&read(&mut host), "tray.level").is_empty());
}

#[test]
fn a_table_that_cant_be_walked_costs_only_itself() {
    let mut host = printer();
    host.break_table("1.3.6.1.2.1.43.8").break_table("1.3.6.1.2.1.43.18");
    let report = read(&mut host);
    assert!(named(&report, "tray.level").is_empty());
    assert_eq!(named(&report, "supply.level").len(), 5);
    assert!(!host.lines.is_empty(), "the log says so");
}

#[test]
fn several_engines_are_told_apart() {
    let mut host = printer();
    host.integer("1.3.6.1.2.1.43.10.2.1.3.1.2", 11);
    host.object("1.3.6.1.2.1.43.10.2.1.4.1.2", Object::Counter32(77));
    let report = read(&mut host);
    let engine = named(&report, "marker.use")[0];
    assert_eq!((engine.instance.as_deref(), engine.unit.as_deref()), (Some("2"), Some("h")));
    assert_eq!(named(&report, "pages.printed")[0].instance.as_deref(), Some("1"));
}

#[test]
fn e09_wear_in_parts_of_an_inch_is_shown_in_whole_inches_over_a_wrap_too() {
    let mut host = printer();
    host.integer("1.3.6.1.2.1.43.10.2.1.3.1.2", 3);
    let mut used = |raw: u32| {
        host.object("1.3.6.1.2.1.43.10.2.1.4.1.2", Object::Counter32(raw));
        let report = read(&mut host);
        let found = named(&report, "marker.use");
        let [reading] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(reading.unit.as_deref(), Some("[in_i]"));
        reading.value.clone()
    };
    assert_eq!(used(1_234_567), Value::Counter(123));
    assert_eq!(used(u32::MAX - 5), Value::Counter(429_496));
    assert_eq!(used(10), Value::Counter(429_496));
    assert_eq!(used(40_000), Value::Counter(429_500));
}
