//! Figures as data: recipes, panels, error bars; PDF, SVG, PNG and CSV.
