//! Schematics of every task, network and connectivity.

mod support;

use concertina_plot::{DrawnPanel, Error, Panel, Schematic};
use concertina_table::{Scalar, Table, Values};
use support::assert_tidy;

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

/// One row of parameters.
fn of(cells: &[(&str, &str)]) -> Table {
    let values = |word: &str| match Scalar::of_word(word) {
        Scalar::Integer(number) => Values::from(vec![number]),
        Scalar::Float(number) => Values::from(vec![number]),
        Scalar::Boolean(flag) => Values::from(vec![flag]),
        _ => Values::from(vec![word]),
    };
    Table::from_columns(cells.iter().map(|(name, word)| (*name, values(word)))).expect("one row")
}

fn drawn(table: &Table, what: Schematic, width: f64, height: f64) -> DrawnPanel {
    Panel::schematic(table, what).size_mm(width, height).draw().expect("drawn")
}

fn csv(table: &Table) -> String {
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes).expect("memory is writable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every text is on the page and none covers another, in panels of several sizes.
#[track_caller]
fn assert_tidy_at_any_size(what: Schematic, cells: &[(&str, &str)]) {
    let table = of(cells);
    for (width, height) in [(70.0, 40.0), (89.0, 50.0), (120.0, 44.0), (183.0, 60.0)] {
        let panel = drawn(&table, what, width, height);
        let named = format!("{what:?} of {cells:?}, {width} by {height} mm");
        assert_tidy(&named, &panel.text_boxes(), panel.page());
        for word in ["NaN", "inf", "$"] {
            assert!(!panel.svg().contains(word), "{named}: {word}");
        }
    }
}

#[test]
fn schematics_of_tasks_are_tidy() {
    for bits in ["1", "3", "16"] {
        for timesteps in ["1", "25", "100000"] {
            let cells = [("task.kind", "flip_flop"), ("task.bits", bits), ("task.timesteps", timesteps)];
            assert_tidy_at_any_size(Schematic::Task, &cells);
        }
    }
    for task in ["integration", "context"] {
        for (stimulus, delay, response) in
            [("20", "5", "5"), ("1", "0", "1"), ("900", "10", "1"), ("1", "500", "50")]
        {
            let cells = [
                ("task.kind", task),
                ("task.stimulus", stimulus),
                ("task.delay", delay),
                ("task.response", response),
            ];
            assert_tidy_at_any_size(Schematic::Task, &cells);
        }
    }
    for (stimuli, sample, delay, test) in
        [("2", "1", "0", "1"), ("4", "5", "5", "5"), ("1000", "1", "100", "1")]
    {
        let cells = [
            ("task.kind", "match"),
            ("task.stimuli", stimuli),
            ("task.sample", sample),
            ("task.delay", delay),
            ("task.test", test),
        ];
        assert_tidy_at_any_size(Schematic::Task, &cells);
    }
    for (frequencies, timesteps) in [("2", "1"), ("51", "100"), ("1000000", "5000")] {
        let cells = [("task.kind", "sine"), ("task.frequencies", frequencies), ("task.timesteps", timesteps)];
        assert_tidy_at_any_size(Schematic::Task, &cells);
    }
    assert_tidy_at_any_size(Schematic::Task, &[("task.kind", "trials")]);
    let cells = [("task.kind", "trials"), ("task.inputs", "120"), ("task.outputs", "1")];
    assert_tidy_at_any_size(Schematic::Task, &cells);
}

#[test]
fn schematics_of_cells_are_tidy_and_have_their_equation() {
    for kind in ["vanilla", "leaky", "rate", "feedforward", "gru", "lstm"] {
        for nonlinearity in ["tanh", "relu", "softplus"] {
            let cells = [("network.kind", kind), ("network.nonlinearity", nonlinearity)];
            assert_tidy_at_any_size(Schematic::Cell, &cells);
        }
    }
    let panel = drawn(&of(&[("network.kind", "vanilla")]), Schematic::Cell, 89.0, 50.0);
    let texts: Vec<String> =
        panel.text_boxes().into_iter().map(|one| one.text.replace('\u{2009}', "")).collect();
    assert!(texts.contains(&"ht=φ(ht−1W+xtU+b)".to_owned()), "{texts:?}");
    assert_eq!(csv(panel.data()), "network\nvanilla\n");
}

#[test]
fn schematics_of_connectivity_are_tidy_and_say_what_is_restricted() {
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[], "200 units"),
        (&[("network.rank", "2")], "200 units, rank 2"),
        (&[("network.rank", "1"), ("network.random_part", "true")], "200 units, rank 1"),
        (&[("network.excitatory", "0.8")], "160 excitatory, 40 inhibitory"),
        (&[("network.density", "0.1")], "200 units, density 0.1"),
        (
            &[("network.excitatory", "1"), ("network.density", "0.5")],
            "200 excitatory, 0 inhibitory, density 0.5",
        ),
        (&[("network.train_recurrent", "false"), ("network.train_input", "false")], "200 units"),
    ];
    for (restricted, text) in cases {
        let base = [("task.inputs", "3"), ("task.outputs", "30"), ("network.units", "200")];
        let cells: Vec<(&str, &str)> = base.iter().chain(restricted).copied().collect();
        assert_tidy_at_any_size(Schematic::Network, &cells);
        assert_tidy_at_any_size(Schematic::Weights, &cells);
        let boxes = drawn(&of(&cells), Schematic::Network, 89.0, 50.0).text_boxes();
        assert!(boxes.iter().any(|one| one.text == text), "{text}: {boxes:?}");
    }
    let reservoir = [("network.train_recurrent", "false"), ("network.units", "10")];
    let boxes = drawn(&of(&reservoir), Schematic::Weights, 89.0, 50.0).text_boxes();
    assert!(boxes.iter().any(|one| one.text == "not trained"), "{boxes:?}");
}

