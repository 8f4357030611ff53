//! The run store: keys, atomic publishing, checksums.
//!
//! A run is named by its content (its parameters in canonical form), so two processes that train the same run
//! use the same folder, and the second finds what the first has stored. The folders are the only source of
//! truth: the index and the table of runs are derived from them, and may be deleted.
//!
//! ```text
//! store/
//!   FORMAT                      `concertina store 1`: the layout's version; a newer one is refused
//!   runs/<2 hex>/<key>/         a run; the key is 64 hexadecimal digits, the folder above its first two
//!     params.toml               all parameters; the last line is a comment with their BLAKE3
//!     checkpoints/<epoch>_<update>.safetensors    loose checkpoints, during training
//!     checkpoints.safetensors   all checkpoints of a finished run in one file (below)
//!     resume.safetensors        optimizer, scheduler and counters at the newest checkpoint
//!     history.parquet           loss, accuracy, learning rate, per epoch and phase
//!     provenance.json           {"blake3", "subject", "value"}: version, processor, times
//!   analyses/<2 hex>/<key>.parquet                memoised results
//!   trials/<32 hex>.safetensors trials made elsewhere that runs were trained on; named by content
//!   runs.csv                    a table of all runs; removed when one changes, so never out of date
//!   index.parquet               what is known of many runs, so that listing them is fast; safe to delete
//!   claims/<key>.json           which process is training what; safe to delete
//!   incoming/                   files being written; safe to delete when no process writes
//!   set-aside/<token>/          a damaged file, and `incident.json` with the reason
//! ```
//!
//! # Packed checkpoints
//!
//! A tensor is named `<epoch>_<update>/<name>`. A tensor that is the same in all checkpoints of the file
//! (fixed input weights) is stored once, as `all/<name>`. In Python:
//!
//! ```python
//! from safetensors.numpy import load_file
//! tensors = load_file("checkpoints.safetensors")
//! def checkpoint(id):  # such as "12_960"
//!     places = (name.split("/", 1) for name in tensors)
//!     return {name: tensors[f"{at}/{name}"] for at, name in places if at in ("all", id)}
//! ```
//!
//! # What can be relied on
//!
//! * **Files are complete or absent.** Every file is written in `incoming/`, flushed, and renamed
//!   ([`Batch`]). A killed process leaves nothing else behind. For parameters, checkpoints and rows of
//!   memoised results, the first publisher wins; history, provenance and the state to resume from are
//!   replaced.
//! * **Damage is found.** Every file holds a BLAKE3 hash of its content *and of its subject*, so flipped
//!   bits, truncated files and files in the wrong place are found on reading. The file is moved to
//!   `set-aside/` with the reason ([`Store::incidents`]), and reads as missing. In a packed file each
//!   checkpoint has its own hash, so damage to one checkpoint does not affect the others.
//! * **The same content gives the same bytes.** Files contain no times and no random order.
//! * **No locks.** A claim ([`RunFolder::claim`]) only avoids duplicate work.
//! * **Nothing outside the root is touched.** Links that lead out are refused. (This guards against
//!   accidents. Anyone who can write into a store while it is used is trusted.)
//! * **Errors name the path** and say what to do ([`Error::hint`]).

mod batch;
mod checkpoint_id;
mod claim;
mod container;
mod content;
mod damage;
mod disk;
mod error;
mod incident;
mod index;
mod key;
mod layout;
mod merge;
mod pack;
mod place;
mod premises;
mod process;
mod remove;
mod run_folder;
mod sealed;
mod store;
mod tensors;
mod usage;
mod verify;

pub use batch::{Batch, Keep, Published};
pub use checkpoint_id::CheckpointId;
pub use claim::{Claim, ClaimNote, Claimed, Holder};
pub use content::RUN_TABLE;
pub use disk::{Step, StepHook};
pub use error::{Error, Result};
pub use incident::Incident;
pub use index::Stamp;
pub use key::{Memo, MemoKey, RunKey, TrialsKey};
pub use layout::VERSION as LAYOUT;
pub use premises::{Premises, Probe};
pub use remove::{MemoEntry, Removal, Removed, RunRemoval, Thinning};
pub use run_folder::RunFolder;
pub use store::{Durability, Store, StoreOptions};
pub use tensors::Tensors;
pub use usage::Usage;
pub use verify::{Finding, FindingKind};
