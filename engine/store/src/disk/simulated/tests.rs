use super::*;

fn write(file: &Arc<dyn DiskFile>, offset: u64, bytes: &[u8]) {
    file.write_at(offset, &[IoSlice::new(bytes)]).unwrap();
}

#[test]
fn what_was_synced_survives_and_nothing_else_must() {
    let disk = SimulatedDisk::new(1);
    let file = disk.create("a", 4).unwrap();
    write(&file, 0, b"kept");
    file.sync_data().unwrap();
    disk.sync_directory().unwrap();
    write(&file, 2, b"lost");
    disk.create("b", 0).unwrap();

    let found = disk.copy().power_cut(Cut::Nothing);

    assert_eq!((found.contents("a"), found.contents("b")), (Some(b"kept".to_vec()), None));
    let found = disk.power_cut(Cut::Everything);
    assert_eq!((found.contents("a"), found.contents("b")), (Some(b"kelost".to_vec()), Some(Vec::new())));
    assert!(file.n_bytes().is_err());
}

#[test]
fn contents_without_a_synced_name_are_lost() {
    let disk = SimulatedDisk::new(1);
    let file = disk.create("a", 4).unwrap();
    file.sync_data().unwrap();
    assert_eq!(disk.power_cut(Cut::Nothing).contents("a"), None);
}

#[test]
fn a_failed_sync_drops_what_it_should_have_written_and_a_second_one_lies() {
    let disk = SimulatedDisk::new(1);
    let file = disk.create("a", 4).unwrap();
    file.sync_data().unwrap();
    disk.sync_directory().unwrap();
    write(&file, 0, b"gone");
    disk.fail_call(0, io::ErrorKind::Other);

    assert!(file.sync_data().is_err());
    assert!(file.sync_data().is_ok());

    assert_eq!(disk.contents("a"), Some(b"gone".to_vec()));
    assert_eq!(disk.power_cut(Cut::Everything).contents("a"), Some(vec![0; 4]));
}

#[test]
fn a_torn_write_leaves_each_sector_new_or_old_and_sometimes_a_part_of_one() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let disk = SimulatedDisk::new(seed);
        let file = disk.create("a", 2048).unwrap();
        file.sync_data().unwrap();
        disk.sync_directory().unwrap();
        write(&file, 100, &[1; 1500]);
        let found = disk.power_cut(Cut::Torn).contents("a").unwrap();
        assert!(found[..100].iter().chain(&found[1600..]).all(|byte| *byte == 0));
        kinds.insert((found[100], found[700], found[1100], found[1599]));
    }
    // All, none, a beginning, and an end without a beginning.
    for kind in [(1, 1, 1, 1), (0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 1)] {
        assert!(kinds.contains(&kind), "{kind:?} not in {kinds:?}");
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    disk.set_capacity(100);
    let file = disk.create("a", 60).unwrap();
    assert_eq!(disk.create("b", 60).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.write_at(90, &[IoSlice::new(&[1; 20])]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.free_bytes().unwrap(), 40);
    disk.remove("a").unwrap();
    assert!(disk.create("b", 60).is_ok());
}

#[test]
fn the_power_goes_at_the_call_that_was_chosen_and_takes_the_lock_with_it() {
    let disk = SimulatedDisk::new(1);
    let _lock = disk.lock().unwrap();
    assert!(matches!(disk.lock(), Err(LockError::Held { .. })));
    disk.power_off_at(1);
    assert!(disk.list().is_ok() && disk.list().is_err() && disk.is_off());
    assert!(disk.power_cut(Cut::Nothing).lock().is_ok());
}