#[test]
fn numbers_of_the_task_are_the_data() {
    let cells =
        [("task.kind", "integration"), ("task.stimulus", "20"), ("task.delay", "5"), ("task.response", "5")];
    insta::assert_snapshot!(csv(drawn(&of(&cells), Schematic::Task, 89.0, 50.0).data()), @r"
    task,stimulus,delay,response,timesteps
    integration,20,5,5,30
    ");
    let cells = [("task.outputs", "2"), ("task.inputs", "3"), ("network.units", "50"), ("network.rank", "2")];
    insta::assert_snapshot!(csv(drawn(&of(&cells), Schematic::Network, 89.0, 50.0).data()), @r"
    input_dim,units,outputs,rank
    3,50,2,2
    ");
}

#[test]
fn what_a_schematic_cannot_draw_is_refused() {
    let refused = |cells: &[(&str, &str)], what: Schematic| {
        text_of(&Panel::schematic(&of(cells), what).draw().expect_err("it should not draw"))
    };
    insta::assert_snapshot!(refused(&[("task.kind", "flipflop")], Schematic::Task), @r"
    panel `panel`: there is no schematic of the task `flipflop`
    hint: did you mean `flip_flop`?
    ");
    insta::assert_snapshot!(refused(&[("task.kind", "sine")], Schematic::Task), @r"
    panel `panel`: expected a column `frequencies` for the schematic, found none
    hint: make it an axis of the sweep with one value, as in sweep = { task.frequencies = [51] }
    ");
    insta::assert_snapshot!(refused(&[("network.kind", "transformer")], Schematic::Cell), @r"
    panel `panel`: there is no schematic of a cell of the network `transformer`
    hint: known: `vanilla`, `leaky`, `rate`, `feedforward`, `gru`, `lstm`
    ");
    insta::assert_snapshot!(refused(&[("network.density", "-1")], Schematic::Weights), @r"
    panel `panel`: expected a number above 0 in column `network.density`, found `-1`
    hint: make it an axis of the sweep with one value, as in sweep = { network.density = [0.1] }
    ");
    insta::assert_snapshot!(refused(&[("network.train_recurrent", "perhaps")], Schematic::Weights), @r"
    panel `panel`: expected `true` or `false` in column `network.train_recurrent`, found `perhaps`
    hint: make it an axis of the sweep with one value, as in sweep = { network.train_recurrent = [true] }
    ");
    let huge = [
        ("task.kind", "match"),
        ("task.stimuli", "4"),
        ("task.sample", "1000000000"),
        ("task.delay", "1"),
        ("task.test", "1"),
    ];
    insta::assert_snapshot!(refused(&huge, Schematic::Task), @r"
    panel `panel`: `sample`: expected at most 1000 for a schematic, found 1000000000
    hint: draw the schematic of smaller runs
    ");
}
