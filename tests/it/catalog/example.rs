//! The example `deploys`, against a plain loop.

use acequia_examples::{deploys, market, pricing, slices};
use acequia_tests::Folder;

#[tokio::test]
async fn two_versions_serve_in_turn_and_every_refusal_is_told() {
    let mut days = market::read(&slices::sp500()).unwrap();
    days.truncate(400);
    let built = || (pricing::built().unwrap(), pricing::built_in_percent().unwrap());
    let (packages, percent) = tokio::task::spawn_blocking(built).await.unwrap();
    let home = Folder::new().unwrap();

    let walked = deploys::run(&packages, &percent, &days, &home.join("")).await.unwrap();

    assert_eq!(walked.signals, deploys::expected(&days));
    let refused: Vec<&str> =
        walked.steps.iter().filter(|step| step.came.starts_with("refused")).map(|step| &*step.step).collect();
    assert_eq!(refused, ["the same again", "unload the next version", "unload the next version"]);
    let listed: Vec<&str> =
        walked.steps.iter().filter(|step| step.step == "listed").map(|step| &*step.came).collect();
    assert_eq!(listed[..3], listed[3..6], "after the restart it is as before");
    assert_eq!(listed.len(), 8, "and one has gone");
}
