use std::collections::HashMap;

use crate::columns::{align, bytes, Hosts};
use crate::error::{Error, Result};
use crate::module::Module;
use crate::ABI_VERSION;

const HEADER: usize = 32;
const MAX_REASONS: usize = u16::MAX as usize;
const MAX_REASON_BYTES: usize = 256;

/// Takes what a strategy thinks of each host. At first every host is accepted
/// with score 0.
pub struct Ranking {
    scores: Vec<f64>,
    index: Vec<u16>,
    reasons: HashMap<String, u16>,
    texts: Vec<String>,
    error: Option<Error>,
}

impl Ranking {
    fn new(count: usize) -> Ranking {
        Ranking { scores: vec![0.0; count], index: vec![0; count], reasons: HashMap::new(), texts: Vec::new(), error: None }
    }

    /// Accepts host i; the higher the score, the better.
    pub fn score(&mut self, i: usize, score: f64) {
        self.scores[i] = score;
    }

    /// The scores of all hosts, to be set in place. NaN refuses.
    pub fn scores(&mut self) -> &mut [f64] {
        &mut self.scores
    }

    /// Excludes host i and says why in words for users; a text longer than 256
    /// bytes is cut.
    pub fn refuse(&mut self, i: usize, reason: &str) {
        self.scores[i] = f64::NAN;
        self.index[i] = self.reason(reason);
    }

    /// Answers with an error instead of a ranking: the strategy cannot work with
    /// its config. It should not depend on the hosts, because the engine asks
    /// about none to check a blueprint.
    pub fn fail(&mut self, error: Error) {
        self.error = Some(error);
    }

    /// The index of a text, 0 for none. Texts are kept once each.
    fn reason(&mut self, text: &str) -> u16 {
        let mut cut = text.len().min(MAX_REASON_BYTES);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let text = &text[..cut];
        if let Some(&k) = self.reasons.get(text) {
            return k;
        }
        if text.is_empty() || self.texts.len() == MAX_REASONS {
            return 0;
        }
        self.texts.push(text.to_string());
        let k = self.texts.len() as u16;
        self.reasons.insert(text.to_string(), k);
        k
    }

    fn encode(self) -> Vec<u8> {
        let n = self.scores.len();
        let texts: &[String] = if n == 0 { &[] } else { &self.texts };
        let (scores, index) = (HEADER, HEADER + 8 * n);
        let table = (index + 2 * n + 7) & !7;
        let mut at = table + 8 * texts.len();
        let total = at + texts.iter().map(String::len).sum::<usize>();

        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(b"GWPR");
        for word in [ABI_VERSION as usize, n, texts.len(), scores, index, table, total] {
            out.extend_from_slice(&(word as u32).to_le_bytes());
        }
        self.scores.iter().for_each(|s| out.extend_from_slice(&s.to_le_bytes()));
        self.index.iter().for_each(|k| out.extend_from_slice(&k.to_le_bytes()));
        out.resize(table, 0);
        for text in texts {
            out.extend_from_slice(&(at as u32).to_le_bytes());
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
            at += text.len();
        }
        texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
        out
    }
}

/// Answers placement.rank.
pub(crate) fn rank(module: &Module, document: &[u8]) -> Result<Vec<u8>> {
    let copy = align(document);
    let hosts = Hosts::open(copy.as_ref().map_or(document, |words| bytes(words, document.len())))?;
    let t = module.find(&hosts.request.type_name)?;
    let rank = t.on_rank.ok_or_else(|| Error::invalid(format!("type {} does not rank hosts", t.name)))?;
    let mut ranking = Ranking::new(hosts.len());
    rank(&hosts, &mut ranking);
    match ranking.error.take() {
        Some(error) => Err(error),
        None => Ok(ranking.encode()),
    }
}
