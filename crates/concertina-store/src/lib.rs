//! The run store: keys, atomic publishing, checksums.
//!
//! A run is named by its content (its parameters in canonical form), so two processes that train the same run
//! mean the same folder, and the second finds what is there. The folder is the truth: the index and the table
//! of runs are derived from it, and may be deleted.
//!
//! ```text
//! store/
//!   FORMAT                      `concertina store 1`: the layout's version; a newer one is refused
//!   runs/<2 hex>/<key>/         a run; the key is 64 hexadecimal digits, the folder above its first two
//!     params.toml               all parameters; the last line is a comment with their BLAKE3
//!     checkpoints/<epoch>_<update>.safetensors    loose checkpoints, while the run goes on
//!     checkpoints.safetensors   all checkpoints of a finished run in one file (below)
//!     resume.safetensors        optimizer, scheduler and counters at the newest checkpoint
//!     history.parquet           loss, accuracy, learning rate, per epoch and phase
//!     provenance.json           {"blake3", "subject", "value"}: version, processor, times
//!   analyses/<2 hex>/<key>.parquet                memoised results
//!   trials/<32 hex>.safetensors trials that runs were trained on, where they were made elsewhere; named by content
//!   runs.csv                    a view of all runs; taken away when one changes, so never out of date
//!   index.parquet               what is known of many runs, so that listing them is fast; safe to delete
//!   claims/<key>.json           which process is training what; safe to delete
//!   incoming/                   files being written; safe to delete when no process writes
//!   set-aside/<token>/          a damaged file, and `incident.json` with the reason
//! ```
//!
//! # Packed checkpoints
//!
//! A tensor is named `<epoch>_<update>/<name>`; one that is the same in all checkpoints of the file (fixed
//! input weights) stands once, as `all/<name>`. In Python:
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
//! * **Whole or not there.** Every file is written in `incoming/`, flushed, and renamed ([`Batch`]); a killed
//!   process leaves nothing else. The first publisher of parameters, checkpoints and rows of memoised results
//!   has them; history, provenance and the state to resume from are replaced.
//! * **Damage is found.** Every file holds a BLAKE3 of its content *and of what it is of*, so flipped bits,
//!   cut ends and files that changed places are found on reading. The file is moved to `set-aside/` with the
//!   reason ([`Store::incidents`]), and reads as not there. In a packed file each checkpoint has its own
//!   hash: one damaged checkpoint costs one.
//! * **The same content gives the same bytes.** No times, no random order.
//! * **No locks.** A claim ([`RunFolder::claim`]) only saves double work; see there.
//! * **Nothing outside the root is touched.** Links that lead out are refused. (Against accidents; who can
//!   write into a store while it is used is trusted.)
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
