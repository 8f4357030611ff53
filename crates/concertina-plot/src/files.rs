//! Files of a drawing: what they hold and how they are written.

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
    /// Where it goes.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl File {
    /// Writes it: beside its place first, then renamed, so that no reader sees half a file. Folders are made.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self) -> Result<()> {
        let failed = |action: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        }
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = self.path.with_file_name(name);
        let written = std::fs::File::create(&part).and_then(|mut file| file.write_all(&self.bytes));
        if let Err(error) = written.and_then(|()| std::fs::rename(&part, &self.path)) {
            // The error that matters is the first; a leftover part is only untidy.
            let _ = std::fs::remove_file(&part);
            return Err(failed("write", &self.path)(error));
        }
        Ok(())
    }
}

/// A panel drawn, with the numbers in it.
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
    if let Some((character, text)) = scene.undrawable() {
        return Err(Error::Glyph { character, text });
    }
    Ok(svg::write(scene, theme))
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

    /// The numbers drawn.
    pub fn data(&self) -> &Table {
        &self.data
    }

    /// What could not be drawn, and why: error bars that could not be fitted leave a gap.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Boxes of all texts.
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

    /// The files: `stem` with the endings pdf, svg, png and csv.
    ///
    /// # Errors
    /// As [`DrawnPanel::render`].
    pub fn files(&self, stem: &Path) -> Result<Vec<File>> {
        let mut files = drawing_files(stem, self.render()?);
        let mut bytes = Vec::new();
        self.data.write_csv(&mut bytes)?;
        files.push(File { path: with_ending(stem, "csv"), bytes });
        Ok(files)
    }
}

/// PDF, SVG and PNG beside each other.
pub(crate) fn drawing_files(stem: &Path, rendered: Rendered) -> Vec<File> {
    let Rendered { svg, pdf, png } = rendered;
    [("pdf", pdf), ("svg", svg.into_bytes()), ("png", png)]
        .into_iter()
        .map(|(ending, bytes)| File { path: with_ending(stem, ending), bytes })
        .collect()
}

/// `stem` and an ending; dots in the stem are no endings.
fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    stem.with_file_name(name)
}
