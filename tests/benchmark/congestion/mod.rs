//! `nearhand-bench congestion`: what the session's congestion control makes of bad links, beside those that quinn brings
//! along. First in virtual time, with quinn's own state machines, the product's transport settings and its law of credit,
//! between two ends (a relay in between adds nothing but its queue); then in real time, with the real host, relay and
//! viewer, for the two goals.

mod cases;
mod ends;
mod figures;
mod flows;
mod sim;

use self::{
    cases::{Case, LARGE, Named, SMALL, plain},
    figures::Summary,
    sim::Load,
};
use crate::machine::Machine;
use nearhand_tests::{ages, weather::Loss};
use serde_json::{Value, json};
use std::{io::Write as _, time::Duration};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Length of a run, virtual or real
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Runs in virtual time, each with another seed: the median counts, and the worst is told
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Runs in real time, of each goal
    #[arg(long, default_value_t = 3)]
    reps: u64,
    /// Only rows whose names have this in them
    #[arg(long, default_value = "")]
    only: String,
    /// Nothing in virtual time
    #[arg(long)]
    real: bool,
}

/// Runs of one row under one congestion control, one a seed; in each a summary a flow.
type Runs = Vec<Vec<Summary>>;

/// Measures and prints.
///
/// # Errors
/// What TLS or the machine says.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let machine = Machine::look().await?;
    let seconds = Duration::from_secs(args.seconds);
    let mut rows = Vec::new();
    for case in cases::all().into_iter().filter(|case| !args.real && case.name.contains(&args.only)) {
        let compared = Named::ALL.map(|named| compare(&case, named, seconds, args.seeds));
        let runs = compared.into_iter().collect::<anyhow::Result<Vec<Runs>>>()?;
        rows.push((case, runs));
    }
    let real = real(&args, seconds).await;
    let text =
        if args.json { in_json(&machine, &rows, &real).to_string() } else { table(&machine, &rows, &real) };
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

fn compare(case: &Case, named: Named, seconds: Duration, seeds: u64) -> anyhow::Result<Runs> {
    let flows: Vec<_> = case.flows.iter().map(|flow| (flow.load(), flow.control(named))).collect();
    (0..seeds).map(|seed| sim::run(&case.link, &flows, seconds, seed.wrapping_mul(77))).collect()
}

/// A goal, and what the programs' own parts reach.
struct Real {
    name: &'static str,
    runs: Vec<ages::Ages>,
}

async fn real(args: &Args, watched: Duration) -> Vec<Real> {
    let stray = Loss { share: 0.01, burst: 1.0 };
    let goals = [
        ("10 Mbit/s, 40 ms, queue 200 ms: 60 kB", plain(Some(10), 40, 200, Loss::default()), LARGE),
        ("1 % loss, 100 ms: 20 kB", plain(None, 100, 0, stray), SMALL),
    ];
    let mut all = Vec::new();
    for (name, link, bytes) in goals.into_iter().filter(|(name, ..)| name.contains(&args.only)) {
        let mut runs = Vec::new();
        for seed in 0..args.reps {
            runs.push(ages::measure(link.clone(), seed, bytes, watched).await);
        }
        all.push(Real { name, runs });
    }
    all
}

/// Median and worst of what each run has; `worst` is the last of them in ascending order if `high`, else the first.
fn spread(mut values: Vec<f64>, high: bool) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    (at(values.len() / 2), at(if high { values.len().saturating_sub(1) } else { 0 }))
}

