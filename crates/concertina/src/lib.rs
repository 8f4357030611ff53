//! Train many small recurrent networks and ask how their representations form.
