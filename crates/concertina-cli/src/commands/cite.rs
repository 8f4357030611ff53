//! `concertina cite`

use concertina::bibliography;

use crate::arguments::Cite;
use crate::output::{Failure, print};

pub(crate) fn run(cite: &Cite) -> Result<(), Failure> {
    let text = bibliography(cite.used.iter().map(String::as_str))?;
    print(text.as_bytes())
}
