//! The form of records: it comes back, damaged bytes are refused, and what the first release wrote is read.

use super::history::{Dice, step};
use acequia_core::Timestamp;
use acequia_core::catalog::{
    AuditEntry, Catalog, Change, Drain, Origin, Outcome, PinChange, PinKind, Record, Route, Standing,
};
use acequia_store::catalog::{DecodeError, EncodeError, decode, encode, is_of_catalog, kind};

#[test]
fn every_record_comes_back_under_a_kind_of_the_catalogs() {
    for seed in 0..40 {
        let (mut dice, mut catalog) = (Dice(seed), Catalog::default());
        for _ in 0..60 {
            let record = step(&mut dice, &mut catalog);
            assert_eq!(decode(&encode(&record).unwrap()).as_ref(), Ok(&record));
            assert!(is_of_catalog(kind(&record)));
        }
        assert_eq!(
            catalog.condensed().iter().map(|r| decode(&encode(r).unwrap()).unwrap()).collect::<Vec<_>>(),
            catalog.condensed()
        );
    }
}

/// A refusal, with both sides.
fn audit() -> AuditEntry {
    let standing = Standing {
        route: Some("v1".into()),
        versions: vec!["v1".into()],
        draining: vec!["v1".into()],
        quarantined: vec!["v0".into()],
    };
    AuditEntry {
        at: Timestamp::from_millis(1_700_000_000_000),
        by: "alice".into(),
        what: "load 3f9ac2".to_owned(),
        package: "pricing".into(),
        before: Standing::default(),
        after: standing,
        outcome: Outcome::Refused { reason: "E0605".to_owned() },
    }
}

/// A record with every change there is.
fn all() -> Record {
    let (package, version) = (|| "pricing".into(), || "3f9ac2".into());
    let pin = |kind| {
        Change::Pin(PinChange::Hold { package: package(), version: version(), kind, holder: "run 1".into() })
    };
    let loaded = |origin, label: Option<&str>| Change::Loaded {
        package: package(),
        version: version(),
        label: label.map(Into::into),
        manifest: label.map(Into::into),
        origin,
        at: Timestamp::from_millis(-1),
        order: 300,
    };
    let drain = Drain { since: Timestamp::from_millis(5), whole: true };
    let (from, to) = (PinKind::LiveRun, PinKind::ResumableRun);
    let changes = vec![
        loaded(Origin::Deployed, Some("1.0")),
        loaded(Origin::File, None),
        Change::Routed { package: package(), route: Route { to: version() } },
        Change::Unloaded { package: package(), versions: vec![version()] },
        Change::DrainBegun { package: package(), version: version(), drain },
        Change::DrainEnded { package: package(), version: version() },
        Change::Quarantined { package: package(), version: version(), reason: "é".into() },
        Change::Cleared { package: package(), version: version() },
        Change::Orphaned { package: package(), version: version(), left: vec!["a mapping".to_owned()] },
        Change::Reaped { package: package(), version: version() },
        pin(PinKind::LiveRun),
        pin(PinKind::ResumableRun),
        pin(PinKind::RecordedChild),
        pin(PinKind::Handoff),
        pin(PinKind::Reservation),
        Change::Pin(PinChange::Become {
            package: package(),
            version: version(),
            from,
            to,
            holder: "r".into(),
        }),
        Change::Pin(PinChange::Release {
            package: package(),
            version: version(),
            kind: to,
            holder: "r".into(),
        }),
    ];
    Record { audit: Some(audit()), changes }
}

/// What the first release wrote; what it reads must never change.
#[test]
fn the_record_of_the_first_release_is_read() {
    let fixture = include_bytes!("../fixtures/catalog-record-1");
    assert_eq!(decode(fixture), Ok(all()));
    assert_eq!(encode(&all()).unwrap(), fixture);
}

#[test]
fn what_cannot_be_kept_is_refused_on_both_sides() {
    let start = PinChange::Hold {
        package: "p".into(),
        version: "v".into(),
        kind: PinKind::Start,
        holder: "r".into(),
    };
    let refusal = encode(&Record::unaudited(vec![Change::Pin(start)])).unwrap_err();
    assert_eq!(refusal, EncodeError::StartPin { holder: "r".to_owned() });

    let routed = Change::Routed { package: "p".into(), route: Route { to: "v".into() } };
    let mut split = encode(&Record::unaudited(vec![routed])).unwrap();
    assert_eq!(split, [1, 0, 1, 1, 1, b'p', 1, b'v', 0]);
    // A tenth of the work goes to `w`, for everybody.
    split.truncate(8);
    split.extend([1, 1, b'w', 100, 0]);
    assert_eq!(decode(&split), Err(DecodeError::Newer { what: "a route that is split" }));
    assert_eq!(decode(&[]), Err(DecodeError::Empty));
    assert_eq!(decode(&[2, 0, 0]), Err(DecodeError::UnknownForm { form: 2 }));
    assert!(matches!(decode(&[1, 0, 0, 0]), Err(DecodeError::Malformed { .. })));
}

#[test]
fn damaged_bytes_are_an_error_or_a_record_and_never_a_panic() {
    let bytes = encode(&all()).unwrap();
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let mut n_refused = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        n_refused += usize::from(decode(&flipped).is_err());
    }
    assert!(n_refused > bytes.len(), "lengths, kinds and texts are checked");
}
