//! Figures of all repetitions: one name, one unit, one goal; the median counts.

use crate::percentile;
use serde_json::{Map, Value, json};

/// What is known of a figure beforehand: of what, name, unit, digits after the point, goal.
const KNOWN: [(&str, &str, &str, usize, &str); 32] = [
    ("flip", "p50_ms", "ms", 2, "≤ 3"),
    ("flip", "p95_ms", "ms", 2, "≤ 4.5"),
    ("flip", "p99_ms", "ms", 2, "≤ 6"),
    ("flip", "damage_to_encoded_p50_ms", "ms", 2, ""),
    ("flip", "kb_per_press", "kB", 2, ""),
    ("flip", "host_cpu_ms_per_press", "CPU ms", 2, ""),
    ("flip", "decode_p50_ms", "ms", 2, ""),
    ("flip", "missed", "presses", 0, "0"),
    ("page", "damage_to_encoded_p50_ms", "ms", 1, ""),
    ("page", "decode_p50_ms", "ms", 1, ""),
    ("page", "kb_per_press", "kB", 1, ""),
    ("page", "missed", "presses", 0, "0"),
    ("page", "p50_ms", "ms", 1, "≤ 16"),
    ("page", "p95_ms", "ms", 1, "≤ 30"),
    ("work", "mb", "MB", 2, "≤ 1.5"),
    ("work", "host_cpu_s", "CPU s", 2, "≤ 1.0"),
    ("work", "relay_cpu_s", "CPU s", 2, ""),
    ("work", "viewer_cpu_s", "CPU s", 2, ""),
    ("work", "x_server_cpu_s", "CPU s", 2, ""),
    ("work", "seconds", "s", 1, ""),
    ("work", "exact_after_500_ms", "yes/no", 0, "1"),
    ("motion", "frames_per_s", "1/s", 1, "≥ 55"),
    ("motion", "mbit_s", "Mbit/s", 1, ""),
    ("motion", "host_cpu_ms_per_frame", "CPU ms", 1, "≤ 10"),
    ("motion", "relay_cpu_ms_per_frame", "CPU ms", 1, ""),
    ("motion", "viewer_cpu_ms_per_frame", "CPU ms", 1, ""),
    ("motion", "longest_gap_ms", "ms", 0, ""),
    ("rest", "bytes_per_s", "B/s", 0, "no picture"),
    ("memory", "host_rss_kib", "KiB", 0, "≤ 122880"),
    ("memory", "host_peak_kib", "KiB", 0, ""),
    ("memory", "viewer_and_bench_rss_kib", "KiB", 0, "≤ 204800"),
    ("rest", "host_cpu_percent", "%", 2, "≤ 0.5"),
];

struct Row {
    part: &'static str,
    name: &'static str,
    values: Vec<f64>,
}

/// All of them, in the order of their first coming.
#[derive(Default)]
pub(super) struct Sheet(Vec<Row>);

impl Sheet {
    /// One more value of a figure of this part.
    pub(super) fn add(&mut self, part: &'static str, name: &'static str, value: f64) {
        match self.0.iter_mut().find(|row| row.part == part && row.name == name) {
            Some(row) => row.values.push(value),
            None => self.0.push(Row { part, name, values: vec![value] }),
        }
    }

    /// Medians, an object for each part.
    pub(super) fn json(&self) -> Map<String, Value> {
        let mut parts = Map::new();
        for row in &self.0 {
            let median = percentile(&mut row.values.clone(), 0.5);
            parts.entry(row.part).or_insert_with(|| json!({}))[row.name] = json!(median);
        }
        parts
    }

    /// A Markdown table.
    pub(super) fn table(&self) -> String {
        let mut table =
            "| figure | median | lowest–highest | unit | goal |\n|---|---|---|---|---|\n".to_owned();
        for Row { part, name, values } in &self.0 {
            let known = KNOWN.iter().find(|known| (known.0, known.1) == (*part, *name));
            let (unit, digits, goal) =
                known.map_or(("", 2, ""), |(.., unit, digits, goal)| (*unit, *digits, *goal));
            let [low, mid, high] = [0.0, 0.5, 1.0].map(|share| percentile(&mut values.clone(), share));
            let range =
                if values.len() == 1 { String::new() } else { format!("{low:.digits$}–{high:.digits$}") };
            table += &format!("| {part}: {name} | {mid:.digits$} | {range} | {unit} | {goal} |\n");
        }
        table
    }
}

/// Median, 95th and 99th percentile.
pub(super) fn spread(values: &mut [f64]) -> [f64; 3] {
    [0.5, 0.95, 0.99].map(|share| percentile(values, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_by_part() {
        let mut sheet = Sheet::default();
        for value in [9.0, 1.0, 2.0] {
            sheet.add("flip", "p50_ms", value);
        }
        sheet.add("work", "mb", 1.25);
        assert_eq!(json!(sheet.json()), json!({"flip": {"p50_ms": 2.0}, "work": {"mb": 1.25}}));
        assert!(
            sheet.table().contains("| flip: p50_ms | 2.00 | 1.00–9.00 | ms | ≤ 3 |"),
            "{}",
            sheet.table()
        );
        assert!(sheet.table().contains("| work: mb | 1.25 |  | MB | ≤ 1.5 |"), "{}", sheet.table());
    }
}
