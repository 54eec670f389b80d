//! How a command went, for the shell.

use std::process::ExitCode;

/// The exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// 0: done; a check found nothing to refuse.
    Done,
    /// 1: the system, or cargo, failed.
    Failed,
    /// 2: the command line was not understood.
    Usage,
    /// 3: what was named is not there.
    NotFound,
    /// 5: a package is refused, or a store that somebody else has open.
    Refused,
    /// 6: a store is damaged, so that no engine would open it, or not with every version that was loaded.
    Damaged,
    /// 7: a replay came to something else than was recorded.
    Different,
}

impl Exit {
    /// As a number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 5,
            Self::Damaged => 6,
            Self::Different => 7,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
