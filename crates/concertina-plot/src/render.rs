//! Converts SVG to PNG and PDF.

use krilla::{Document, SerializeSettings, geom::Size, page::PageSettings};
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::tiny_skia;

use crate::{
    Error, Result,
    font::{self, FAMILY},
};

/// Inches per metre, for the resolution in a PNG.
const INCHES_PER_METRE: f64 = 1.0 / 0.0254;

/// A drawing in every format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Scalable, with text as text.
    pub svg: String,
    /// Vector graphics with selectable text and a subset of the typeface.
    pub pdf: Vec<u8>,
    /// On white, at the theme's resolution.
    pub png: Vec<u8>,
}

fn tree(svg: &str) -> Result<usvg::Tree> {
    let options = usvg::Options {
        font_family: FAMILY.to_owned(),
        fontdb: font::database(),
        // One CSS pixel is a 96th of an inch, so that 72 points are an inch.
        dpi: 96.0,
        // A drawing from elsewhere must not read files.
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Default::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|source| Error::Svg { source: Box::new(source) })
}

/// The PDF of an SVG, with its text as text in the shipped typeface. Images in it are left out.
///
/// # Errors
/// [`Error::Svg`] if it is not SVG; [`Error::Pdf`].
pub fn pdf_of_svg(svg: &str) -> Result<Vec<u8>> {
    pdf(&tree(svg)?)
}

/// The PDF and PNG of an SVG made by this crate.
pub(crate) fn render(svg: String, dots_per_inch: f64) -> Result<Rendered> {
    let tree = tree(&svg)?;
    Ok(Rendered { pdf: pdf(&tree)?, png: png(&tree, dots_per_inch)?, svg })
}

fn pdf(tree: &usvg::Tree) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::Pdf { reason };
    let points = |pixels: f32| pixels * 0.75;
    let size = Size::from_wh(points(tree.size().width()), points(tree.size().height()))
        .ok_or_else(|| failed("the page has no area".to_owned()))?;
    let mut document = Document::new_with(SerializeSettings::default());
    let settings = PageSettings::from_wh(size.width(), size.height())
        .ok_or_else(|| failed("the page has no area".to_owned()))?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    surface
        .draw_svg(tree, size, SvgSettings { embed_text: true, filter_scale: 1.0 })
        .ok_or_else(|| failed("the drawing cannot be written".to_owned()))?;
    surface.finish();
    page.finish();
    document.finish().map_err(|error| failed(format!("{error:?}")))
}

fn png(tree: &usvg::Tree, dots_per_inch: f64) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::Png { reason };
    let scale = (dots_per_inch / 96.0) as f32;
    let pixels = |length: f32| (length * scale).round().max(1.0) as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut pixmap = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| failed(format!("{width} by {height} pixels do not fit in memory")))?;
    pixmap.fill(tiny_skia::Color::WHITE);
    resvg::render(tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    // Everything is on opaque white, so alpha carries no information.
    let colours: Vec<u8> =
        pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (dots_per_inch * INCHES_PER_METRE).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(|error| failed(error.to_string()))?;
    writer.write_image_data(&colours).map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}
