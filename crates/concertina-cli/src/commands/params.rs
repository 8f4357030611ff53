//! `concertina params`

use concertina::{parameter_table, parameters_markdown};

use crate::arguments::{Listing, Params};
use crate::output::{Failure, print, print_table};

pub(crate) fn run(params: &Params) -> Result<(), Failure> {
    if params.markdown {
        return print(parameters_markdown().as_bytes());
    }
    let table = parameter_table(params.paper)?;
    print_table(&table, Listing { json: params.json, csv: false }, None)
}
