//! Tells the shape of a type by answering its `Deserialize`, pass after pass, until every variant and
//! every inner type has been seen.

mod tracer;

use super::shape::Shape;
use super::survives_compactly;
use crate::fault::guarded;
use serde::Serialize;
use serde::de::{self, DeserializeOwned};
use std::fmt;
use tracer::Tracer;

/// What tracing found.
pub(super) enum Traced {
    /// The shape, and whether the compact form serves it.
    Shape { shape: Shape, compact: bool },
    /// The type keeps its shape to itself.
    Opaque,
}

/// Places in a shape beyond which a type counts as opaque.
const MOST_PLACES: usize = 2048;
/// How deep a type may lie in itself before it counts as recursive.
const SAME_TYPE_DEPTH: usize = 3;
/// How deep any type is followed: beyond it, it counts as recursive.
const DEPTH: usize = 64;

/// Trace `T`.
pub(super) fn trace<T: Serialize + DeserializeOwned>() -> Traced {
    let mut shape = Shape::Unknown;
    let mut cx = Context::default();
    let mut survives = true;
    let mut built = false;
    // A shape may be complete and yet never have been built whole, where the last pass was refused.
    while !(built && shape.is_complete()) {
        let before = cx.progress;
        cx.begin_pass();
        // It runs the type's own code, which may panic as well as refuse.
        let pass = guarded(|| {
            let value = T::deserialize(Tracer { shape: &mut shape, cx: &mut cx });
            // A type whose two halves disagree is told by its samples.
            Ok(value.map(|value| survives = survives && survives_compactly(&value)))
        });
        let Ok(pass) = pass else { return Traced::Opaque };
        built = pass.is_ok();
        if pass.is_err() && !cx.is_cut {
            cx.try_other_sample();
        }
        let done = built && shape.is_complete();
        if cx.samples.len() > MOST_PLACES || (cx.progress == before && !done) {
            return Traced::Opaque;
        }
    }
    Traced::Shape { compact: survives && shape.is_compact(), shape }
}

#[derive(Default)]
struct Context {
    /// Grows with everything that is found, so that a pass that finds nothing is the last.
    progress: usize,
    /// The pass in hand ended because the type goes on for ever there.
    is_cut: bool,
    /// Named containers that the place in hand lies in, with their first field or variant.
    within: Vec<(&'static str, Option<&'static str>)>,
    depth: usize,
    /// Which sample each plain place is given: types that check what they are given accept one of a few.
    samples: Vec<usize>,
    /// The plain place met last in this pass, and how many samples there are for it.
    last: Option<(usize, usize)>,
}

impl Context {
    fn begin_pass(&mut self) {
        self.is_cut = false;
        self.within.clear();
        self.depth = 0;
        self.last = None;
    }

    /// The plain place that `shape` is, and the sample that it gets, out of `n`.
    fn sample(&mut self, shape: &mut Shape, kind: &'static str, n: usize) -> Result<usize, Refusal> {
        if *shape == Shape::Unknown {
            *shape = Shape::Plain(kind, self.samples.len());
            self.samples.push(0);
            self.progress += 1;
        }
        match shape {
            Shape::Plain(known, place) if *known == kind => {
                self.last = Some((*place, n));
                Ok(self.samples[*place])
            }
            _ => Err(Refusal("the type asks for another kind each time".to_owned())),
        }
    }

    /// The place met last refused its sample: it gets another one next time, if there is one.
    fn try_other_sample(&mut self) {
        if let Some((place, n)) = self.last
            && self.samples[place] + 1 < n
        {
            self.samples[place] += 1;
            self.progress += 1;
        }
    }

    /// Enter a container; none may lie in itself too often.
    fn enter(
        &mut self,
        shape: &mut Shape,
        name: &'static str,
        first: Option<&'static str>,
    ) -> Result<(), Refusal> {
        let same = self.within.iter().filter(|known| **known == (name, first)).count();
        if same >= SAME_TYPE_DEPTH {
            return Err(self.cut(shape));
        }
        self.within.push((name, first));
        Ok(())
    }

    /// Follow the type no further here: the next pass goes another way.
    fn cut(&mut self, shape: &mut Shape) -> Refusal {
        if *shape != Shape::Recursive {
            *shape = Shape::Recursive;
            self.progress += 1;
        }
        self.is_cut = true;
        Refusal("the type goes on for ever".to_owned())
    }

    fn leave(&mut self) {
        self.within.pop();
    }
}

/// Why a pass ended; the text is for nobody.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
