//! Prints the updates per second on a device, over all networks that are trained together, as a line of JSON:
//! the paper's network with batches of 10 samples. For `benches/gpu/run`.
//!
//! `updates NETWORKS SECONDS [NUMBER]`: how many networks, for how long at least, and the device's number.

use std::time::Duration;

use concertina_gpu::{Device, updates_per_second};
use concertina_model::params::{Arithmetic, Params};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [networks, seconds, rest @ ..] = &arguments[..] else {
        return Err("expected `updates NETWORKS SECONDS [NUMBER]`".into());
    };
    let device = Device::open(rest.first().map(|number| number.parse()).transpose()?)?;
    let mut params = Params::default();
    // as the peer's: 80 updates of an epoch, and hardly any validation
    (params.task.input_dim, params.task.train_samples, params.task.val_samples) = (200, 800, Some(10));
    params.train.arithmetic = Arithmetic::Gpu;
    let params = params.check()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let time = Duration::from_secs_f64(seconds.parse()?);
    let rate = updates_per_second(&device, &params, networks.parse()?, threads, time)??;
    let name = &device.info().name;
    std::io::Write::write_fmt(
        &mut std::io::stdout(),
        format_args!("{{\"device\": {name:?}, \"updates_per_second\": {rate}}}\n"),
    )?;
    Ok(())
}
