use serde::Deserialize;
use std::slice;

use crate::documents::Ref;
use crate::error::{Error, Result};
use crate::module::decode;
use crate::values::{or_default, Values};
use crate::ABI_VERSION;

const HEADER: usize = 32;
const ENTRY: usize = 32;

const FLOAT64: u32 = 1;
const UINT32: u32 = 2;
const BITMAP: u32 = 3;
const STRING: u32 = 4;

/// Stands in a u32 column for a host without a value.
pub const NO_UINT32: u32 = u32::MAX;

/// The demand of a placement: which strategy is asked, for whom.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RankRequest {
    #[serde(rename = "type")]
    pub type_name: String,
    /// Of the strategy.
    #[serde(deserialize_with = "or_default")]
    pub config: Values,
    #[serde(deserialize_with = "or_default")]
    pub entity: Ref,
    /// What the entity asked for; may be empty.
    #[serde(deserialize_with = "or_default")]
    pub demand: Values,
    /// Placements in this location so far.
    pub sequence: i64,
    pub now: String,
    pub seed: i64,
}

/// The hosts to rank, as columns: row i of every column is host i. Columns are
/// read in place. One that the engine has no value of for any host is not there.
pub struct Hosts<'a> {
    pub request: RankRequest,
    count: usize,
    buffer: &'a [u8],
    columns: usize,
}

impl<'a> Hosts<'a> {
    /// The number of hosts.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A column of numbers; NaN is a host without a value.
    pub fn floats(&self, name: &str) -> Option<&'a [f64]> {
        let data = self.column(name, FLOAT64)?;
        // The buffer and the data's offset are multiples of 8, and every pattern is a f64.
        Some(unsafe { slice::from_raw_parts(data.as_ptr().cast(), self.count) })
    }

    /// A column of numbers; [`NO_UINT32`] is a host without a value.
    pub fn uint32s(&self, name: &str) -> Option<&'a [u32]> {
        let data = self.column(name, UINT32)?;
        Some(unsafe { slice::from_raw_parts(data.as_ptr().cast(), self.count) })
    }

    /// A column of truth values.
    pub fn bitmap(&self, name: &str) -> Option<Bitmap<'a>> {
        let data = self.column(name, BITMAP)?;
        Some(Bitmap { words: unsafe { slice::from_raw_parts(data.as_ptr().cast(), data.len() / 8) }, count: self.count })
    }

    /// A column of texts.
    pub fn strings(&self, name: &str) -> Option<Strings<'a>> {
        let data = self.column(name, STRING)?;
        let offsets = unsafe { slice::from_raw_parts(data.as_ptr().cast(), self.count + 1) };
        Some(Strings { offsets, text: &data[4 * (self.count + 1)..] })
    }

    fn column(&self, name: &str, kind: u32) -> Option<&'a [u8]> {
        (0..self.columns)
            .map(|c| HEADER + ENTRY * c)
            .find(|&e| u32_at(self.buffer, e) == kind && self.part(e + 4, e + 8) == name.as_bytes())
            .map(|e| self.part(e + 12, e + 16))
    }

    /// The bytes whose offset and length stand at two places.
    fn part(&self, offset: usize, length: usize) -> &'a [u8] {
        let at = u32_at(self.buffer, offset) as usize;
        &self.buffer[at..at + u32_at(self.buffer, length) as usize]
    }

    /// Checks the header and the table; a broken buffer is a defect of the
    /// engine, but it must not make a handler read elsewhere. `buffer` stands at
    /// a multiple of 8.
    pub(crate) fn open(buffer: &'a [u8]) -> Result<Hosts<'a>> {
        if buffer.len() < HEADER || &buffer[..4] != b"GWPC" {
            return Err(Error::invalid("placement: the input does not start with GWPC"));
        }
        let version = u32_at(buffer, 4);
        if version != ABI_VERSION as u32 {
            return Err(Error::invalid(format!("placement: columns of version {version}, this module reads version {ABI_VERSION}")));
        }
        let (count, columns, size) = (u32_at(buffer, 8) as usize, u32_at(buffer, 12) as u64, buffer.len() as u64);
        if u64::from(u32_at(buffer, 24)) != size || HEADER as u64 + ENTRY as u64 * columns > size {
            return Err(Error::invalid(format!("placement: the input has {size} bytes, its header says otherwise")));
        }
        let mut hosts = Hosts { request: RankRequest::default(), count, buffer, columns: columns as usize };
        if let Some(c) = (0..hosts.columns).find(|&c| !hosts.entry_is_good(HEADER + ENTRY * c)) {
            return Err(Error::invalid(format!("placement: column {c} does not fit its buffer")));
        }
        if !hosts.fits(16, 20) {
            return Err(Error::invalid("placement: the demand does not fit its buffer"));
        }
        let demand = hosts.part(16, 20);
        if !demand.is_empty() {
            hosts.request = decode(demand).map_err(|e| Error::invalid(format!("placement: decode demand: {e}")))?;
        }
        Ok(hosts)
    }

    fn fits(&self, offset: usize, length: usize) -> bool {
        u64::from(u32_at(self.buffer, offset)) + u64::from(u32_at(self.buffer, length)) <= self.buffer.len() as u64
    }

    fn entry_is_good(&self, e: usize) -> bool {
        if !self.fits(e + 4, e + 8) || !self.fits(e + 12, e + 16) || u32_at(self.buffer, e + 12) % 8 != 0 {
            return false;
        }
        let (n, length) = (self.count as u64, u64::from(u32_at(self.buffer, e + 16)));
        match u32_at(self.buffer, e) {
            FLOAT64 => length == 8 * n,
            UINT32 => length == 4 * n,
            BITMAP => length == (n + 63) / 64 * 8,
            STRING => length >= 4 * (n + 1) && self.rises(self.part(e + 12, e + 16)),
            _ => true, // a type of a later version; nobody here asks for it
        }
    }

    /// Checks the offsets of a text column.
    fn rises(&self, data: &[u8]) -> bool {
        let mut last = 0;
        for i in 0..=self.count {
            let at = u32_at(data, 4 * i);
            if at < last {
                return false;
            }
            last = at;
        }
        last as usize == data.len() - 4 * (self.count + 1)
    }
}

