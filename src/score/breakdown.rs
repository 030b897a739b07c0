//! PCK of all pairs, of every category and of every level: a row of the paper's tables 3 to 5.

use super::cells::Breakdown;
use super::ledger::Ledger;
use super::verdict::Verdict;
use crate::benchmark::Benchmark;
use crate::protocol::Protocol;

/// Breaks verdicts down.
#[must_use]
pub fn breakdown(benchmark: &Benchmark, verdicts: &[Verdict], protocol: &Protocol) -> Breakdown {
    let verdicts: Vec<&Verdict> = verdicts.iter().collect();
    let ledger = Ledger::new(benchmark, &verdicts, protocol.average);
    ledger.row().breakdown(&ledger.cells(|_| 1.0))
}
