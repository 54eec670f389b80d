//! Results: a figure of ours, the baselines of the same run, and the bar between them.

/// A bar that no baseline sets: its `ratio` is the limit itself. Rows carry it as a baseline of 1.
pub(crate) const ABSOLUTE: &str = "absolute";

/// Ours may be at most `ratio` times `baseline`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    pub(crate) baseline: &'static str,
    pub(crate) ratio: f64,
}

/// One figure against one bar. A figure under two bars makes two rows.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) metric: &'static str,
    pub(crate) unit: &'static str,
    /// `None` while the engine does not take part.
    pub(crate) ours: Option<f64>,
    pub(crate) baselines: Vec<(&'static str, f64)>,
    /// `None` for what is reported beside the bars.
    pub(crate) bar: Option<Bar>,
}

impl Row {
    /// Ours over the bar's baseline.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let bar = self.bar?;
        let (_, baseline) = self.baselines.iter().find(|(name, _)| *name == bar.baseline)?;
        Some(self.ours? / baseline)
    }

    pub(crate) fn met(&self) -> Option<bool> {
        Some(self.ratio()? <= self.bar?.ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Row};

    fn row(ours: Option<f64>) -> Row {
        Row {
            id: "lin",
            mode: "sequential",
            metric: "wall",
            unit: "ns/event",
            ours,
            baselines: vec![("tokio", 200.0)],
            bar: Some(Bar { baseline: "tokio", ratio: 0.5 }),
        }
    }

    #[test]
    fn bar_is_met_up_to_its_ratio() {
        assert_eq!(row(Some(100.0)).met(), Some(true));
        assert_eq!(row(Some(101.0)).met(), Some(false));
        assert_eq!(row(None).met(), None);
    }
}
