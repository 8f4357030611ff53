//! The surroundings of a panel.

/// What a panel needs to know about its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Its name in errors.
    pub(crate) name: &'a str,
    pub(crate) title: Option<&'a str>,
    /// Width and height in points.
    pub(crate) size: (f64, f64),
    /// Whether there is a letter in its upper left corner.
    pub(crate) letter: bool,
    pub(crate) in_figure: bool,
}
