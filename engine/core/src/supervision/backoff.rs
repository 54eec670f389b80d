//! Delay before a restart: the first at once, then 100 ms doubling to 30 s, with 20 % jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(30);

/// Delays of one child. The jitter comes from a seed, so that a test sees the same delays again.
#[derive(Debug, Clone)]
pub struct Backoff {
    attempt: u32,
    state: u64,
}

impl Backoff {
    /// A backoff that has not begun.
    pub fn new(seed: u64) -> Self {
        Self { attempt: 0, state: seed | 1 }
    }

    /// The next delay.
    pub fn next_delay(&mut self) -> Duration {
        let attempt = self.attempt;
        self.attempt = self.attempt.saturating_add(1);
        if attempt == 0 {
            return Duration::ZERO;
        }
        let base = FIRST.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX)).min(LAST);
        base.mul_f64(0.8 + 0.4 * self.uniform())
    }

    /// It has been well for long enough: begin anew.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// Uniform in [0, 1): xorshift64* (Vigna, 2016).
    fn uniform(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        f64::from(u32::try_from(bits).unwrap_or(0)) / f64::from(1_u32 << 24)
    }
}