fn cell(case: &Case, runs: &Runs) -> String {
    let of = |flow: usize, figure: fn(&Summary) -> f64, high| {
        spread(runs.iter().filter_map(|run| run.get(flow)).map(figure).collect(), high)
    };
    let each = |(number, flow): (usize, &cases::Flow)| match flow.load() {
        Load::Picture(_) => {
            let (age, oldest) = of(number, |summary| summary.age_ms[1], true);
            let (rate, least) = of(number, |summary| summary.updates_s, false);
            format!("{age:.0} ({oldest:.0}) ms, {rate:.0} ({least:.0})/s")
        }
        Load::Bulk => {
            let (rate, least) = of(number, |summary| summary.mbit_s, false);
            format!("{rate:.2} ({least:.2}) Mbit/s")
        }
    };
    let cell = case.flows.iter().enumerate().map(each).collect::<Vec<_>>().join(" + ");
    if !case.flows.contains(&cases::Flow::CubicBulk) {
        return cell;
    }
    let (queue, lost) = (of(0, |summary| summary.queue_ms, true).0, of(0, |summary| summary.lost, true).0);
    format!("{cell}, queue {queue:.0} ms, {lost:.1} % lost")
}

fn table(machine: &Machine, rows: &[(Case, Vec<Runs>)], real: &[Real]) -> String {
    let names = Named::ALL.map(Named::name).join(" | ");
    let mut lines = vec![
        "Virtual time; 95th percentile of the age of updates and updates a second, or throughput: median (worst). Beside \
         somebody's Cubic also the mean time in the queue and what was lost of the first flow: median."
            .to_owned(),
        String::new(),
        format!("| | {names} |"),
        "|---|---|---|---|---|".to_owned(),
    ];
    for (case, runs) in rows {
        let cells: Vec<_> = runs.iter().map(|runs| cell(case, runs)).collect();
        lines.push(format!("| {} | {} |", case.name, cells.join(" | ")));
    }
    lines.push(String::new());
    lines.push(format!("Real host, relay and viewer; {}.\n", machine.line()));
    lines.push(
        "| | age p50 | p95 | p99 | updates/s | of | longest gap |\n|---|---|---|---|---|---|---|".to_owned(),
    );
    for Real { name, runs } in real {
        for run in runs {
            let [p50, p95, p99] = [50, 95, 99].map(|percent| run.percentile(percent).as_millis());
            let (rate, gap) = (run.rate(), run.longest_gap.as_millis());
            let painted =
                f64::from(u32::try_from(run.painted).unwrap_or(u32::MAX)) / run.watched.as_secs_f64();
            lines.push(format!(
                "| {name} | {p50} ms | {p95} ms | {p99} ms | {rate:.1} | {painted:.1} | {gap} ms |"
            ));
        }
    }
    lines.join("\n")
}

fn in_json(machine: &Machine, rows: &[(Case, Vec<Runs>)], real: &[Real]) -> Value {
    let flow = |summary: &Summary| {
        let Summary { mbit_s, updates_s, age_ms: [p50, p95, p99], queue_ms, lost } = summary;
        json!({
            "mbit_s": mbit_s, "updates_s": updates_s,
            "age_p50_ms": p50, "age_p95_ms": p95, "age_p99_ms": p99,
            "queue_mean_ms": queue_ms, "lost_percent": lost,
        })
    };
    let runs =
        |runs: &Runs| -> Vec<Vec<Value>> { runs.iter().map(|run| run.iter().map(flow).collect()).collect() };
    let virtual_time: Vec<_> = rows
        .iter()
        .flat_map(|(case, all)| Named::ALL.iter().zip(all).map(move |(named, one)| (case, named, one)))
        .map(|(case, named, one)| json!({ "link": case.name, "control": named.name(), "runs": runs(one) }))
        .collect();
    let seen = |run: &ages::Ages| {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| run.percentile(percent).as_secs_f64() * 1e3);
        json!({
            "updates_s": run.rate(), "age_p50_ms": p50, "age_p95_ms": p95, "age_p99_ms": p99,
            "longest_gap_ms": run.longest_gap.as_secs_f64() * 1e3, "painted": run.painted,
        })
    };
    let real: Vec<_> = real
        .iter()
        .map(|real| json!({ "link": real.name, "runs": real.runs.iter().map(seen).collect::<Vec<_>>() }))
        .collect();
    json!({ "machine": machine.json(), "virtual": virtual_time, "real": real })
}
