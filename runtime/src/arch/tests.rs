use super::*;

#[test]
fn the_current_level_is_one_that_the_cpu_has() {
    assert!(CpuLevel::current() <= CpuLevel::highest());
    for (idx, level) in CpuLevel::ALL.into_iter().enumerate() {
        assert_eq!(level as usize, idx, "levels index tables");
    }
}
