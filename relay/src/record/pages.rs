//! Reading the log page by page, so that a long export neither fills memory nor holds up the writer.

use super::{
    error::RecordError,
    recorder::Recorder,
    store::{EntryRow, Filter, HeadRow},
};
use std::collections::VecDeque;

/// Rows of one page.
const PAGE: u32 = 256;

/// Entries in order, up to where the log ended when reading began.
pub(super) struct Entries<'a> {
    recorder: &'a Recorder,
    filter: Filter,
    /// One past the last leaf to read.
    end: u64,
    page: VecDeque<EntryRow>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(recorder: &'a Recorder, filter: Filter, end: u64) -> Self {
        Self { recorder, filter, end, page: VecDeque::new() }
    }

    /// The next entry.
    pub(super) async fn next(&mut self) -> Result<Option<EntryRow>, RecordError> {
        if self.page.is_empty() && self.filter.from < self.end {
            self.page = self.recorder.entries(self.filter, PAGE).await?.into();
            self.filter.from = self.page.back().map_or(self.end, |row| row.index.saturating_add(1));
        }
        Ok(self.page.pop_front().filter(|row| row.index < self.end))
    }
}

/// Heads in order of their size.
pub(super) struct Heads<'a> {
    recorder: &'a Recorder,
    from: Option<u64>,
    page: VecDeque<HeadRow>,
}

impl<'a> Heads<'a> {
    pub(super) fn new(recorder: &'a Recorder) -> Self {
        Self { recorder, from: Some(0), page: VecDeque::new() }
    }

    /// The next head, if its size is at most `size`.
    pub(super) async fn next_up_to(&mut self, size: u64) -> Result<Option<HeadRow>, RecordError> {
        if let (true, Some(from)) = (self.page.is_empty(), self.from) {
            self.page = self.recorder.heads(from, PAGE).await?.into();
            self.from = self.page.back().map(|head| head.size.saturating_add(1));
        }
        let within = self.page.front().is_some_and(|head| head.size <= size);
        Ok(if within { self.page.pop_front() } else { None })
    }
}
