//! Reading a device.

use super::{CallFailed, Caller};
use hostler_core::PluginName;
use hostler_core::device::Device;
use hostler_core::message::{REPORT_LIMIT, weight};
use hostler_core::reading::Report;
use hostler_links::Place;
use hostler_runtime::{Answer, Question};

impl Caller {
    /// Reads a device, from this place: what the plug-in reports, stored traces and performed actions included.
    pub(crate) async fn read(&self, known: &Device, place: Place) -> Result<Report, CallFailed> {
        let take = |answer| {
            let (report, actions) = match answer {
                Answer::Report(Some(outcome)) => outcome,
                _ => (Report::default(), Vec::new()),
            };
            fits(&known.plugin, &report)?;
            Ok((report, actions))
        };
        Ok(self.act(known, place, Question::Read, take).await?.0)
    }
}

/// Refuses a report that would fill the way to the parent. Only one that may be too large is weighed.
fn fits(plugin: &PluginName, report: &Report) -> Result<(), CallFailed> {
    if report.weight_at_most() <= REPORT_LIMIT {
        return Ok(());
    }
    let bytes = weight(report);
    if bytes > REPORT_LIMIT { Err(CallFailed::TooLarge { plugin: plugin.clone(), bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_a_report_that_would_fill_the_way_to_the_parent_is_refused() {
        let report = |lines: usize| Report { console: vec!["x".repeat(1_000); lines], ..Report::default() };
        let plugin = "mfp".parse().unwrap();
        assert!(fits(&plugin, &report(1_000)).is_ok());
        let refused = fits(&plugin, &report(1_100)).unwrap_err();
        assert!(refused.to_string().starts_with("plug-in mfp reported 11"), "{refused}");
    }
}
