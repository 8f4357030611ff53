//! The schema in the documentation is that of the code. `docs/tests` checks that every recipe fits it.

use concertina_recipe::Recipe;

#[test]
fn the_schema_in_the_documentation_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/recipe.schema.json");
    let text = format!("{:#}\n", Recipe::schema());
    if std::env::var_os("CONCERTINA_BLESS").is_some() {
        std::fs::write(path, &text).expect("the schema can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "docs/reference/recipe.schema.json has drifted; CONCERTINA_BLESS=1 writes it again"
    );
}
