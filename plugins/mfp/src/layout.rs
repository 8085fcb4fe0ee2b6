//! What a device is made of: what doesn't change from reading to reading, kept in `state` as lines of text.
//!
//! Text that came from a device has no control characters (see `hostler_plugin::text`), so tabs and line ends can
//! separate. A first line of another version is as good as none: the device is asked again.

use hostler_plugin::{oid, state};

const KEY: &str = "layout";
const VERSION: &str = "mfp-1";

/// The parts of a device, with what was said of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Layout {
    /// prtGeneralConfigChanges when this was read; `None` where the device has none.
    pub(crate) config: Option<u32>,
    /// The printer's hrDeviceIndex.
    pub(crate) device: u32,
    /// The single objects that the device has.
    pub(crate) scalars: Vec<Vec<u32>>,
    pub(crate) markers: Vec<Marker>,
    pub(crate) supplies: Vec<Supply>,
    pub(crate) trays: Vec<Tray>,
    pub(crate) covers: Vec<Cover>,
    /// The console's lines, by instance.
    pub(crate) console: Vec<Vec<u32>>,
}

/// A print engine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Marker {
    pub(crate) instance: Vec<u32>,
    /// prtMarkerCounterUnit.
    pub(crate) unit: i32,
}

/// Something that runs out or fills up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Supply {
    pub(crate) instance: Vec<u32>,
    /// prtMarkerSuppliesClass, 0 where it isn't told.
    pub(crate) class: i32,
    /// prtMarkerSuppliesType, or what the description speaks of; 0 where neither is known.
    pub(crate) kind: i32,
    /// prtMarkerSuppliesSupplyUnit, 0 where it isn't told.
    pub(crate) unit: i32,
    /// prtMarkerSuppliesMaxCapacity with its sentinels.
    pub(crate) capacity: i32,
    pub(crate) colour: String,
    pub(crate) label: String,
    pub(crate) part_number: String,
    pub(crate) serial: String,
}

/// An input tray.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tray {
    pub(crate) instance: Vec<u32>,
    /// prtInputCapacityUnit, 0 where it isn't told.
    pub(crate) unit: i32,
    /// prtInputMaxCapacity with its sentinels.
    pub(crate) capacity: i32,
    pub(crate) label: String,
    pub(crate) media: String,
}

/// A cover or an interlock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cover {
    pub(crate) instance: Vec<u32>,
    pub(crate) label: String,
}

impl Layout {
    /// What an earlier call saved.
    pub(crate) fn load() -> Option<Self> {
        Self::from_text(&state::text(KEY)?)
    }

    /// Writes, where something differs.
    pub(crate) fn save(&self) {
        state::set(KEY, self.to_text().as_bytes());
    }

    /// Whether the device tells of anything that printers have.
    pub(crate) fn has_parts(&self) -> bool {
        !(self.markers.is_empty() && self.supplies.is_empty() && self.trays.is_empty())
    }

    /// What to call the instance of a part: its own index, with that of the device where it isn't the printer's.
    pub(crate) fn name_of(&self, instance: &[u32]) -> String {
        let own = instance.strip_prefix(&[self.device]).unwrap_or(instance);
        own.iter().map(u32::to_string).collect::<Vec<_>>().join("-")
    }

