//! Random streams: frozen numbers, distributions, and independence.
//!
//! The statistical tests have fixed seeds, so they pass always or never. Unless a test says otherwise, their
//! limits correspond to one false alarm in 10⁶ for a randomly drawn seed.

use concertina_numerics::kernels::{Level, with_level};
use concertina_numerics::random::{Purpose, Stream};
use proptest::prelude::*;

const TEST: Purpose = Purpose::new("test");

/// Number of standard deviations that a normal quantity exceeds once in 10⁶, on either side.
const SIGMAS: f64 = 4.9;

fn stream(seed: u64) -> Stream {
    Stream::new(seed, TEST, 0)
}

fn normals(seed: u64, count: usize) -> Vec<f32> {
    let mut values = vec![0.0; count];
    stream(seed).fill_normal(&mut values);
    values
}

#[test]
fn the_numbers_of_a_key_are_frozen() {
    let mut stream = Stream::new(0x0123_4567_89ab_cdef, Purpose::new("frozen"), 7);
    let mut floats = [0.0; 3];
    let mut block = [0.0; 64];
    assert_eq!(stream.uniform().to_bits(), FROZEN_UNIFORM);
    assert_eq!([0; 4].map(|_| stream.below(1000)), FROZEN_BELOW);
    assert_eq!([0; 3].map(|_| stream.normal().to_bits()), FROZEN_NORMAL);
    stream.fill_uniform(&mut floats);
    assert_eq!(floats.map(f32::to_bits), FROZEN_UNIFORMS);
    stream.fill_normal(&mut block);
    assert_eq!([block[0], block[1], block[31], block[32], block[63]].map(f32::to_bits), FROZEN_NORMALS);
    assert_eq!(stream.choose(100, 4), FROZEN_CHOICE);
}

const FROZEN_UNIFORM: u64 = 0x3fe4_378e_0f3f_bace;
const FROZEN_BELOW: [u32; 4] = [956, 396, 535, 402];
const FROZEN_NORMAL: [u64; 3] = [0x3fb7_8893_12c9_4165, 0xbfc1_3b7f_38ed_2423, 0xbff0_2192_f834_e81c];
const FROZEN_UNIFORMS: [u32; 3] = [0x3e95_5bf8, 0x3e1e_24a8, 0x3f13_9b07];
const FROZEN_NORMALS: [u32; 5] = [0x3e39_36a1, 0xbf93_e982, 0x3ffa_69c6, 0x3f2b_9624, 0x3e5a_2d4a];
const FROZEN_CHOICE: [usize; 4] = [32, 43, 54, 80];

#[test]
fn normal_numbers_have_the_same_bits_on_every_level() {
    let expected = with_level(Level::PORTABLE, || normals(1, 100_000));
    for level in Level::available() {
        let found = with_level(level, || normals(1, 100_000));
        assert!(found.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits()), "{level}");
    }
}

/// The words of a stream, obtained through `below`, which takes the upper half of a product.
fn words(stream: &mut Stream, count: usize) -> Vec<u32> {
    (0..count).map(|_| stream.below(1 << 31) << 1).collect()
}

#[test]
fn normal_numbers_are_the_box_muller_transform_of_their_words() {
    let (words, numbers) = (words(&mut stream(3), 64 * 1000), normals(3, 64 * 1000));
    for (words, numbers) in words.chunks(64).zip(numbers.chunks(64)) {
        for i in 0..32 {
            // the lowest bit of a word is unknown: its middle is taken
            let u = (f64::from(words[i]) + 1.0) / 4_294_967_296.0;
            let angle = (f64::from(words[32 + i]) + 0.5) / 4_294_967_296.0 * std::f64::consts::TAU;
            let radius = (-2.0 * u.ln()).sqrt();
            // single precision near one: the square of the radius is a multiple of 2^-23
            let tolerance = 1e-6 + 1.2e-7 / radius.max(3e-4) + 1e-9 / u.min(1.0) / radius.max(3e-4);
            assert!((f64::from(numbers[i]) - radius * angle.cos()).abs() < tolerance, "{} {u}", numbers[i]);
            assert!(
                (f64::from(numbers[32 + i]) - radius * angle.sin()).abs() < tolerance,
                "{} {u}",
                numbers[32 + i]
            );
        }
    }
}

fn check_moments(name: &str, values: impl Iterator<Item = f64>) {
    let mut sums = [0.0; 4];
    let mut count = 0.0;
    for x in values {
        count += 1.0;
        for (power, sum) in sums.iter_mut().enumerate() {
            *sum += x.powi(power as i32 + 1);
        }
    }
    // expectation and variance of the first powers of a normal number
    for (power, (expected, variance)) in
        [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)].into_iter().enumerate()
    {
        let (mean, error) = (sums[power] / count, f64::sqrt(variance / count));
        assert!((mean - expected).abs() < SIGMAS * error, "{name}: moment {} is {mean}", power + 1);
    }
}

