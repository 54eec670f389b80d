//! Turns that say which firings their outputs come from.

use super::{Instant, SHORT, TOY, handle, over};
use crate::fault::FaultKind;
use crate::frames::Reader;
use crate::report::read_origins;
use std::sync::Arc;

#[test]
fn a_turn_says_where_its_outputs_come_from_if_the_library_can() {
    let graph = |table| handle(table).unwrap().init(Arc::new(Instant::default())).unwrap().graph(0).unwrap();
    let mut old = graph(&SHORT);
    assert!(!old.tells_origins());
    let fault = over(&[1, 2, 3], |turn| old.turn_with_origins(turn).err().unwrap());
    assert!(fault.message.contains("rebuild the package"), "{fault}");

    let mut new = graph(&TOY);
    assert!(new.tells_origins());
    let (reply, rest) = over(&[1, 2, 3], |turn| new.turn_with_origins(turn)).unwrap();
    let (mut reader, mut positions) = (Reader::new(reply), Vec::new());
    assert_eq!((reader.u64(), rest.is_none()), (Ok(6), true));
    read_origins(&mut reader, 2, 3, &mut |position| positions.push(position)).unwrap();
    assert_eq!((positions, reader.is_empty()), (vec![0, 2], true));
    let fault = over(&[6, 7], |turn| new.turn_with_origins(turn).err().unwrap());
    assert_eq!(fault.kind, FaultKind::Panic);
}
