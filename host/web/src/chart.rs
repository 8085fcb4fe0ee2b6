//! The history of one reading as a line: an SVG that the server draws, so that it is there without any script.
//!
//! The line passes through every point and swings nowhere beyond them (monotone cubic interpolation): what only grows
//! is never drawn as falling.

use crate::words::{absolute, decimal, percent, relative, span};
use askama::Template;
use hostler_core::Timestamp;
use hostler_core::history::{Point, Series};

const WIDTH: f64 = 360.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 128.0;
/// The line ends short of the picture's edge, for the dot at its end.
const RIGHT: f64 = WIDTH - 5.0;
/// So wide is a character of a label at most.
const CHARACTER: f64 = 6.4;
const POINTS: usize = 100;
const HITS: usize = 40;

/// What the numbers are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    /// As they are.
    Number,
    /// From 0 to 1, drawn from empty to full.
    Fraction,
}

/// A line that is ready to be drawn.
#[derive(Template, Debug)]
#[template(path = "chart.svg")]
pub(crate) struct Chart {
    line: String,
    area: String,
    ticks: Vec<Tick>,
    hits: Vec<Hit>,
    end: (f64, f64),
    left: f64,
    from: String,
    to: String,
    summary: String,
}

#[derive(Debug)]
struct Tick {
    y: f64,
    label: String,
}

/// A stretch to point at, with what it says.
#[derive(Debug)]
struct Hit {
    left: f64,
    width: f64,
    x: f64,
    y: f64,
    says: String,
}

impl askama::filters::HtmlSafe for Chart {}

impl Chart {
    /// Draws a series; `None` where there is no line yet.
    pub(crate) fn new(title: &str, series: &Series, scale: Scale, now: Timestamp) -> Option<Self> {
        let points = thin(&series.points, POINTS);
        let (first, last) = (points.first()?, points.last()?);
        let passed = last.at.since(first.at).as_secs();
        if passed == 0 {
            return None;
        }
        let ticks = ticks(&points, scale);
        let (low, high) = (ticks.first()?.0, ticks.last()?.0);
        let longest = ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or_default();
        let left = 8.0 + CHARACTER * u32::try_from(longest).map_or(0.0, f64::from);
        let plane = Plane { from: first.at, to: last.at, low, high, left };
        let places: Vec<(f64, f64)> = points.iter().map(|point| plane.place(point)).collect();
        let line = smooth(&places);
        let end = *places.last()?;
        Some(Self {
            area: format!("{line}L{:.1} {BOTTOM}L{left:.1} {BOTTOM}Z", end.0),
            line,
            ticks: ticks.iter().map(|(value, label)| Tick { y: plane.y(*value), label: label.clone() }).collect(),
            hits: hits(&plane, &thin(&points, HITS), scale),
            end,
            left,
            from: relative(first.at, now),
            to: relative(last.at, now),
            summary: format!(
                "{title}: from {} to {} in {}",
                said(first.value, scale),
                said(last.value, scale),
                span(passed)
            ),
        })
    }
}

/// How a value reads.
fn said(value: f64, scale: Scale) -> String {
    match scale {
        Scale::Number => decimal(value),
        Scale::Fraction => percent(value),
    }
}

/// Where times and values lie in the picture.
struct Plane {
    from: Timestamp,
    to: Timestamp,
    low: f64,
    high: f64,
    left: f64,
}

impl Plane {
    fn place(&self, point: &Point) -> (f64, f64) {
        let passed = point.at.since(self.from).as_secs_f64() / self.to.since(self.from).as_secs_f64();
        (self.left + passed * (RIGHT - self.left), self.y(point.value))
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)
    }
}

/// At most about so many points: of each stretch the one that differs most from what came before, so that a peak stays, and both ends.
fn thin(points: &[Point], most: usize) -> Vec<Point> {
    if points.len() <= most {
        return points.to_vec();
    }
    let mut kept: Vec<Point> = points.first().copied().into_iter().collect();
    for stretch in points.chunks(points.len().div_ceil(most)) {
        let base = kept.last().map_or(0.0, |last| last.value);
        let differs = |point: &&Point| (point.value - base).abs();
        kept.extend(stretch.iter().max_by(|a, b| differs(a).total_cmp(&differs(b))));
    }
    kept.extend(points.last());
    kept.dedup_by_key(|point| point.at);
    kept
}