#[test]
fn moments_are_those_of_the_normal_distribution() {
    check_moments("fill_normal", normals(4, 4_000_000).into_iter().map(f64::from));
    let mut stream = stream(5);
    check_moments("normal", (0..1_000_000).map(|_| stream.normal()));
}

/// Largest distance between the empirical and the normal distribution, times the square root of the count.
fn kolmogorov_smirnov(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let distance = values.iter().enumerate().fold(0.0_f64, |worst, (i, x)| {
        let law = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        worst.max((law - i as f64 / count).abs()).max(((i + 1) as f64 / count - law).abs())
    });
    distance * count.sqrt()
}

#[test]
fn the_distribution_is_the_normal_one() {
    // 2 exp(-2 x²) = 10⁻⁶
    let limit = 2.69;
    let values: Vec<f64> = normals(6, 2_000_000).into_iter().map(f64::from).collect();
    // cosines and sines separately, too
    let halves = |first: bool| {
        let part = move |chunk: &[f64]| if first { chunk[..32].to_vec() } else { chunk[32..].to_vec() };
        values.chunks_exact(64).flat_map(part).collect::<Vec<_>>()
    };
    for (name, sample) in [("cosines", halves(true)), ("sines", halves(false)), ("all", values.clone())] {
        let distance = kolmogorov_smirnov(sample);
        assert!(distance < limit, "{name}: {distance}");
    }
    let mut stream = stream(7);
    let distance = kolmogorov_smirnov((0..500_000).map(|_| stream.normal()).collect());
    assert!(distance < limit, "normal: {distance}");
}

#[test]
fn neighbours_are_not_correlated() {
    let values = normals(8, 1_000_000);
    for lag in [1, 2, 16, 31, 32, 33, 63, 64] {
        for (name, power) in [("numbers", 1), ("squares", 2)] {
            let x = |i: usize| f64::from(values[i]).powi(power) - if power == 2 { 1.0 } else { 0.0 };
            let count = values.len() - lag;
            let sum: f64 = (0..count).map(|i| x(i) * x(i + lag)).sum();
            // the variance of a product is 1, of squares 2 times 2
            let error = (count as f64).sqrt() * f64::from(power * power);
            assert!(sum.abs() < SIGMAS * error, "{name} at lag {lag}: {}", sum / error);
        }
    }
}

#[test]
fn the_tails_exist_and_end_where_they_should() {
    let mut largest = 0.0_f32;
    let mut beyond_four = 0;
    let mut values = vec![0.0; 1_000_000];
    let mut stream = stream(9);
    for _ in 0..10 {
        stream.fill_normal(&mut values);
        for x in &values {
            assert!(x.is_finite());
            largest = largest.max(x.abs());
            beyond_four += u32::from(x.abs() > 4.0);
        }
    }
    // the largest of 10⁷ numbers is below 4.8 or above 6.8 at most once in 10⁴ times
    assert!((4.8..6.8).contains(&largest), "{largest}");
    // 633.4 expected
    assert!((f64::from(beyond_four) - 633.4).abs() < SIGMAS * 633.4_f64.sqrt(), "{beyond_four}");
}

