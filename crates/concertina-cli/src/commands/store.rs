//! `concertina store`

use concertina::store::FindingKind;
use concertina::{Error, findings_table};

use crate::arguments::{Everywhere, Store};
use crate::output::{Failure, print, print_table, say};

pub(crate) fn run(everywhere: &Everywhere, store: &Store) -> Result<(), Failure> {
    match store {
        Store::Where => {
            let study = everywhere.builder().read_only()?;
            print(format!("{}\n", study.folder().display()).as_bytes())
        }
        Store::Verify { listing } => {
            let study = everywhere.builder().read_only()?;
            let findings = study.verify()?;
            let damaged = findings.iter().filter(|finding| finding.kind == FindingKind::Damaged).count();
            if !findings.is_empty() || listing.json || listing.csv {
                print_table(&findings_table(&findings)?, *listing, None)?;
            }
            if damaged == 0 {
                if !everywhere.quiet {
                    say("every file of the store is whole");
                }
                return Ok(());
            }
            Err(Failure::Concertina(Error::DamagedStore { damaged, path: study.folder() }))
        }
    }
}
