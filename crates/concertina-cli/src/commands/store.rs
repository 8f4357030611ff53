//! `concertina store`

use concertina::store::FindingKind;
use concertina::{Error, MergeFate, findings_table, merged_table};

use crate::arguments::{Everywhere, Store};
use crate::interrupt;
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
                    say("every file of the store is undamaged");
                }
                return Ok(());
            }
            Err(Failure::Concertina(Error::DamagedStore { damaged, path: study.folder() }))
        }
        Store::Repair { listing } => {
            let study = everywhere.builder().repair()?;
            let findings = study.repair()?;
            if !findings.is_empty() || listing.json || listing.csv {
                print_table(&findings_table(&findings)?, *listing, None)?;
            }
            let damaged = findings.iter().filter(|finding| finding.kind == FindingKind::Damaged).count();
            if !everywhere.quiet {
                say(&match damaged {
                    0 => "every file of the store is undamaged".to_owned(),
                    _ => format!(
                        "{damaged} damaged files set aside; `concertina runs gc --set-aside` removes them"
                    ),
                });
            }
            Ok(())
        }
        Store::Merge { other, listing } => {
            let other = everywhere.builder_in(other).read_only()?;
            let study = everywhere.builder().cancel(interrupt::flag()).open()?;
            let merged = study.merge(&other)?;
            print_table(&merged_table(&merged)?, *listing, None)?;
            let left = merged
                .iter()
                .filter(|one| matches!(one.fate, MergeFate::Differs | MergeFate::Damaged | MergeFate::Held));
            match left.count() {
                0 => Ok(()),
                left => Err(Failure::Concertina(Error::LeftOut { left, of: merged.len() })),
            }
        }
    }
}