/// Three or four round values around all points, with how they read.
fn ticks(points: &[Point], scale: Scale) -> Vec<(f64, String)> {
    if scale == Scale::Fraction {
        return [0.0, 0.5, 1.0].map(|value| (value, percent(value))).to_vec();
    }
    let low = points.iter().map(|point| point.value).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.value).fold(f64::NEG_INFINITY, f64::max);
    let step = round_step(high - low, low.abs().max(high.abs()));
    let first = (low / step).floor();
    // A flat line lies in the middle, not on the floor.
    let first = if low == high { first - 1.0 } else { first };
    let last = (high / step).ceil().max(first + 2.0);
    let steps = std::iter::successors(Some(first), |at| Some(at + 1.0)).take_while(|at| *at <= last).take(5);
    steps.map(|at| (at * step, decimal(at * step))).collect()
}

/// 1, 2 or 5 times a power of ten, of which about two fit into the range. Never so small beside the values that
/// neighbours can't be told apart.
fn round_step(range: f64, size: f64) -> f64 {
    let rough = (range / 2.0).max(size * 1e-9).max(1e-9);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    let step = factor * power;
    if range == 0.0 { step.max(1.0) } else { step }
}

fn hits(plane: &Plane, points: &[Point], scale: Scale) -> Vec<Hit> {
    let places: Vec<(f64, f64)> = points.iter().map(|point| plane.place(point)).collect();
    let halfway = |a: Option<&(f64, f64)>, b: &(f64, f64), edge: f64| a.map_or(edge, |a| f64::midpoint(a.0, b.0));
    let mut hits = Vec::with_capacity(points.len());
    let mut before = None;
    for (index, (place, point)) in places.iter().zip(points).enumerate() {
        let left = halfway(before, place, plane.left);
        let right = halfway(places.get(index + 1), place, WIDTH);
        let says = format!("{} · {}", said(point.value, scale), absolute(point.at));
        hits.push(Hit { left, width: right - left, x: place.0, y: place.1, says });
        before = Some(place);
    }
    hits
}

/// A path through all places. Between two of them it rises or falls, never both (Steffen, 1990).
fn smooth(places: &[(f64, f64)]) -> String {
    let mut slopes: Vec<f64> = places.windows(3).map(slope_at_middle).collect();
    let end = |a: Option<&(f64, f64)>, b: Option<&(f64, f64)>, next: Option<&f64>| match (a, b) {
        (Some(a), Some(b)) => {
            let whole = slope(*a, *b);
            next.map_or(whole, |next| if (3.0 * whole - next) * whole < 0.0 { 0.0 } else { (3.0 * whole - next) / 2.0 })
        }
        _ => 0.0,
    };
    let beginning = end(places.first(), places.get(1), slopes.first());
    let ending = end(places.iter().rev().nth(1), places.last(), slopes.last());
    slopes.insert(0, beginning);
    slopes.push(ending);
    let mut path = places.first().map_or_else(String::new, |(x, y)| format!("M{x:.1} {y:.1}"));
    for (pair, slopes) in places.windows(2).zip(slopes.windows(2)) {
        if let ([a, b], [out, into]) = (pair, slopes) {
            let third = (b.0 - a.0) / 3.0;
            let (first, second) = (a.1 + out * third, b.1 - into * third);
            let (one, two) = (a.0 + third, b.0 - third);
            path.push_str(&format!("C{one:.1} {first:.1} {two:.1} {second:.1} {:.1} {:.1}", b.0, b.1));
        }
    }
    path
}

fn slope(a: (f64, f64), b: (f64, f64)) -> f64 {
    let run = b.0 - a.0;
    if run > 0.0 { (b.1 - a.1) / run } else { 0.0 }
}

