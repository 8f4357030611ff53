//! `concertina analyses`

use concertina::{analyses_markdown, analysis_table};

use crate::arguments::Analyses;
use crate::output::{Failure, entries, print, print_table};

pub(crate) fn run(analyses: &Analyses) -> Result<(), Failure> {
    let name = analyses.analysis.as_deref();
    if analyses.markdown {
        return print(analyses_markdown(name)?.as_bytes());
    }
    let table = analysis_table(name)?;
    if analyses.listing.json || analyses.listing.csv {
        return print_table(&table, analyses.listing, None);
    }
    let text = entries(&table, |column| {
        let [analysis, version, default, values, meaning] =
            ["analysis", "version", "default", "values", "meaning"]
                .map(|name| column(name).unwrap_or_default());
        match column("setting") {
            None => format!("{analysis} (version {version})\n    {meaning}\n"),
            Some(setting) => format!("  {setting} = {default}\n    {meaning}\n    {values}\n"),
        }
    });
    print(text.as_bytes())
}