    fn to_text(&self) -> String {
        let mut out = Lines::default();
        let config = self.config.map(|config| config.to_string()).unwrap_or_default();
        out.line(&[VERSION, &config, &self.device.to_string()]);
        for object in &self.scalars {
            out.line(&["o", &oid::dotted(object)]);
        }
        for Marker { instance, unit } in &self.markers {
            out.line(&["m", &oid::dotted(instance), &unit.to_string()]);
        }
        for s in &self.supplies {
            let [class, kind, unit, capacity] = [s.class, s.kind, s.unit, s.capacity].map(|number| number.to_string());
            let instance = oid::dotted(&s.instance);
            out.line(&[
                "s",
                &instance,
                &class,
                &kind,
                &unit,
                &capacity,
                &s.colour,
                &s.label,
                &s.part_number,
                &s.serial,
            ]);
        }
        for t in &self.trays {
            let [unit, capacity] = [t.unit, t.capacity].map(|number| number.to_string());
            out.line(&["t", &oid::dotted(&t.instance), &unit, &capacity, &t.label, &t.media]);
        }
        for Cover { instance, label } in &self.covers {
            out.line(&["c", &oid::dotted(instance), label]);
        }
        for instance in &self.console {
            out.line(&["l", &oid::dotted(instance)]);
        }
        out.0
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(|line| Fields(line.split('\t')));
        let mut head = lines.next()?;
        if head.text()? != VERSION {
            return None;
        }
        let config = Some(head.text()?).filter(|config| !config.is_empty());
        let mut layout = Self { config: config.and_then(|c| c.parse().ok()), device: head.parse()?, ..Self::default() };
        for mut fields in lines {
            match fields.text()?.as_str() {
                "o" => layout.scalars.push(fields.oid()?),
                "m" => layout.markers.push(Marker { instance: fields.oid()?, unit: fields.parse()? }),
                "s" => layout.supplies.push(Supply {
                    instance: fields.oid()?,
                    class: fields.parse()?,
                    kind: fields.parse()?,
                    unit: fields.parse()?,
                    capacity: fields.parse()?,
                    colour: fields.text()?,
                    label: fields.text()?,
                    part_number: fields.text()?,
                    serial: fields.text()?,
                }),
                "t" => layout.trays.push(Tray {
                    instance: fields.oid()?,
                    unit: fields.parse()?,
                    capacity: fields.parse()?,
                    label: fields.text()?,
                    media: fields.text()?,
                }),
                "c" => layout.covers.push(Cover { instance: fields.oid()?, label: fields.text()? }),
                "l" => layout.console.push(fields.oid()?),
                _ => return None,
            }
        }
        Some(layout)
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, fields: &[&str]) {
        self.0.push_str(&fields.join("\t"));
        self.0.push('\n');
    }
}

struct Fields<'t>(std::str::Split<'t, char>);

impl Fields<'_> {
    fn text(&mut self) -> Option<String> {
        self.0.next().map(str::to_owned)
    }

    fn parse<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    fn oid(&mut self) -> Option<Vec<u32>> {
        oid::from_dotted(self.0.next()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let layout = Layout {
            config: Some(7),
            device: 1,
            scalars: vec![vec![1, 3, 6]],
            markers: vec![Marker { instance: vec![1, 1], unit: 7 }],
            supplies: vec![Supply {
                instance: vec![1, 2],
                capacity: -2,
                label: "Toner, schwarz".to_owned(),
                ..Supply::default()
            }],
            trays: vec![Tray { instance: vec![1, 31], capacity: 550, label: "Tray 1".to_owned(), ..Tray::default() }],
            covers: vec![Cover { instance: vec![1, 1], label: String::new() }],
            console: vec![vec![1, 1]],
        };
        assert_eq!(Layout::from_text(&layout.to_text()), Some(layout.clone()));
        let without = Layout { config: None, ..layout };
        assert_eq!(Layout::from_text(&without.to_text()), Some(without));
    }

    #[test]
    fn another_version_or_a_cut_text_is_none() {
        assert_eq!(Layout::from_text("mfp-0\t\t1\n"), None);
        assert_eq!(Layout::from_text("mfp-1\t\t1\ns\t1.1\t3\n"), None);
        assert_eq!(Layout::from_text(""), None);
    }

    #[test]
    fn instances_are_named_by_their_own_index() {
        let layout = Layout { device: 1, ..Layout::default() };
        assert_eq!(layout.name_of(&[1, 4]), "4");
        assert_eq!(layout.name_of(&[2, 4]), "2-4");
    }
}
