use super::{murmur2, partition_for_key};

#[test]
fn murmur2_equals_the_one_of_kafkas_clients() {
    // From Kafka's UtilsTest.testMurmur2.
    let published: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
    ];
    for (key, hash) in published {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
    }
}

#[test]
fn a_keys_partition_is_its_positive_hash_modulo_the_partitions() {
    // 479,470,107 = 47,947,010 · 10 + 7; -973,932,308 without its sign bit is 1,173,551,340.
    assert_eq!(partition_for_key(b"abc", 10), 7);
    assert_eq!(partition_for_key(b"21", 7), 1_173_551_340 % 7);
}
