//! What an accumulator's types must be able to do: the compiler's own errors, in the right place.

#![allow(unused)]

use acequia_sdk::passthrough_accumulator;

pub struct Silent;

#[passthrough_accumulator]
pub fn error_without_text(value: &u64) -> Result<u64, Silent> {
    Err(Silent)
}

fn main() {}
