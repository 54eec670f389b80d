//! Columns of another form than a graph reads, each value converted once.

use super::InputWindow;
use crate::codec::CodecError;
use crate::column::AnyColumn;
use crate::fault::{Failure, guarded};
use crate::graph::{ABSENT, InputDecl, View};
use crate::id::FiringId;
use std::collections::VecDeque;

/// For each input of a graph a column of the type that the graph reads, beside the column that there is.
/// Values are kept between turns by their sequence numbers, and dropped as the window moves on.
pub struct Shadows {
    columns: Vec<Box<dyn AnyColumn>>,
    marks: Vec<Mark>,
    map: Vec<usize>,
    rows: Vec<u32>,
    first: FiringId,
    /// The first firing from which on one of its values is none of the type.
    bad: Vec<(usize, Failure)>,
}

/// Which values of an input its shadow holds.
#[derive(Default)]
struct Mark {
    epoch: Option<u64>,
    first: u64,
    next: u64,
    /// Sequence numbers of values that could not be converted: the shadow column has no place for them.
    bad: VecDeque<(u64, Failure)>,
    /// The column as it is, because its type is the one that the graph reads.
    is_borrowed: bool,
}

impl Shadows {
    /// Empty columns of the types that `inputs` name.
    pub fn new(inputs: &[InputDecl]) -> Self {
        Self {
            columns: inputs.iter().map(InputDecl::column).collect(),
            marks: inputs.iter().map(|_| Mark::default()).collect(),
            map: (0..inputs.len()).collect(),
            rows: Vec::new(),
            first: FiringId(0),
            bad: Vec::new(),
        }
    }

    /// Whether some column of `view` is not of the type that its input names.
    pub fn are_needed(inputs: &[InputDecl], view: &View<'_>) -> bool {
        (0..view.n_inputs()).any(|input| view.column(input).payload_type() != inputs[input].payload)
    }

    /// Follow the input `input`, whose window begins with number `first` and holds `n` values; `append`
    /// puts the value at a position of the window behind those of the shadow column.
    pub fn follow(
        &mut self,
        input: usize,
        (epoch, first, n): (u64, u64, usize),
        append: &mut dyn FnMut(usize, &mut dyn AnyColumn) -> Result<(), CodecError>,
    ) {
        let gone = self.arrive(input, epoch, first, n);
        let (mark, column) = (&mut self.marks[input], &mut self.columns[input]);
        column.drop_front(gone);
        mark.read_on(&mut **column, 0, n, &mut |column, _, from, done| {
            while from + *done < n {
                append(from + *done, column)?;
                *done += 1;
            }
            Ok(())
        });
    }

    /// Follow the input `input` over a window of encoded values.
    pub fn follow_encoded(&mut self, input: usize, window: &InputWindow<'_>) {
        let n = window.values.len();
        let gone = self.arrive(input, window.epoch, window.first, n);
        let (mark, column) = (&mut self.marks[input], &mut self.columns[input]);
        let retired = column.retire(gone);
        mark.read_on(&mut **column, retired, n, &mut |column, retired, from, done| {
            column.renew(retired, &window.values[from..], done)
        });
    }

    /// The window of `input` now begins with number `first` and holds `n` values: how many of the shadow
    /// column's first values lie in front of it.
    fn arrive(&mut self, input: usize, epoch: u64, first: u64, n: usize) -> usize {
        let (mark, column) = (&mut self.marks[input], &mut self.columns[input]);
        let end = first + n as u64;
        if mark.epoch != Some(epoch) || first < mark.first || first > mark.next || end < mark.next {
            *column = column.fresh();
            *mark = Mark { epoch: Some(epoch), first, next: first, ..Mark::default() };
        }
        let gone = (first - mark.first) as usize;
        let n_bad = mark.bad.iter().take_while(|(sequence, _)| *sequence < first).count();
        mark.bad.drain(..n_bad);
        mark.first = first;
        gone - n_bad
    }

