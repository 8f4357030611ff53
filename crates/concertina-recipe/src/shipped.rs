//! The recipes that are built into the program.

/// Name and text of every figure of the paper that has a recipe, in the paper's order.
pub const RECIPES: &[(&str, &str)] = &[
    ("fig1", include_str!("../../../recipes/fig1.toml")),
    ("fig2", include_str!("../../../recipes/fig2.toml")),
    ("fig3", include_str!("../../../recipes/fig3.toml")),
    ("fig4", include_str!("../../../recipes/fig4.toml")),
    ("fig5a", include_str!("../../../recipes/fig5a.toml")),
    ("fig5b", include_str!("../../../recipes/fig5b.toml")),
    ("fig5c", include_str!("../../../recipes/fig5c.toml")),
    ("fig5d", include_str!("../../../recipes/fig5d.toml")),
    ("fig6b", include_str!("../../../recipes/fig6b.toml")),
    ("fig6c", include_str!("../../../recipes/fig6c.toml")),
    ("ed1", include_str!("../../../recipes/ed1.toml")),
    ("ed2", include_str!("../../../recipes/ed2.toml")),
    ("ed3", include_str!("../../../recipes/ed3.toml")),
    ("ed4", include_str!("../../../recipes/ed4.toml")),
    ("ed6", include_str!("../../../recipes/ed6.toml")),
    ("ed10", include_str!("../../../recipes/ed10.toml")),
];

/// The same for figures that are not from the paper. They are drawn only if named.
pub const OTHER_RECIPES: &[(&str, &str)] = &[
    ("flip_flop", include_str!("../../../recipes/flip_flop.toml")),
    ("fixed_points", include_str!("../../../recipes/fixed_points.toml")),
    ("low_rank", include_str!("../../../recipes/low_rank.toml")),
    ("psychometric", include_str!("../../../recipes/psychometric.toml")),
    ("context", include_str!("../../../recipes/context.toml")),
    ("match", include_str!("../../../recipes/match.toml")),
    ("rate_gain", include_str!("../../../recipes/rate_gain.toml")),
    ("line_attractor", include_str!("../../../recipes/line_attractor.toml")),
    ("laziness", include_str!("../../../recipes/laziness.toml")),
    ("realisations", include_str!("../../../recipes/realisations.toml")),
    ("similarity", include_str!("../../../recipes/similarity.toml")),
    ("stretching", include_str!("../../../recipes/stretching.toml")),
    ("temporal_generalisation", include_str!("../../../recipes/temporal_generalisation.toml")),
    ("sine", include_str!("../../../recipes/sine.toml")),
];
