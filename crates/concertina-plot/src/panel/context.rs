//! Where a panel stands.

/// What a panel needs to know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// What errors call it.
    pub(crate) name: &'a str,
    pub(crate) title: Option<&'a str>,
    /// Width and height in points.
    pub(crate) size: (f64, f64),
    /// Whether a letter stands in its upper left corner.
    pub(crate) letter: bool,
    pub(crate) in_figure: bool,
}
