//! The Mersenne Twister as Python's `random.Random(seed)` runs it, for KSWIN to draw what river draws.
//!
//! M. Matsumoto, T. Nishimura: Mersenne Twister. ACM TOMACS 8(1), 1998, with `init_by_array` of 2002.

use serde::{Deserialize, Serialize};

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// The generator's state, 2.5 KB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mersenne {
    words: Vec<u32>,
    next: usize,
}

impl Mersenne {
    /// The generator of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let key: &[u32] = match (seed as u32, (seed >> 32) as u32) {
            (low, 0) => &[low],
            (low, high) => &[low, high],
        };
        let mut words = plain_words();
        let mut i = 1;
        for step in 0..WORDS.max(key.len()) {
            let mixed = (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_664_525);
            let j = step % key.len();
            words[i] = (words[i] ^ mixed)
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i = following(i, &mut words);
        }
        for _ in 1..WORDS {
            let mixed = (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            words[i] = (words[i] ^ mixed).wrapping_sub(i as u32);
            i = following(i, &mut words);
        }
        words[0] = 0x8000_0000;
        Self { words, next: WORDS }
    }

    /// A whole number below `n`, each as likely: as many high bits as `n` has, again until they are below it.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = n as u32;
        let unused = n.leading_zeros();
        loop {
            let drawn = self.word() >> unused;
            if drawn < n {
                return drawn as usize;
            }
        }
    }

    fn word(&mut self) -> u32 {
        if self.next >= self.words.len() {
            self.generate();
        }
        let mut y = self.words[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn generate(&mut self) {
        // State read back from somewhere may have any length.
        self.words.resize(WORDS, 0);
        for i in 0..WORDS {
            let y = (self.words[i] & 0x8000_0000) | (self.words[(i + 1) % WORDS] & 0x7fff_ffff);
            let odd = match y & 1 {
                0 => 0,
                _ => 0x9908_b0df,
            };
            self.words[i] = self.words[(i + SHIFT) % WORDS] ^ (y >> 1) ^ odd;
        }
        self.next = 0;
    }
}

/// The state of the generator's own seeding, which that by array begins with.
fn plain_words() -> Vec<u32> {
    let mut words = vec![19_650_218_u32];
    for i in 1..WORDS as u32 {
        let last = words[i as usize - 1];
        words.push(
            1_812_433_253_u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(i),
        );
    }
    words
}

/// The index behind `i`; around the end the last word is carried to the front.
fn following(i: usize, words: &mut [u32]) -> usize {
    if i + 1 < WORDS {
        return i + 1;
    }
    words[0] = words[WORDS - 1];
    1
}
