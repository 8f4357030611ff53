//! `concertina params`

use concertina::{parameter_table, parameters_markdown};

use crate::arguments::{Listing, Params};
use crate::output::{Failure, entries, print, print_table};

pub(crate) fn run(params: &Params) -> Result<(), Failure> {
    if params.markdown {
        return print(parameters_markdown().as_bytes());
    }
    let table = parameter_table(params.paper)?;
    if params.json {
        return print_table(&table, Listing { json: true, csv: false }, None);
    }
    let names = if params.paper { ["published", "parameter"] } else { ["parameter", "published"] };
    let text = entries(&table, |column| {
        let [first, second] = names.map(column);
        let second = second.map_or_else(String::new, |second| format!(" ({second})"));
        let [default, meaning, values] =
            ["default", "meaning", "values"].map(|name| column(name).unwrap_or_default());
        let others = column("other_defaults").map_or_else(String::new, |others| format!("; {others}"));
        let unit = column("unit").map_or_else(String::new, |unit| format!(", in {unit}"));
        let only = column("only_with").map_or_else(String::new, |only| format!("\n    only with {only}"));
        format!(
            "{}{second} = {default}{others}\n    {meaning}\n    {values}{unit}{only}\n",
            first.unwrap_or_default()
        )
    });
    print(text.as_bytes())
}
