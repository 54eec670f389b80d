//! Dead letters as they lie on disk. Values keep their schema's hash, and are bytes when they come back: whoever
//! replays one reads it, if it is of the type that is wanted there.

use crate::column::{AnyColumn, Column};
use crate::fault::{Failure, FailureKind};
use crate::id::{FiringId, ItemId};
use crate::ledger::Dropped;
use crate::letter::{DeadLetter, Letter, Place};
use crate::payload::{Encoded, PayloadType, WireType};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A dead letter that cannot be written down, or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "E0186: a dead letter cannot be kept on disk: {why}; it stays in memory until it is replayed or discarded"
)]
pub struct FiledError {
    /// What is wrong with it.
    pub why: String,
}

/// A dead letter that was read from disk.
pub struct Filed {
    /// Its number.
    pub number: u64,
    /// The item as JSON, as it was told when it was given up.
    pub json: serde_json::Value,
    /// Itself.
    pub letter: DeadLetter,
}

#[derive(Serialize, Deserialize)]
struct Card {
    number: u64,
    place: PlaceCard,
    item: u64,
    why: u8,
    failure: Option<(u8, String)>,
    attempts: u32,
    at: i64,
    json: String,
    letter: LetterCard,
}

#[derive(Serialize, Deserialize)]
enum PlaceCard {
    Accumulator(String),
    Share(String, String),
    Reactor(String),
    Graph(String),
    Sink(String, String, u64),
}

#[derive(Serialize, Deserialize)]
enum LetterCard {
    Event(Value),
    Inputs(u64, Vec<Option<Value>>),
    Output(Value),
    Bytes(Vec<u8>),
    Consumed,
}

/// A value with its type.
#[derive(Serialize, Deserialize)]
struct Value {
    hash: [u8; 16],
    name: String,
    schema: String,
    bytes: Vec<u8>,
}

/// What happened, in the order of their codes.
const KINDS: [FailureKind; 4] =
    [FailureKind::Error, FailureKind::Panic, FailureKind::TimedOut, FailureKind::Undecodable];

fn wrong(why: impl std::fmt::Display) -> FiledError {
    FiledError { why: why.to_string() }
}

impl Value {
    fn of(column: &dyn AnyColumn) -> Result<Self, FiledError> {
        let wire = column.payload_type().to_wire().ok_or_else(|| wrong("its type is not known"))?;
        let mut bytes = Vec::new();
        crate::fault::guarded(|| column.encode(0, &mut bytes).map_err(Failure::error)).map_err(wrong)?;
        let (name, schema) = (wire.name().to_owned(), wire.text().to_owned());
        Ok(Self { hash: wire.hash().0, name, schema, bytes })
    }

    fn column(self) -> Box<dyn AnyColumn> {
        let wire = WireType::intern(crate::codec::SchemaHash(self.hash), &self.name, &self.schema);
        Box::new(Column::of(Encoded::new(self.bytes, wire)))
    }
}

impl PlaceCard {
    fn of(place: &Place) -> Self {
        match place {
            Place::Accumulator(name) => Self::Accumulator(name.to_string()),
            Place::Share { accumulator, reactor } => {
                Self::Share(accumulator.to_string(), reactor.to_string())
            }
            Place::Reactor(name) => Self::Reactor(name.to_string()),
            Place::Graph(name) => Self::Graph(name.to_string()),
            Place::Sink { graph, terminal, sink } => {
                Self::Sink(graph.to_string(), terminal.to_string(), *sink as u64)
            }
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Accumulator(name) => Place::Accumulator(name.into()),
            Self::Share(accumulator, reactor) => {
                Place::Share { accumulator: accumulator.into(), reactor: reactor.into() }
            }
            Self::Reactor(name) => Place::Reactor(name.into()),
            Self::Graph(name) => Place::Graph(name.into()),
            Self::Sink(graph, terminal, sink) => Place::Sink {
                graph: graph.into(),
                terminal: terminal.into(),
                sink: usize::try_from(sink).unwrap_or(usize::MAX),
            },
        }
    }
}

/// The bytes of `letter`, with its number.
///
/// # Errors
/// [`FiledError`] if its value has no encoded form.
pub fn encode_letter(number: u64, letter: &DeadLetter) -> Result<Vec<u8>, FiledError> {
    let value = |column: &dyn AnyColumn| Value::of(column);
    let card = match &letter.letter {
        Letter::Event(column) => LetterCard::Event(value(&**column)?),
        Letter::Output(column) => LetterCard::Output(value(&**column)?),
        Letter::Inputs { firing, columns } => {
            let input = |column: &dyn AnyColumn| {
                if column.is_empty() { Ok(None) } else { value(column).map(Some) }
            };
            let values = columns.iter().map(|column| input(&**column)).collect::<Result<_, _>>();
            LetterCard::Inputs(firing.0, values?)
        }
        Letter::Bytes(bytes) => LetterCard::Bytes(bytes.clone()),
        Letter::Consumed => LetterCard::Consumed,
    };
    let code = |kind| KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u8;
    let card = Card {
        number,
        place: PlaceCard::of(&letter.place),
        item: letter.item.0,
        why: letter.why as u8,
        failure: letter.failure.as_ref().map(|failure| (code(failure.kind), failure.message.clone())),
        attempts: letter.attempts,
        at: letter.at.as_nanos(),
        json: letter.letter.to_json().to_string(),
        letter: card,
    };
    postcard::to_allocvec(&card).map_err(wrong)
}