fn slope_at_middle(three: &[(f64, f64)]) -> f64 {
    let [a, b, c] = three else { return 0.0 };
    let (before, after) = (slope(*a, *b), slope(*b, *c));
    if before * after <= 0.0 {
        return 0.0;
    }
    let (left, right) = (b.0 - a.0, c.0 - b.0);
    let mean = (before * right + after * left) / (left + right);
    before.signum() * 2.0 * before.abs().min(after.abs()).min(mean.abs() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(values: &[f64]) -> Series {
        let points = values.iter().zip(0..).map(|(value, at)| Point { at: Timestamp(at * 60_000), value: *value });
        Series { points: points.collect(), spacing_ms: 5_000 }
    }

    fn draw(values: &[f64], scale: Scale) -> Option<Chart> {
        Chart::new("Pages", &series(values), scale, Timestamp(36_000_000))
    }

    /// Heights along the line, between its points too.
    fn heights(line: &str) -> Vec<f64> {
        let numbers: Vec<f64> = line
            .split(|c: char| c == ' ' || c.is_ascii_alphabetic())
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().unwrap())
            .collect();
        let ys: Vec<f64> = numbers.chunks(2).map(|pair| pair[1]).collect();
        let mut heights = vec![ys[0]];
        for at in (0..ys.len() - 1).step_by(3) {
            let (a, b, c, d) = (ys[at], ys[at + 1], ys[at + 2], ys[at + 3]);
            heights.extend([0.25_f64, 0.5, 0.75, 1.0].map(|t| {
                let u = 1.0 - t;
                u.powi(3) * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t.powi(3) * d
            }));
        }
        heights
    }

    #[test]
    fn one_reading_is_no_line() {
        assert!(draw(&[], Scale::Number).is_none());
        assert!(draw(&[4.0], Scale::Number).is_none());
    }

    #[test]
    fn labels_are_round_and_embrace_the_values() {
        let chart = draw(&[11_902.0, 12_050.0, 12_480.0], Scale::Number).unwrap();
        let labels: Vec<&str> = chart.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["11,500", "12,000", "12,500"]);
        assert_eq!(chart.summary, "Pages: from 11,902 to 12,480 in 2 min");
        assert_eq!(chart.from, "10 hours ago");
    }

    #[test]
    fn a_flat_line_lies_in_the_middle() {
        for value in [0.0, 7.0, 9.007e15] {
            let chart = draw(&[value, value], Scale::Number).unwrap();
            assert!((TOP + 10.0..BOTTOM - 10.0).contains(&chart.end.1), "{value}: {}", chart.end.1);
        }
    }

    #[test]
    fn a_fraction_is_drawn_between_empty_and_full() {
        let chart = draw(&[1.0, 0.5], Scale::Fraction).unwrap();
        assert_eq!(chart.ticks[2].label, "100 %");
        assert_eq!(chart.end.1, f64::midpoint(TOP, BOTTOM));
    }

    #[test]
    fn what_a_device_calls_itself_is_text() {
        let chart = Chart::new("<script>", &series(&[1.0, 2.0]), Scale::Number, Timestamp(0)).unwrap();
        assert!(!chart.render().unwrap().contains("<script"));
    }

    proptest! {
        #[test]
        fn stays_within_the_picture(values in proptest::collection::vec(-1e15_f64..1e15, 2..600)) {
            let chart = draw(&values, Scale::Number).unwrap();
            for y in heights(&chart.line) {
                prop_assert!((TOP - 0.2..=BOTTOM + 0.2).contains(&y), "{}", y);
            }
            prop_assert!((2..=5).contains(&chart.ticks.len()));
            prop_assert!(chart.hits.len() <= HITS + 2);
            prop_assert!(chart.line.len() < 6_000);
        }

        #[test]
        fn what_only_grows_is_never_drawn_as_falling(steps in proptest::collection::vec(0_u32..1_000, 2..300)) {
            let mut sum = 0.0;
            let values: Vec<f64> = steps.iter().map(|step| { sum += f64::from(*step); sum }).collect();
            let chart = draw(&values, Scale::Number).unwrap();
            let heights = heights(&chart.line);
            prop_assert!(heights.windows(2).all(|pair| pair[1] <= pair[0] + 0.11), "{:?}", heights);
        }

        #[test]
        fn a_peak_stays(at in 1_usize..510) {
            let mut values = vec![10.0; 512];
            values[at] = 90.0;
            let thinned = thin(&series(&values).points, POINTS);
            prop_assert!(thinned.iter().any(|point| point.value == 90.0));
        }
    }
}
