//! The corpus, and deterministic mutations of it.

use std::path::{Path, PathBuf};

use concertina_hostile::Target;

/// The length of the longest input: the same as for the fuzzers, and longer than any file of the corpus.
const LONGEST: usize = 1 << 16;

/// Words, numbers and pieces of headers that readers know, or should know.
const WORDS: &[&[u8]] = &[
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"1000000000",
    b"4294967295",
    b"99999999999999999999999999999999999999999",
    b"0..18446744073709551615",
    b"seed=0..100000",
    b"0..100000,",
    b"1e308",
    b"1e-320",
    b"5e-324",
    b"-0.0",
    b"nan",
    b"inf",
    b"-inf",
    b"1e999",
    b"0x7fffffffffffffff",
    b"1_0",
    b"[",
    b"]",
    b"{",
    b"}",
    b"[[",
    b"{\"a\":",
    b"(",
    b")",
    b"\"",
    b"'",
    b"'''",
    b"\"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b",",
    b",,",
    b"=",
    b"..",
    b"..=",
    b"../..",
    b"null",
    b"true",
    b"none",
    b"[sweep]\n",
    b"[task]\n",
    b"[network]\n",
    b"[train]\n",
    b"gain",
    b"units",
    b"epochs",
    b"saves_per_epoch",
    b"milestones",
    b"__metadata__",
    b"data_offsets",
    b"shape",
    b"F32",
    b"all/",
    b"PAR1",
    b"concertina.blake3",
    b"concertina store 2",
    b"# blake3 ",
    b"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.",
    b"not not not ",
];

/// The folder of all corpora.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// The corpus of a target, in the order of names.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let Ok(listing) = std::fs::read_dir(folder().join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = listing.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus")).collect()
}

/// Calls a target. An input on which it fails is kept for inspection.
pub(crate) fn run(name: &str, target: Target, input: &[u8]) {
    let borne = std::panic::catch_unwind(|| target(input));
    if borne.is_err() {
        let path = std::env::temp_dir().join(format!("concertina-hostile-{name}.crash"));
        std::fs::write(&path, input).expect("a file in the folder for temporary files");
        panic!("{name} fails on {}", path.display());
    }
}

/// Mutated inputs, the same in every run.
pub(crate) struct Mutations<'a> {
    corpus: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutations<'a> {
    pub(crate) fn new(name: &str, corpus: &'a [Vec<u8>]) -> Self {
        let state = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
        });
        Self { corpus, state }
    }

    /// Splitmix64.
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// An input of the corpus with one to eight changes.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let corpus = self.corpus;
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(8) {
            let place = self.below(input.len() + 1);
            let end = (place + 1 + self.below(32)).min(input.len());
            match self.below(9) {
                0 if place < input.len() => input[place] ^= 1 << self.below(8),
                1 if place < input.len() => input[place] = self.number() as u8,
                2 => input.truncate(place),
                3 if place < end => drop(input.drain(place..end)),
                4 if place < end => {
                    let piece = input[place..end].to_vec();
                    for _ in 0..=self.below(64) {
                        input.splice(place..place, piece.iter().copied());
                    }
                }
                5 => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    input.truncate(place);
                    input.extend_from_slice(&other[from..]);
                }
                6 => {
                    // A number in a header: any number, or one with all its high bits set.
                    let size = 1 << self.below(4);
                    let number = self.number() >> self.below(64);
                    let number = if self.below(2) == 0 { number } else { u64::MAX << self.below(64) };
                    let there = (place + size).min(input.len());
                    input.splice(place..there, number.to_le_bytes()[..size].iter().copied());
                }
                7 => {
                    let word = WORDS[self.below(WORDS.len())];
                    let times = if self.below(8) == 0 { 1 + self.below(400) } else { 1 };
                    for _ in 0..times {
                        input.splice(place..place, word.iter().copied());
                    }
                }
                _ => {
                    let digits = input[place..].iter().position(u8::is_ascii_digit).map(|at| at + place);
                    if let Some(start) = digits {
                        let more = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                        let word = WORDS[self.below(10)];
                        input.splice(start..start + more, word.iter().copied());
                    }
                }
            }
            input.truncate(LONGEST);
        }
        input
    }
}
