//! Colours: parsing, mixing, and look-up in a continuous map.

use serde::{Deserialize, Deserializer, de::Error as _};

/// An opaque colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);

    /// A colour from its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let part = |from: usize| u8::from_str_radix(&digits[from..from + 2], 16).ok();
        Some(Self::new(part(0)?, part(2)?, part(4)?))
    }

    /// The colour a `share` of the way to `other`, mixed in sRGB: 0 is `self`, 1 is `other`.
    pub fn towards(self, other: Self, share: f64) -> Self {
        let mix = |a: u8, b: u8| {
            (f64::from(a) + share.clamp(0.0, 1.0) * (f64::from(b) - f64::from(a))).round() as u8
        };
        Self::new(mix(self.red, other.red), mix(self.green, other.green), mix(self.blue, other.blue))
    }

    /// The colour at `position` in `[0, 1]` of a map given by equally spaced stops.
    pub(crate) fn from_map(stops: &[Self], position: f64) -> Self {
        let Some(last) = stops.len().checked_sub(1) else { return Self::BLACK };
        let place = position.clamp(0.0, 1.0) * last as f64;
        let index = (place.floor() as usize).min(last.saturating_sub(1));
        let next = stops[(index + 1).min(last)];
        stops[index].towards(next, place - index as f64)
    }

    /// The colour of rank `rank` of `count` in a sequence from light to dark around `self`.
    ///
    /// The first is 62% of the way to white, the last 30% of the way to black. These numbers are arbitrary;
    /// they were chosen by eye so that the first can still be seen on white paper and the last can still be
    /// distinguished from black.
    pub(crate) fn shade(self, rank: usize, count: usize) -> Self {
        let position = if count < 2 { 0.6 } else { rank as f64 / (count - 1) as f64 };
        let light = self.towards(Self::WHITE, 0.62);
        let dark = self.towards(Self::BLACK, 0.30);
        if position < 0.6 {
            light.towards(self, position / 0.6)
        } else {
            self.towards(dark, (position - 0.6) / 0.4)
        }
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("expected a colour as `#rrggbb`, found `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_what_is_printed_gives_the_colour_back() {
        let teal = Colour::new(0, 160, 160);
        assert_eq!(Colour::parse(&teal.to_string()), Some(teal));
        assert_eq!(Colour::parse("teal"), None);
        assert_eq!(Colour::parse("#00a0a"), None);
    }

    #[test]
    fn a_map_meets_its_stops() {
        let stops = [Colour::BLACK, Colour::new(10, 20, 30), Colour::WHITE];
        assert_eq!(Colour::from_map(&stops, 0.0), stops[0]);
        assert_eq!(Colour::from_map(&stops, 0.5), stops[1]);
        assert_eq!(Colour::from_map(&stops, 1.0), stops[2]);
    }

    #[test]
    fn shades_go_from_light_to_dark() {
        let base = Colour::new(0, 160, 160);
        let light = |c: Colour| u32::from(c.red) + u32::from(c.green) + u32::from(c.blue);
        let shades: Vec<u32> = (0..5).map(|rank| light(base.shade(rank, 5))).collect();
        assert!(shades.windows(2).all(|pair| pair[0] > pair[1]), "{shades:?}");
    }
}
