//! Figures of all repetitions: one name, one unit, one goal; the median counts.

use crate::percentile;
use serde_json::{Map, Value, json};

/// What a figure belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Bulk of so many pairs.
    Bulk(usize),
    /// The relay as a whole.
    Whole,
}

/// What is known of a figure beforehand: name, unit, digits after the point, goal.
const KNOWN: [(&str, &str, usize, &str); 19] = [
    ("idle_before_percent", "%", 0, "quiet"),
    ("gbit_s", "Gbit/s", 2, ""),
    ("cpu_s_per_gb", "CPU s/GB", 3, "≤ 0.50, then 0.40"),
    ("relay_cores", "cores", 2, ""),
    ("clients_cpu_s_per_gb", "CPU s/GB", 2, ""),
    ("rss_before_kib", "KiB", 0, ""),
    ("rss_growth_kib", "KiB", 0, "flat"),
    ("peak_rss_kib", "KiB", 0, ""),
    ("ping_p50_us", "µs", 0, "≤ 100"),
    ("ping_p99_us", "µs", 0, ""),
    ("cpu_us_per_ping", "CPU µs", 0, ""),
    ("idle_pairs", "pairs", 0, ""),
    ("kib_per_idle_pair", "KiB", 1, "≤ 80, then 24"),
    ("idle_cpu_us_per_pair_s", "CPU µs/s", 0, ""),
    ("pairings_per_s", "1/s", 0, ""),
    ("cpu_us_per_pairing", "CPU µs", 0, "≤ 1300, then 1000"),
    ("pairing_p50_ms", "ms", 1, ""),
    ("pairing_p99_ms", "ms", 1, ""),
    ("entries_per_pairing", "entries", 1, ""),
];

/// Nothing may be idle, and nothing may grow.
const MAY_BE_ZERO: [&str; 2] = ["idle_before_percent", "rss_growth_kib"];

/// One figure.
struct Row {
    section: Section,
    name: &'static str,
    values: Vec<f64>,
}

/// All of them, in the order of their first coming.
#[derive(Default)]
pub(super) struct Sheet(Vec<Row>);

impl Sheet {
    /// One more value.
    pub(super) fn add(&mut self, section: Section, name: &'static str, value: f64) {
        match self.0.iter_mut().find(|row| row.section == section && row.name == name) {
            Some(row) => row.values.push(value),
            None => self.0.push(Row { section, name, values: vec![value] }),
        }
    }

    /// Figures that are not above 0 although they can't be anything else.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let positive = |row: &&Row| row.values.iter().all(|value| 0.0 < *value);
        let rows = self.0.iter().filter(|row| !positive(row) && !MAY_BE_ZERO.contains(&row.name));
        rows.map(|row| row.name).collect()
    }

    /// Medians by name. Bulk stands under `bulk`, an object for each number of pairs; the first of them at the top as well.
    pub(super) fn json(&self) -> Map<String, Value> {
        let mut top = Map::new();
        let mut bulk: Vec<Map<String, Value>> = Vec::new();
        for row in &self.0 {
            let value = json!(percentile(&mut row.values.clone(), 0.5));
            if let Section::Bulk(pairs) = row.section {
                let pairs = json!(pairs);
                let at = bulk.iter().position(|of| of["pairs"] == pairs).unwrap_or(bulk.len());
                if at == bulk.len() {
                    bulk.push(Map::from_iter([("pairs".to_owned(), pairs)]));
                }
                bulk[at].insert(row.name.to_owned(), value);
            } else {
                top.insert(row.name.to_owned(), value);
            }
        }
        top.extend(bulk.first().cloned().unwrap_or_default());
        top.insert("bulk".to_owned(), json!(bulk));
        top
    }

    /// A Markdown table.
    pub(super) fn table(&self) -> String {
        let mut table =
            "| figure | median | lowest–highest | unit | goal |\n|---|---|---|---|---|\n".to_owned();
        for row in &self.0 {
            let mut values = row.values.clone();
            let known = KNOWN.iter().find(|known| known.0 == row.name);
            let (_, unit, digits, goal) = known.copied().unwrap_or((row.name, "", 2, ""));
            let name = match row.section {
                Section::Bulk(1) => format!("{}, 1 pair", row.name),
                Section::Bulk(pairs) => format!("{}, {pairs} pairs", row.name),
                Section::Whole => row.name.to_owned(),
            };
            let [low, mid, high] = [0.0, 0.5, 1.0].map(|share| percentile(&mut values, share));
            let range =
                if values.len() == 1 { String::new() } else { format!("{low:.digits$}–{high:.digits$}") };
            table += &format!("| {name} | {mid:.digits$} | {range} | {unit} | {goal} |\n");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_sections() {
        let mut sheet = Sheet::default();
        for value in [9.0, 1.0, 2.0] {
            sheet.add(Section::Bulk(1), "gbit_s", value);
            sheet.add(Section::Bulk(8), "gbit_s", value * 2.0);
            sheet.add(Section::Whole, "ping_p50_us", value * 3.0);
        }
        sheet.add(Section::Whole, "rss_growth_kib", 0.0);
        assert!(sheet.missing().is_empty());
        let json = sheet.json();
        assert_eq!(
            (&json["gbit_s"], &json["pairs"], &json["ping_p50_us"]),
            (&json!(2.0), &json!(1), &json!(6.0))
        );
        assert_eq!(json["bulk"], json!([{"pairs": 1, "gbit_s": 2.0}, {"pairs": 8, "gbit_s": 4.0}]));
        assert!(
            sheet.table().contains("| gbit_s, 8 pairs | 4.00 | 2.00–18.00 | Gbit/s |"),
            "{}",
            sheet.table()
        );
    }
}
