//! Every target on its corpus and on a few hundred mutated inputs: quick, and on every compiler.

#[path = "common/mod.rs"]
mod common;

/// Mutated inputs per target.
const MUTATIONS: usize = 300;

/// Targets that write files or draw figures are slower.
fn mutations(target: &str) -> usize {
    if matches!(target, "store" | "recipe") { MUTATIONS / 3 } else { MUTATIONS }
}

#[test]
fn every_target_withstands_its_corpus_and_mutations_of_it() {
    for (name, target) in concertina_hostile::TARGETS {
        let corpus = common::corpus(name);
        assert!(!corpus.is_empty(), "no corpus for {name}");
        for input in &corpus {
            common::run(name, *target, input);
        }
        let mut inputs = common::Mutations::new(name, &corpus);
        for _ in 0..mutations(name) {
            common::run(name, *target, &inputs.next());
        }
    }
    concertina_hostile::tidy();
}

#[test]
fn no_folder_of_the_corpus_is_without_a_target() {
    for entry in std::fs::read_dir(common::folder()).expect("the corpus exists") {
        let name = entry.expect("a folder").file_name();
        let known = concertina_hostile::TARGETS.iter().any(|(known, _)| name == *known);
        assert!(known, "no target {}", name.display());
    }
}
