//! Lineage, both ways.

use super::{cut_off, every_kind, start};
use acequia::lineage::{Branch, Lineage, LineageError, Node, Reach};
use acequia::store::Lsn;
use acequia::store::disk::SimulatedDisk;

const FAR: Reach = Reach { depth: 8, breadth: 10 };

fn accumulators(branch: &Branch) -> Vec<String> {
    let mut found: Vec<String> = branch.children.iter().flat_map(accumulators).collect();
    if let Node::Event { accumulator, .. } = &branch.node {
        found.push(accumulator.clone());
    }
    found
}

#[tokio::test(start_paused = true)]
async fn an_event_leads_to_what_came_of_it_and_that_leads_back() {
    let mut disk = SimulatedDisk::new(9);
    for life in 0..2_u64 {
        let engine = start(&disk, every_kind()).await;
        for event in 0..3 {
            engine.push("x", life * 10 + event).await;
            engine.push("y", life * 10 + event).await;
            engine.settle().await;
        }
        disk = cut_off(engine, &disk);
    }
    let lineage = Lineage::on(&disk.kill()).unwrap();
    let all = (1..200).filter_map(|lsn| lineage.at(Lsn(lsn)));
    let effects: Vec<Branch> = all.map(|subject| lineage.effects(subject, FAR)).collect();
    let of = |name: &str| {
        let is_of =
            |branch: &&Branch| matches!(&branch.node, Node::Event { accumulator, .. } if accumulator == name);
        effects.iter().filter(is_of).collect::<Vec<_>>()
    };

    let (pushed, fed) = (of("x"), of("fed"));

    assert_eq!((pushed.len(), fed.len()), (6, 6));
    // Each event leads through the turn of its reactor to what that fed, and to the turn that handled it.
    let texts: Vec<String> = pushed[0].children.iter().map(|turn| turn.node.to_string()).collect();
    assert!(texts[0].starts_with("turn of Latest"), "{texts:?}");
    assert!(
        pushed.iter().map(|branch| accumulators(branch)).filter(|led| led.contains(&"fed".into())).count()
            >= 3
    );
    for branch in fed {
        let Node::Event { id, .. } = branch.node else { unreachable!("it is one") };
        let causes = lineage.causes(lineage.find(id).unwrap(), FAR);
        let Node::Firing { id: firing, reactor, .. } = &causes.children[0].node else { panic!("{causes:?}") };
        assert_eq!(reactor, "Latest");
        let back = accumulators(&causes);
        assert!(back.contains(&"x".to_owned()) || back.contains(&"y".to_owned()), "{back:?}");
        // The firing by its own id, and what came of that alone.
        let of_firing = lineage.effects(lineage.find(*firing).unwrap(), FAR);
        assert_eq!(of_firing.children.len(), 1);
        assert_eq!(of_firing.children[0].node, branch.node);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_shown_is_counted_and_what_is_unknown_is_not_found() {
    let disk = SimulatedDisk::new(9);
    let engine = start(&disk, every_kind()).await;
    engine.push_all("batch", 1..=9_u64).await;
    engine.settle().await;
    let disk = cut_off(engine, &disk);
    let lineage = Lineage::on(&disk.kill()).unwrap();
    let is_wide = |subject| lineage.causes(subject, Reach { depth: 1, breadth: 2 }).n_more > 0;

    let wide = (1..100).filter_map(|lsn| lineage.at(Lsn(lsn))).find(|subject| is_wide(*subject)).unwrap();

    let branch = lineage.causes(wide, Reach { depth: 1, breadth: 2 });
    assert_eq!(branch.children.len(), 2);
    assert_eq!(lineage.causes(wide, FAR).children.len(), 2 + branch.n_more);
    assert!(lineage.causes(wide, Reach { depth: 0, breadth: 2 }).children.is_empty());
    assert_eq!((lineage.find(12), lineage.at(Lsn(9_999))), (None, None));
    let nothing = Lineage::on(&SimulatedDisk::new(1));
    assert!(matches!(nothing, Err(LineageError::NoJournal)));
}
