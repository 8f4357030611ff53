//! The files of a drawing: their contents, and how they are written.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use concertina_table::Table;

use crate::{
    Error, Result, Theme,
    render::{self, Rendered},
    scene::{Rect, Scene, TextBox},
    svg,
};

/// A file and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path to write to.
    pub path: PathBuf,
    /// The contents.
    pub bytes: Vec<u8>,
}

impl File {
    /// Writes the file under a temporary name next to its place and then renames it, so that no reader sees
    /// an incomplete file. Missing folders are created.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self) -> Result<()> {
        let failed = |action: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed("create the folder", folder))?;
        }
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = self.path.with_file_name(name);
        let written = std::fs::File::create(&part).and_then(|mut file| file.write_all(&self.bytes));
        if let Err(error) = written.and_then(|()| std::fs::rename(&part, &self.path)) {
            // The first error is the one that matters; a leftover part is only untidy.
            let _ = std::fs::remove_file(&part);
            return Err(failed("write", &self.path)(error));
        }
        Ok(())
    }
}

/// A drawn panel, with the numbers in it.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnPanel {
    scene: Scene,
    svg: String,
    data: Table,
    problems: Vec<String>,
    dots_per_inch: f64,
}

/// The SVG of a scene, if every character can be drawn.
pub(crate) fn spelled(scene: &Scene, theme: &Theme) -> Result<String> {
    match scene.undrawable() {
        Some(error) => Err(error),
        None => Ok(svg::write(scene, theme)),
    }
}

impl DrawnPanel {
    pub(crate) fn new(scene: Scene, data: Table, problems: Vec<String>, theme: &Theme) -> Result<Self> {
        let svg = spelled(&scene, theme)?;
        Ok(Self { scene, svg, data, problems, dots_per_inch: theme.page.dots_per_inch })
    }

    /// The drawing as SVG.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The numbers that are drawn.
    pub fn data(&self) -> &Table {
        &self.data
    }

    /// What could not be drawn, and why. Error bars that could not be fitted, for example, leave a gap.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The boxes of all texts.
    pub fn text_boxes(&self) -> Vec<TextBox> {
        self.scene.text_boxes()
    }

    /// The page, in points.
    pub fn page(&self) -> Rect {
        self.scene.page()
    }

    /// SVG, PDF and PNG.
    ///
    /// # Errors
    /// [`Error::Svg`], [`Error::Pdf`], [`Error::Png`].
    pub fn render(&self) -> Result<Rendered> {
        render::render(self.svg.clone(), self.dots_per_inch)
    }

    /// The files: `stem` with the extensions pdf, svg, png and csv.
    ///
    /// # Errors
    /// The errors of [`DrawnPanel::render`].
    pub fn files(&self, stem: &Path) -> Result<Vec<File>> {
        let mut files = drawing_files(stem, self.render()?);
        let mut bytes = Vec::new();
        self.data.write_csv(&mut bytes)?;
        files.push(File { path: with_ending(stem, "csv"), bytes });
        Ok(files)
    }
}

/// PDF, SVG and PNG next to each other.
pub(crate) fn drawing_files(stem: &Path, rendered: Rendered) -> Vec<File> {
    let Rendered { svg, pdf, png } = rendered;
    [("pdf", pdf), ("svg", svg.into_bytes()), ("png", png)]
        .into_iter()
        .map(|(ending, bytes)| File { path: with_ending(stem, ending), bytes })
        .collect()
}

/// `stem` with an extension. A dot in the stem does not start an extension.
fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    stem.with_file_name(name)
}
