//! The reference page of the parameters is made from the code; this test makes it, and fails where it has drifted.

use concertina_model::params::parameters_markdown;

#[test]
fn the_reference_page_of_the_parameters_is_up_to_date() {
    let page = format!(
        "# Parameters\n\nMade from the code: `CONCERTINA_BLESS=1 cargo test -p concertina-model --test documentation` writes this page.\n\n{}",
        parameters_markdown()
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/parameters.md");
    if std::env::var_os("CONCERTINA_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == page, "docs/reference/parameters.md has drifted; CONCERTINA_BLESS=1 writes it anew");
}