    /// Take the firings `rows` over the windows that were followed, one index an input.
    pub fn take_rows(&mut self, rows: impl Iterator<Item = u32>, first: FiringId) {
        self.first = first;
        self.rows.clear();
        self.bad.clear();
        if self.marks.iter().all(|mark| mark.bad.is_empty()) {
            self.rows.extend(rows);
            return;
        }
        let stride = self.marks.len().max(1);
        for (at, index) in rows.enumerate() {
            let Some(mark) = self.marks.get(at % stride) else {
                self.rows.push(index);
                continue;
            };
            match mark.place(index) {
                Ok(place) => self.rows.push(place),
                Err(failure) => {
                    self.rows.push(ABSENT);
                    let firing = at / stride;
                    if self.bad.last().is_none_or(|(known, _)| *known != firing) {
                        self.bad.push((firing, failure.clone()));
                    }
                }
            }
        }
    }

    /// Follow every column of `view`, and take its firings.
    pub fn lie_over(&mut self, view: &View<'_>) {
        for input in 0..view.n_inputs() {
            let from = view.column(input);
            if from.payload_type() == self.columns[input].payload_type() {
                self.columns[input] = from.share();
                self.marks[input] = Mark { is_borrowed: true, ..Mark::default() };
            } else {
                let window = (from.epoch(), from.first(), from.len());
                self.follow(input, window, &mut |position, column| column.push_converted(from, position));
            }
        }
        let inputs = view.n_inputs();
        let index = |at: usize| match view.index(at / inputs, at % inputs) {
            Some(index) => u32::try_from(index).unwrap_or(ABSENT),
            None => ABSENT,
        };
        self.take_rows((0..view.len() * inputs).map(index), view.id(0));
    }

    /// Let go of the columns that are read as they are: who appends to a shared one copies it.
    pub fn release(&mut self) {
        for (mark, column) in self.marks.iter().zip(&mut self.columns) {
            if mark.is_borrowed {
                *column = column.fresh();
            }
        }
    }

    /// The firings over the shadow columns.
    pub fn view(&self) -> View<'_> {
        View::new(&self.columns, &self.map, &self.rows, self.first)
    }

    /// The first firing from `from` on that reads a value which is none of its type.
    pub fn next_bad(&self, from: usize) -> Option<(usize, &Failure)> {
        self.bad.iter().find(|(firing, _)| *firing >= from).map(|(firing, failure)| (*firing, failure))
    }
}

/// Puts the values from a position of the window on behind those of a column, in the room of so many of its
/// first ones, and counts them.
type ReadOn<'a> = dyn FnMut(&mut dyn AnyColumn, usize, usize, &mut usize) -> Result<(), CodecError> + 'a;

impl Mark {
    /// Read what the window of `n` values holds beyond what `column` has, whose first `retired` values have
    /// gone.
    fn read_on(&mut self, column: &mut dyn AnyColumn, retired: usize, n: usize, read: &mut ReadOn<'_>) {
        let end = self.first + n as u64;
        let mut retired = retired;
        while retired > 0 || self.next < end {
            let (sound, from) = (column.len() - retired, (self.next - self.first) as usize);
            let mut done = 0;
            let read = guarded(|| read(column, retired, from, &mut done).map_err(Failure::error));
            retired = 0;
            self.next += done as u64;
            // Reading a type runs its own code: what that does costs the value in hand, and no other.
            if let Err(failure) = read {
                column.truncate(sound + done);
                self.bad.push_back((self.next, Failure::undecodable(failure)));
                self.next += 1;
            }
        }
    }

    /// Where the value at `index` of the window lies in the shadow column.
    fn place(&self, index: u32) -> Result<u32, &Failure> {
        if index == ABSENT || self.bad.is_empty() {
            return Ok(index);
        }
        let sequence = self.first + u64::from(index);
        let before = self.bad.partition_point(|(bad, _)| *bad < sequence);
        match self.bad.get(before) {
            Some((bad, failure)) if *bad == sequence => Err(failure),
            _ => Ok(index - u32::try_from(before).unwrap_or(0)),
        }
    }
}