/// Read what [`encode_letter`] wrote.
///
/// # Errors
/// [`FiledError`] if the bytes are none of it.
pub fn decode_letter(bytes: &[u8]) -> Result<Filed, FiledError> {
    let card: Card = postcard::from_bytes(bytes).map_err(wrong)?;
    let letter = match card.letter {
        LetterCard::Event(value) => Letter::Event(value.column()),
        LetterCard::Output(value) => Letter::Output(value.column()),
        LetterCard::Inputs(firing, values) => {
            let absent = || Box::new(Column::<Encoded>::of_type(PayloadType::of::<Encoded>())) as Box<_>;
            let columns = values.into_iter().map(|value| value.map_or_else(absent, Value::column));
            Letter::Inputs { firing: FiringId(firing), columns: columns.collect() }
        }
        LetterCard::Bytes(bytes) => Letter::Bytes(bytes),
        LetterCard::Consumed => Letter::Consumed,
    };
    let failure = |(kind, message): (u8, String)| Failure {
        kind: KINDS.get(usize::from(kind)).copied().unwrap_or(FailureKind::Error),
        node: None,
        message,
    };
    let why = Dropped::ALL.get(usize::from(card.why)).copied();
    let letter = DeadLetter {
        place: card.place.place(),
        item: ItemId(card.item),
        why: why.ok_or_else(|| wrong("its reason is not known"))?,
        failure: card.failure.map(failure),
        attempts: card.attempts,
        at: Timestamp::from_nanos(card.at),
        letter,
    };
    Ok(Filed { number: card.number, json: serde_json::from_str(&card.json).unwrap_or_default(), letter })
}

#[cfg(test)]
mod tests {
    use super::{decode_letter, encode_letter};
    use crate::column::{AnyColumn, Column};
    use crate::fault::Failure;
    use crate::id::{FiringId, ItemId};
    use crate::ledger::Dropped;
    use crate::letter::{DeadLetter, Letter, Place};
    use crate::time::Timestamp;

    fn letter(place: Place, why: Dropped, letter: Letter) -> DeadLetter {
        let failure = Some(Failure::error("said no"));
        DeadLetter {
            place,
            item: ItemId(7),
            why,
            failure,
            attempts: 3,
            at: Timestamp::from_nanos(-9),
            letter,
        }
    }

    #[test]
    fn letters_come_back_as_they_were_told_and_their_values_can_be_read_again() {
        let places = [
            Place::Accumulator("a".into()),
            Place::Share { accumulator: "a".into(), reactor: "r".into() },
            Place::Reactor("r".into()),
            Place::Graph("g".into()),
            Place::Sink { graph: "g".into(), terminal: "t".into(), sink: 2 },
        ];
        for (place, why) in places.into_iter().zip(Dropped::ALL) {
            let event = || Box::new(Column::of(41_u64)) as Box<dyn AnyColumn>;
            let absent = Box::new(Column::<u64>::default()) as Box<dyn AnyColumn>;
            let letters = [
                Letter::Event(event()),
                Letter::Output(event()),
                Letter::Inputs { firing: FiringId(5), columns: vec![event(), absent] },
                Letter::Bytes(b"{".to_vec()),
                Letter::Consumed,
            ];
            for kept in letters {
                let kept = letter(place.clone(), why, kept);
                let read = decode_letter(&encode_letter(12, &kept).unwrap()).unwrap();
                assert_eq!((read.number, &read.json), (12, &kept.letter.to_json()));
                assert_eq!((&read.letter.place, read.letter.why), (&kept.place, why));
                assert_eq!((read.letter.item, read.letter.at), (kept.item, kept.at));
                assert_eq!(read.letter.failure, kept.failure);
                if let Letter::Event(column) = &read.letter.letter {
                    let mut own = Column::<u64>::default();
                    (&mut own as &mut dyn AnyColumn).push_converted(&**column, 0).unwrap();
                    assert_eq!(own.as_slice(), [41]);
                }
            }
        }
        let bytes =
            encode_letter(1, &letter(Place::Graph("g".into()), Dropped::Late, Letter::Consumed)).unwrap();
        assert!(decode_letter(&bytes[..bytes.len() / 2]).is_err());
    }
}
