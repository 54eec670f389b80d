//! Stream: fed by a source, with an offset and state of the author's own.

use acequia::testing::script;
use acequia::{AccumulatorDecl, AccumulatorDef, SourceDecl, SourceOut, Strategy, stream_accumulator};
use acequia_tests::{single, started};

fn countdown() -> SourceDecl {
    SourceDecl::run(|out: SourceOut<u64>| async move {
        for n in (0..4).rev() {
            out.push(n).await?;
        }
        Ok(())
    })
}

#[stream_accumulator(source = countdown, state = u64)]
fn total(sum: &mut u64, value: &u64) -> u64 {
    *sum += value;
    *sum
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_fed_by_its_source_and_by_pushes() {
    let (engine, probe) = started::<u64>(single::<u64>(total::decl(), Strategy::Sequential)).await;
    assert_eq!(probe.expect(4).await, [3, 5, 6, 6]);

    engine.push("total", 10_u64).await;

    assert_eq!(probe.expect(1).await, [16]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_restarts_resumes_behind_the_last_offset_and_nothing_comes_twice() {
    let feed = script::<u64>();
    feed.fail("never connected").emit(10).emit(11).fail("reset").emit(12).panic("boom").emit(13).end();
    let accumulator = AccumulatorDecl::passthrough::<u64>("n").source(feed.source());
    let (engine, probe) = started::<u64>(single::<u64>(accumulator, Strategy::Sequential)).await;

    assert_eq!(probe.expect(4).await, [10, 11, 12, 13]);
    assert_eq!(feed.resumed_after(), [None, None, Some(1), Some(2)]);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[stream_accumulator(state = Vec<u64>, attempts = 2)]
fn spoiling(seen: &mut Vec<u64>, value: &u64) -> Result<Vec<u64>, String> {
    seen.push(*value);
    match value {
        13 => panic!("after the state was changed"),
        14 => Err("after the state was changed".to_owned()),
        _ => Ok(seen.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_or_an_error_the_state_is_what_it_was_before_the_event() {
    let package = single::<Vec<u64>>(spoiling::decl(), Strategy::Sequential);
    let (engine, probe) = started::<Vec<u64>>(package).await;

    engine.push_all("spoiling", [1_u64, 13, 2, 14, 3]).await;

    assert_eq!(probe.expect(3).await, [vec![1], vec![1, 2], vec![1, 2, 3]]);
    engine.settle().await;
    assert_eq!(engine.dead_letters().len(), 2);
    engine.assert_settled().await;
    engine.assert_ledger().await;
}

#[tokio::test(start_paused = true)]
async fn the_state_is_restored_from_far_back_too() {
    let package = single::<Vec<u64>>(spoiling::decl(), Strategy::Sequential);
    let (engine, probe) = started::<Vec<u64>>(package).await;

    engine.push_all("spoiling", 100..800_u64).await;
    engine.push_all("spoiling", [13_u64, 5]).await;

    let last = probe.expect(701).await.pop().unwrap();
    assert_eq!(last, (100..800).chain([5]).collect::<Vec<_>>());
    engine.assert_ledger().await;
}
