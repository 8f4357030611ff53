//! Errors of devices.

/// Why a device cannot be used, or can no longer be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no device with this number.
    #[error("expected the number of a GPU, below {found}, found {asked}")]
    NoDevice {
        /// The number that was asked for.
        asked: usize,
        /// How many devices were found.
        found: usize,
    },
    /// No device was found.
    #[error("no GPU was found")]
    None,
    /// The driver refuses to open the device.
    #[error("{device} cannot be opened: {reason}")]
    CannotOpen {
        /// The name of the device.
        device: String,
        /// What the driver says.
        reason: String,
    },
    /// The memory of the device does not suffice.
    #[error("{device} has too little memory for {networks} networks")]
    OutOfMemory {
        /// The name of the device.
        device: String,
        /// How many networks were to be trained together.
        networks: usize,
    },
    /// The device stopped working.
    #[error("{device} stopped working: {reason}")]
    Lost {
        /// The name of the device.
        device: String,
        /// What the driver says.
        reason: String,
    },
}

/// A result of work on a device.
pub type Result<T, E = Error> = std::result::Result<T, E>;
