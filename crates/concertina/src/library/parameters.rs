//! Parameters as the store keeps them.

use concertina_model::params::{PARAMETERS, ValidParams};

/// The parameters as the store keeps them: those that are part of the key, in readable form. How far a run is
/// trained and what is kept of it may change from one request to the next, so these are not in the file.
pub(crate) fn params_toml(params: &ValidParams) -> String {
    let open: Vec<&str> = PARAMETERS
        .iter()
        .filter(|parameter| !parameter.part_of_key)
        .map(|parameter| parameter.name())
        .collect();
    let says = |line: &str, name: &str| {
        let line = line.trim_start_matches("# ");
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" = ") || rest.starts_with(" is none"))
    };
    let text = params.to_annotated_toml();
    let kept = text.lines().filter(|line| !open.iter().any(|name| says(line, name)));
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use concertina_model::params::Params;

    use super::params_toml;

    #[test]
    fn the_stored_parameters_name_the_same_run_and_do_not_say_how_far_it_was_trained() {
        let mut params = Params::default();
        params.network.gain = Some(250.0);
        params.train.epochs = 77;
        params.train.stop_after = Some(5);
        let params = params.check().expect("valid");
        let text = params_toml(&params);
        assert!(
            !text.contains("epochs = 77")
                && !text.contains("stop_after =")
                && !text.contains("saves_per_epoch =")
        );
        let read =
            Params::from_stored_toml(&text).and_then(Params::check).expect("what was written can be read");
        assert_eq!(read.canonical(), params.canonical());
        assert_eq!(text, params_toml(&params.with_epochs(12).expect("valid")));
    }
}