/// Pearson's statistic in standard deviations, which is nearly normal for many bins.
fn chi_square(counts: &[u32]) -> f64 {
    let expected = counts.iter().map(|count| f64::from(*count)).sum::<f64>() / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = counts.len() as f64 - 1.0;
    (statistic - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn uniform_numbers_fill_all_bins_equally() {
    let mut stream = stream(10);
    let mut doubles = vec![0; 1000];
    for _ in 0..1_000_000 {
        let x = stream.uniform();
        assert!((0.0..1.0).contains(&x));
        doubles[(x * 1000.0) as usize] += 1;
    }
    let mut floats = vec![0; 1000];
    let mut values = vec![0.0; 1_000_000];
    stream.fill_uniform(&mut values);
    for x in values {
        assert!((0.0..1.0).contains(&x));
        floats[(x * 1000.0) as usize] += 1;
    }
    assert!(chi_square(&doubles).abs() < 5.5, "{}", chi_square(&doubles));
    assert!(chi_square(&floats).abs() < 5.5, "{}", chi_square(&floats));
}

#[test]
fn below_is_uniform_even_if_a_remainder_would_not_be() {
    // with 3 times 2^30, a remainder would fall into the first third twice as often
    let mut stream = stream(11);
    let mut counts = [0; 300];
    for _ in 0..600_000 {
        counts[(stream.below(3 << 30) / ((3 << 30) / 300 + 1)) as usize] += 1;
    }
    // the last bin is a little narrower, by 1e-5
    assert!(chi_square(&counts).abs() < 5.5, "{}", chi_square(&counts));
    let mut counts = [0; 7];
    for _ in 0..700_000 {
        counts[stream.below(7) as usize] += 1;
    }
    // with 6 degrees of freedom, 40.5 is exceeded less than once in 10⁶: 10 deviations above the mean
    assert!(chi_square(&counts) < 9.96, "{counts:?}");
    assert_eq!(stream.below(0), 0);
    assert_eq!(stream.below(1), 0);
}

#[test]
fn seeds_purposes_and_indices_have_separate_streams() {
    let keys = [
        (1, "a", 0),
        (2, "a", 0),
        (1, "b", 0),
        (1, "a", 1),
        (1, "a", 1 << 40),
        (1 << 40, "a", 0),
        (0, "", 1),
    ];
    let samples: Vec<Vec<f32>> = keys
        .iter()
        .map(|(seed, purpose, index)| {
            let mut values = vec![0.0; 100_000];
            Stream::new(*seed, Purpose::new(purpose), *index).fill_normal(&mut values);
            values
        })
        .collect();
    for (i, first) in samples.iter().enumerate() {
        for (j, second) in samples.iter().enumerate().skip(i + 1) {
            let sum: f64 = first.iter().zip(second).map(|(x, y)| f64::from(x * y)).sum();
            assert!(sum.abs() < SIGMAS * 100_000_f64.sqrt(), "{:?} and {:?}", keys[i], keys[j]);
        }
    }
}

#[test]
fn shuffling_puts_every_item_into_every_place_equally_often() {
    let mut stream = stream(12);
    let mut counts = [0; 36];
    for _ in 0..60_000 {
        let mut items = [0, 1, 2, 3, 4, 5];
        stream.shuffle(&mut items);
        for (place, item) in items.into_iter().enumerate() {
            counts[place * 6 + item] += 1;
        }
    }
    // 25 degrees of freedom: 77.6, or 7.45 deviations, is exceeded less than once in 10⁶
    assert!(chi_square(&counts) < 7.45, "{counts:?}");
}

#[test]
fn a_purpose_keeps_its_name() {
    assert_eq!(Purpose::new("sixteen letters!").name(), "sixteen letters!");
    assert_eq!(format!("{:?}", TEST), "Purpose(\"test\")");
    assert_eq!(TEST.as_bytes(), b"test\0\0\0\0\0\0\0\0\0\0\0\0");
}

proptest! {
    #[test]
    fn a_shorter_fill_gets_the_first_numbers_of_a_longer_one(short in 0_usize..1200, more in 0_usize..300, seed: u64) {
        let (first, second) = (normals(seed, short), normals(seed, short + more));
        prop_assert_eq!(&first[..], &second[..short]);
    }

    #[test]
    fn a_fill_takes_whole_blocks_of_64_words(count in 0_usize..300, before in 0_usize..100, seed: u64) {
        let (mut filled, mut skipped) = (stream(seed), stream(seed));
        let mut skip = vec![0.0; before + count.next_multiple_of(64)];
        filled.fill_uniform(&mut skip[..before]);
        filled.fill_normal(&mut vec![0.0; count]);
        skipped.fill_uniform(&mut skip);
        prop_assert_eq!(filled.uniform(), skipped.uniform());
    }

    #[test]
    fn uniform_fills_in_two_parts_are_one_fill(first in 0_usize..300, second in 0_usize..300, seed: u64) {
        let mut whole = vec![0.0; first + second];
        stream(seed).fill_uniform(&mut whole);
        let mut parts = vec![0.0; first + second];
        let mut stream = stream(seed);
        let (one, two) = parts.split_at_mut(first);
        stream.fill_uniform(one);
        stream.fill_uniform(two);
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn choosing_is_without_replacement(n in 0_usize..200, k in 0_usize..250, seed: u64) {
        let chosen = stream(seed).choose(n, k);
        prop_assert_eq!(chosen.len(), k.min(n));
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), chosen.len());
        prop_assert!(chosen.iter().all(|i| *i < n));
        let mut items: Vec<usize> = (0..n).collect();
        stream(seed).shuffle(&mut items);
        items.truncate(k);
        prop_assert!(k >= n || items == chosen, "choosing is the start of a shuffle");
    }
}
