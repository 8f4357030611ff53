//! `concertina devices`

use concertina::devices_table;

use crate::arguments::Devices;
use crate::output::{Failure, print_table};

pub(crate) fn run(devices: &Devices) -> Result<(), Failure> {
    let report = concertina::devices(!devices.list)?;
    print_table(&devices_table(&report)?, devices.listing, None)
}