/// A column of truth values.
#[derive(Clone, Copy)]
pub struct Bitmap<'a> {
    words: &'a [u64],
    count: usize,
}

impl Bitmap<'_> {
    /// The value of host i.
    pub fn get(&self, i: usize) -> bool {
        i < self.count && self.words[i / 64] >> (i % 64) & 1 == 1
    }
}

/// A column of texts.
#[derive(Clone, Copy)]
pub struct Strings<'a> {
    offsets: &'a [u32],
    text: &'a [u8],
}

impl<'a> Strings<'a> {
    /// The text of host i, not copied; "" for a host without a value.
    pub fn get(&self, i: usize) -> &'a str {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&from), Some(&to)) => std::str::from_utf8(&self.text[from as usize..to as usize]).unwrap_or_default(),
            _ => "",
        }
    }
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

/// Gives a copy of the buffer at a multiple of 8 when it is not there already.
/// Within the engine it always is.
pub(crate) fn align(buffer: &[u8]) -> Option<Vec<u64>> {
    if buffer.as_ptr() as usize % 8 == 0 {
        return None;
    }
    let words = buffer.chunks(8).map(|part| {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        u64::from_ne_bytes(word)
    });
    Some(words.collect())
}

/// The first bytes of words.
pub(crate) fn bytes(words: &[u64], length: usize) -> &[u8] {
    assert!(length <= words.len() * 8);
    // Words are bytes, at an address that suits both.
    unsafe { slice::from_raw_parts(words.as_ptr().cast(), length) }
}
