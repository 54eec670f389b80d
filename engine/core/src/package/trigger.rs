//! Declarations of triggers: what starts runs of workflows.

use crate::id::TriggerName;
use std::str::FromStr;
use std::time::Duration;

/// A trigger that fires at times of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronDecl {
    /// Its name, unique in its tenant.
    pub name: TriggerName,
    /// When: a cron expression of five fields, or of six with seconds first.
    pub expression: String,
}

/// A trigger that is asked each interval whether it fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollDecl {
    /// Its name, unique in its tenant.
    pub name: TriggerName,
    /// How often it is asked.
    pub interval: Duration,
}

/// A schedule that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// It is no cron expression.
    #[error(
        "E0460: trigger {trigger}: \"{expression}\" is no cron expression: {reason}; write five fields, as \"0 6 * * MON\""
    )]
    Cron {
        /// The trigger.
        trigger: TriggerName,
        /// What was written.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It polls without a pause.
    #[error("E0461: trigger {trigger} has the interval zero; give it at least a millisecond")]
    NoInterval {
        /// The trigger.
        trigger: TriggerName,
    },
}

impl CronDecl {
    /// A trigger named `name` that fires as `expression` says.
    pub fn new(name: impl Into<TriggerName>, expression: impl Into<String>) -> Self {
        Self { name: name.into(), expression: expression.into() }
    }

    /// Check its expression.
    ///
    /// # Errors
    /// [`ScheduleError`], with what is wrong.
    pub fn check(&self) -> Result<(), ScheduleError> {
        match croner::Cron::from_str(&self.expression) {
            Ok(_) => Ok(()),
            Err(error) => Err(ScheduleError::Cron {
                trigger: self.name.clone(),
                expression: self.expression.clone(),
                reason: error.to_string(),
            }),
        }
    }
}

impl PollDecl {
    /// A trigger named `name` that is asked each `interval`.
    pub fn new(name: impl Into<TriggerName>, interval: Duration) -> Self {
        Self { name: name.into(), interval }
    }

    /// Check its interval.
    ///
    /// # Errors
    /// [`ScheduleError`], if there is none.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if self.interval < Duration::from_millis(1) {
            return Err(ScheduleError::NoInterval { trigger: self.name.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CronDecl, PollDecl};
    use std::time::Duration;

    #[test]
    fn schedules_that_cannot_be_kept_are_refused() {
        for expression in ["0 6 * * MON", "*/5 * * * *", "30 0 6 * * *"] {
            assert_eq!(CronDecl::new("t", expression).check(), Ok(()), "{expression}");
        }
        for expression in ["", "soon", "61 * * * *", "* * * *"] {
            let refused = CronDecl::new("t", expression).check().unwrap_err();
            assert!(refused.to_string().starts_with("E0460: trigger t: "), "{refused}");
        }
        assert!(PollDecl::new("t", Duration::ZERO).check().is_err());
        assert_eq!(PollDecl::new("t", Duration::from_secs(1)).check(), Ok(()));
    }
}
