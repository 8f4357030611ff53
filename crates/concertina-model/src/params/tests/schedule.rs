//! Which checkpoints are kept.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Checkpoint, CheckpointSchedule};

fn kept(saves: &str, epochs: u64, updates: u64) -> String {
    let saves = with(&[&format!("saves_per_epoch={saves}")]).train.saves_per_epoch;
    let schedule = CheckpointSchedule::new(saves, epochs, updates);
    let kept: Vec<String> = schedule.iter().map(|checkpoint| checkpoint.to_string()).collect();
    kept.join(" ")
}

#[test]
fn known_schedules_keep_known_checkpoints() {
    assert_eq!(kept("1", 3, 80), "0_0 1_80 2_160 3_240");
    assert_eq!(kept("4", 2, 80), "0_0 0_20 0_40 0_60 1_80 1_100 1_120 1_140 2_160");
    assert_eq!(kept("3", 1, 80), "0_0 0_26 0_53 1_80");
    assert_eq!(kept("9", 2, 2), "0_0 0_1 1_2 1_3 2_4");
    assert_eq!(kept("1/2", 5, 80), "0_0 2_160 4_320 5_400");
    assert_eq!(kept("[2,0,0.5,0]", 4, 10), "0_0 0_5 1_10 4_40");
    assert_eq!(kept("[0,0.5]", 2, 10), "0_0 2_20");
    assert_eq!(kept("1", 0, 80), "0_0");
    assert_eq!(kept("1/1280", 51_200, 1).split(' ').count(), 41);
}

#[test]
fn checkpoints_are_read_as_they_are_printed_and_ordered_by_update() {
    let checkpoint: Checkpoint = "12_960".parse().expect("it is a checkpoint");
    assert_eq!(checkpoint, Checkpoint::new(12, 960));
    assert!(Checkpoint::new(0, 79) < Checkpoint::new(1, 80));
    for wrong in ["", "12", "12_", "_960", "012_960", "12_960_1", "+1_2", "a_b"] {
        wrong.parse::<Checkpoint>().expect_err(wrong);
    }
}

proptest! {
    #[test]
    fn a_schedule_increases_from_start_to_end_and_keeps_what_it_lists(
        params in arbitrary::params(), epochs in 0..50_u64, updates in 1..90_u64,
    ) {
        let schedule = CheckpointSchedule::new(params.train.saves_per_epoch, epochs, updates);
        let kept: Vec<Checkpoint> = schedule.iter().collect();
        prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(kept[0], Checkpoint::START);
        prop_assert_eq!(kept[kept.len() - 1], schedule.end());
        for update in 0..=epochs * updates {
            let checkpoint = Checkpoint::new(update / updates, update);
            prop_assert_eq!(schedule.keeps(checkpoint), kept.contains(&checkpoint));
        }
    }

    #[test]
    fn one_rate_means_the_same_as_a_list_that_repeats_it(times in 1..100_u64, every in 2..20_u64, epochs in 0..30_usize) {
        for rate in [SaveRate::PerEpoch(times), SaveRate::EveryEpochs(every)] {
            let same = CheckpointSchedule::new(SavesPerEpoch::Same(rate), epochs as u64, 80);
            let each = CheckpointSchedule::new(SavesPerEpoch::Each(vec![rate; epochs]), epochs as u64, 80);
            prop_assert!(same.iter().eq(each.iter()));
        }
    }
}
