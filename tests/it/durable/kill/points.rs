//! At every named point.

#![expect(clippy::print_stdout, reason = "what the long form says to who reads it")]

use super::{CHAIN, ELSEWHERE, End, Role, dice, run, setting};
use acequia::store::journal::CrashPoint;
use acequia_tests::Folder;
use std::collections::BTreeSet;

/// Numbers that each life pushes.
const EACH: u64 = 60;
/// Lives within which a point must be reached: checkpoints are written by those that come to their end, and
/// segments are trimmed behind the one before the last.
const LIVES: u32 = 8;

#[test]
fn a_kill_at_every_named_point_takes_nothing_that_was_acknowledged() {
    let folder = Folder::new().unwrap();
    let (mut until, mut reached) = (0, BTreeSet::new());
    for point in CrashPoint::ALL {
        for _ in 0..LIVES {
            until += EACH;
            if run(CHAIN, &folder.join(""), until, Some((point.as_str(), 0))) == End::Killed {
                reached.insert(*point);
                break;
            }
        }
    }
    until += EACH;
    assert_eq!(run(CHAIN, &folder.join(""), until, None), End::Finished, "the last life comes to its end");
    // The table of the code, and what was reached, are the same.
    assert_eq!(reached, CrashPoint::ALL.iter().copied().collect());
}

#[test]
fn kills_at_random_points_take_nothing_that_was_acknowledged() {
    let lives = setting("ACEQUIA_CRASHES").unwrap_or(6);
    let seed = setting("ACEQUIA_CRASHES_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("points: ACEQUIA_CRASHES={lives} ACEQUIA_CRASHES_SEED={seed}");
    for role in [CHAIN, ELSEWHERE] {
        kill_at_random_points(role, lives, seed);
    }
}

fn kill_at_random_points(role: Role, lives: u64, seed: u64) {
    let mut below = dice(seed);
    let folder = Folder::new().unwrap();
    let (mut until, mut killed, mut reached) = (0, 0, BTreeSet::new());
    for _ in 0..lives {
        until += EACH;
        let point = CrashPoint::ALL[below(CrashPoint::ALL.len() as u64) as usize];
        // Mostly early, for a life of few numbers comes by some points seldom.
        let within = [1, 2, 8, 60][below(4) as usize];
        let nth = below(within) as u32;
        if run(role, &folder.join(""), until, Some((point.as_str(), nth))) == End::Killed {
            killed += 1;
            reached.insert(point);
        }
    }
    assert_eq!(run(role, &folder.join(""), until + EACH, None), End::Finished);
    println!("points: {lives} lives, {killed} killed at {} points, nothing lost", reached.len());
}
