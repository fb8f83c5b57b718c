use super::*;
use crate::weather::{Blackout, Reorder};

const MS: Duration = Duration::from_millis(1);

/// Passes `count` datagrams of `length` bytes, one each `gap`; returns what arrives: when since the start, and which.
fn pass(shape: Shape, seed: u64, count: u32, length: usize, gap: Duration) -> (Vec<(Duration, u32)>, Counts) {
    let start = Instant::now();
    let mut shaper = Shaper::new(shape, seed, start);
    let mut arrived = Vec::new();
    for number in 0..count {
        let mut bytes = vec![0; length];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        for (at, bytes) in shaper.pass(bytes, start + gap * number) {
            let number = u32::from_be_bytes(bytes[..4].try_into().unwrap());
            arrived.push((at - start, number));
        }
    }
    (arrived, shaper.counts())
}

#[test]
fn clear_weather_changes_nothing() {
    let (arrived, counts) = pass(Shape::default(), 1, 100, 1_200, MS);
    assert!(arrived.iter().zip(0..).all(|(at, number)| *at == (MS * number, number)) && arrived.len() == 100);
    assert_eq!(counts, Counts { came: 100, ..Counts::default() });
}

#[test]
fn a_seed_repeats_itself_and_another_one_differs() {
    let shape = || Shape { jitter: MS * 20, duplicate: 0.1, corrupt: 0.1, ..Shape::lossy(0.3) };
    let run = |seed| pass(shape(), seed, 1_000, 100, MS);
    assert_eq!(run(7), run(7));
    assert!(run(7) != run(8));
}

#[test]
fn delay_and_jitter_keep_the_order() {
    let shape = Shape { delay: MS * 50, jitter: MS * 30, ..Shape::default() };
    let (arrived, _) = pass(shape, 2, 2_000, 100, MS);
    assert!(arrived.is_sorted());
    let late: Vec<_> = arrived.iter().map(|(at, number)| *at - MS * *number).collect();
    assert!(late.iter().all(|late| (MS * 50..=MS * 80).contains(late)));
    assert!(late.iter().max() > late.iter().min().map(|least| *least + MS * 20).as_ref());
}

#[test]
fn loss_has_its_share_and_its_bursts() {
    const COUNT: u32 = 200_000;
    for (share, burst) in [(0.01, 1.0), (0.3, 1.0), (0.02, 8.0), (0.12, 25.0), (0.25, 40.0)] {
        let shape = Shape { loss: Loss { share, burst }, ..Shape::default() };
        let (arrived, counts) = pass(shape, 3, COUNT, 100, MS);
        let lost = f64::from(COUNT) - arrived.len() as f64;
        assert!((lost / f64::from(COUNT) / share - 1.0).abs() < 0.15, "{share}: {lost} lost");
        assert_eq!(counts.lost as f64, lost);
        let gaps = arrived.windows(2).map(|pair| pair[1].1 - pair[0].1 - 1).filter(|gap| *gap != 0);
        let mean = lost / gaps.count() as f64;
        // Independent losses meet by chance, too.
        let expected = if burst <= 1.0 { 1.0 / (1.0 - share) } else { burst };
        assert!((mean / expected - 1.0).abs() < 0.15, "{share}, {burst}: bursts of {mean}");
    }
}

#[test]
fn a_bottleneck_has_its_rate_and_drops_what_would_wait_too_long() {
    let shape = Shape { rate: Some(1_000_000), queue: MS * 100, ..Shape::default() };
    // 1,250 bytes take 10 ms; one comes each 5 ms.
    let (arrived, counts) = pass(shape, 4, 1_000, 1_250, MS * 5);
    let steps = arrived.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(steps.clone().all(|step| MS * 9 < step && step < MS * 16), "{:?}", steps.max());
    assert!((490..=520).contains(&arrived.len()), "half of them, and the queue: {}", arrived.len());
    assert_eq!(counts.queue_full, 1_000 - arrived.len() as u64);
    let wait = arrived.iter().map(|(at, number)| *at - MS * 5 * *number).max();
    assert!(wait <= Some(MS * 111), "{wait:?}");
}

#[test]
fn some_are_overtaken() {
    let reorder = Reorder { share: 0.1, by: MS * 3..MS * 50 };
    let (mut arrived, counts) = pass(Shape { reorder, ..Shape::default() }, 5, 10_000, 100, MS);
    assert!((800..1_200).contains(&counts.reordered) && arrived.len() == 10_000);
    arrived.sort();
    let behind = arrived.windows(2).filter(|pair| pair[1].1 < pair[0].1).count() as u64;
    assert!(counts.reordered / 2 < behind && behind <= counts.reordered, "{behind} of {counts:?}");
}

#[test]
fn some_are_doubled_and_some_have_one_bit_flipped() {
    let start = Instant::now();
    let mut shaper = Shaper::new(Shape { duplicate: 0.05, corrupt: 0.02, ..Shape::default() }, 6, start);
    let mut flipped = 0;
    for _ in 0..10_000 {
        let arrived = shaper.pass(vec![0; 64], start);
        let ones: u32 = arrived[0].1.iter().map(|byte| byte.count_ones()).sum();
        assert!(ones <= 1 && arrived.iter().all(|one| *one == arrived[0]));
        flipped += u64::from(ones);
    }
    let counts = shaper.counts();
    assert!((400..600).contains(&counts.doubled) && (150..250).contains(&flipped));
    assert_eq!(counts.corrupted, flipped);
}

#[test]
fn long_ones_vanish_and_so_does_everything_in_a_blackout() {
    let dark = Blackout { after: MS * 100, lasts: MS * 50, every: Some(MS * 200) };
    let shape = Shape { mtu: Some(1_200), blackout: Some(dark), ..Shape::default() };
    let (arrived, counts) = pass(shape.clone(), 7, 500, 1_200, MS);
    assert_eq!((arrived.len(), counts.dark), (400, 100), "from 100 to 150 and from 300 to 350 ms");
    let (arrived, counts) = pass(shape, 7, 50, 1_201, MS);
    assert_eq!((arrived.len(), counts.too_long), (0, 50));
}
