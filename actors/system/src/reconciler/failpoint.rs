//! Places between two steps where a test can end the reconciler, or let a step fail. Without the feature
//! `testing` nothing is there.

/// What happens at a failpoint.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailAction {
    /// The reconciler's actor ends, as if it had been killed.
    Kill,
    /// The step fails for this reason.
    Fail(String),
}

/// Why the reconciler does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Its actor ends; the next one goes on.
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "a real kill does not ask"))]
    Killed(String),
    /// The step failed.
    Failed(String),
}

/// The failpoints of one engine.
#[derive(Default)]
pub(crate) struct FailPoints {
    #[cfg(feature = "testing")]
    inner: std::sync::Mutex<Armed>,
}

#[cfg(feature = "testing")]
#[derive(Default)]
struct Armed {
    passed: Vec<String>,
    at: Option<(usize, FailAction)>,
}

impl FailPoints {
    /// The reconciler is at `point`.
    #[cfg(not(feature = "testing"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "there is something to do in tests only"
    )]
    pub(crate) fn pass(&self, _: impl FnOnce() -> String) -> Result<(), Halt> {
        Ok(())
    }

    /// The reconciler is at `point`.
    #[cfg(feature = "testing")]
    pub(crate) fn pass(&self, point: impl FnOnce() -> String) -> Result<(), Halt> {
        let mut armed = super::transaction::lock(&self.inner);
        let point = point();
        let number = armed.passed.len();
        armed.passed.push(point.clone());
        match armed.at.take_if(|(at, _)| *at == number) {
            None => Ok(()),
            Some((_, FailAction::Kill)) => Err(Halt::Killed(format!("killed on demand at: {point}"))),
            Some((_, FailAction::Fail(reason))) => Err(Halt::Failed(reason)),
        }
    }

    /// Forget what was passed, and do `action` at the `at`th place from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn arm(&self, at: Option<(usize, FailAction)>) {
        *super::transaction::lock(&self.inner) = Armed { passed: Vec::new(), at };
    }

    /// The places passed since then, in order.
    #[cfg(feature = "testing")]
    pub(crate) fn passed(&self) -> Vec<String> {
        super::transaction::lock(&self.inner).passed.clone()
    }
}
