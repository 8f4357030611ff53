//! `concertina analyses`

use concertina::{analyses_markdown, analysis_table};

use crate::arguments::Analyses;
use crate::output::{Failure, print, print_table};

pub(crate) fn run(analyses: &Analyses) -> Result<(), Failure> {
    let name = analyses.analysis.as_deref();
    if analyses.markdown {
        return print(analyses_markdown(name)?.as_bytes());
    }
    print_table(&analysis_table(name)?, analyses.listing, None)
}
