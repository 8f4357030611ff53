//! One run's folder.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use concertina_table::Table;
use serde_json::Value;

use crate::claim::{self, Claimed};
use crate::content::{CHECKPOINTS, Content, TENSORS_ENDING, run_path};
use crate::damage::Damage;
use crate::pack::Pack;
use crate::place::{FileId, entries};
use crate::{CheckpointId, Keep, Published, Result, RunKey, Store, Tensors};

/// How often a checkpoint is looked for while others replace the pack. Arbitrary: each time a whole run is
/// packed meanwhile.
const LOOKS: usize = 16;

/// One run's folder, which need not be there yet. Cheap to clone.
///
/// Reading gives `None` for what is not there *or damaged*: a damaged file is set aside first.
#[derive(Debug, Clone)]
pub struct RunFolder {
    pub(crate) store: Store,
    key: RunKey,
}

impl RunFolder {
    pub(crate) fn new(store: Store, key: RunKey) -> Self {
        Self { store, key }
    }

    /// The store that it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The run's key.
    pub fn key(&self) -> &RunKey {
        &self.key
    }

    /// Where the folder is, or would be.
    pub fn path(&self) -> PathBuf {
        self.store.root().join(run_path(&self.key))
    }

    /// True if the folder is there, with whatever in it.
    ///
    /// # Errors
    /// The system's failures, [`Error::LeadsOut`](crate::Error::LeadsOut).
    pub fn exists(&self) -> Result<bool> {
        Ok(self.store.disk.folder(&run_path(&self.key))?.is_some())
    }

    fn read<T>(
        &self,
        content: Content,
        parse: impl FnOnce(&Content, File, u64) -> std::result::Result<T, Damage>,
    ) -> Result<Option<T>> {
        self.store.disk.read(&content.path(), |file, length| parse(&content, file, length))
    }

    /// The parameters, as they were published.
    ///
    /// # Errors
    /// The system's failures; also for all that follow.
    pub fn params(&self) -> Result<Option<String>> {
        self.read(Content::Params(self.key), Content::text)
    }

    /// Keeps the parameters, ended by a newline; those that are there stay.
    ///
    /// # Errors
    /// The system's failures.
    pub fn publish_params(&self, text: &str) -> Result<()> {
        let mut batch = self.store.batch();
        batch.params(self, text);
        batch.publish().map(drop)
    }

    /// Loss, accuracy, learning rate, per epoch and phase.
    ///
    /// # Errors
    /// The system's failures.
    pub fn history(&self) -> Result<Option<Table>> {
        self.read(Content::History(self.key), Content::table)
    }

    /// Keeps the history in place of the one before.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table); the system's failures.
    pub fn publish_history(&self, table: &Table) -> Result<()> {
        let mut batch = self.store.batch();
        batch.history(self, table)?;
        batch.publish().map(drop)
    }

    /// Version, commit, processor, times.
    ///
    /// # Errors
    /// The system's failures.
    pub fn provenance(&self) -> Result<Option<Value>> {
        self.read(Content::Provenance(self.key), Content::json)
    }

    /// Keeps the provenance in place of the one before.
    ///
    /// # Errors
    /// The system's failures.
    pub fn publish_provenance(&self, value: &Value) -> Result<()> {
        let mut batch = self.store.batch();
        batch.provenance(self, value);
        batch.publish().map(drop)
    }

    /// The state of optimizer, scheduler and counters at the newest checkpoint.
    ///
    /// # Errors
    /// The system's failures.
    pub fn read_resume(&self) -> Result<Option<Tensors>> {
        self.read(Content::Resume(self.key), Content::tensors)
    }

    /// Keeps the state to resume from in place of the one before.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); the system's failures.
    pub fn publish_resume(&self, tensors: &Tensors) -> Result<()> {
        let mut batch = self.store.batch();
        batch.resume(self, tensors)?;
        batch.publish().map(drop)
    }

    /// The checkpoints there are, packed or loose, in order of updates.
    ///
    /// # Errors
    /// The system's failures.
    pub fn checkpoint_ids(&self) -> Result<Vec<CheckpointId>> {
        let mut ids = self.loose_ids()?;
        if let Some(pack) = self.open_pack()? {
            ids.extend(pack.ids());
        }
        Ok(ids.into_iter().collect())
    }

    /// One checkpoint.
    ///
    /// # Errors
    /// The system's failures.
    pub fn read_checkpoint(&self, id: CheckpointId) -> Result<Option<Tensors>> {
        Ok(self.read_checkpoints(&[id])?.pop().flatten())
    }

    /// Some checkpoints, in the order asked for; a packed file is opened once, and only what is asked for is
    /// read.
    ///
    /// # Errors
    /// The system's failures.
    pub fn read_checkpoints(&self, ids: &[CheckpointId]) -> Result<Vec<Option<Tensors>>> {
        let mut pack = self.open_pack()?;
        ids.iter().map(|&id| self.find_checkpoint(id, &mut pack)).collect()
    }

    /// Packed, or loose, or packed by another process between the two looks.
    fn find_checkpoint(&self, id: CheckpointId, pack: &mut Option<Pack<File>>) -> Result<Option<Tensors>> {
        let path = self.store.root().join(Content::Pack(self.key).path());
        for _ in 0..LOOKS {
            match pack.as_mut().map(|pack| pack.read(id)) {
                None | Some(Ok(None)) => {}
                Some(Ok(tensors)) => return Ok(tensors),
                Some(Err(Damage::Io(error))) => return Err(crate::Error::io("read", &path, error)),
                Some(Err(Damage::Content(reason))) => {
                    self.salvage(id, &reason)?;
                    *pack = self.open_pack()?;
                }
            }
            let opened = pack.as_ref().and_then(Pack::id);
            let loose = self.read(Content::Checkpoint(self.key, id), Content::tensors)?;
            if loose.is_some() || FileId::at(&path) == opened {
                return Ok(loose);
            }
            *pack = self.open_pack()?;
        }
        Ok(None)
    }

    /// Sets a pack aside in which one checkpoint is damaged, and publishes a new one with the others.
    fn salvage(&self, id: CheckpointId, reason: &str) -> Result<()> {
        let disk = &self.store.disk;
        if disk.read_only {
            return disk.set_aside(
                &Content::Pack(self.key).path(),
                &format!("checkpoint {id}: {reason}"),
                None,
            );
        }
        self.pack(Keep::All).map(drop)
    }

    /// Keeps checkpoints as loose files, one each; those that are there, loose or packed, stay.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); the system's failures.
    pub fn publish_checkpoints(&self, checkpoints: &[(CheckpointId, &Tensors)]) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.checkpoints(self, checkpoints)?;
        batch.publish()
    }

    /// Keeps checkpoints in one file together with all that are there, packed or loose; those that are there
    /// stay as they are.
    ///
    /// The new file replaces the old one at once; then loose files are removed. Readers find every checkpoint
    /// at any moment.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); the system's failures.
    pub fn publish_packed(&self, checkpoints: &[(CheckpointId, &Tensors)]) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.packed(self, checkpoints, Keep::All);
        batch.publish()
    }

    /// Packs what is there into one file, and forgets checkpoints that are not to be kept.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge); the system's failures.
    pub fn pack(&self, keep: Keep<'_>) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.packed(self, &[], keep);
        batch.publish()
    }

    /// Asks to be the one who trains this run.
    ///
    /// # Errors
    /// [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly); the system's failures.
    pub fn claim(&self) -> Result<Claimed> {
        claim::claim(&self.store.disk, &self.key, self.store.claim_timeout)
    }

    pub(crate) fn open_pack(&self) -> Result<Option<Pack<File>>> {
        self.read(Content::Pack(self.key), |_, file, length| Pack::open(file, length, &self.key))
    }

    pub(crate) fn loose_ids(&self) -> Result<BTreeSet<CheckpointId>> {
        let folder = run_path(&self.key).join(CHECKPOINTS);
        let Some(folder) = self.store.disk.folder(&folder)? else { return Ok(BTreeSet::new()) };
        let listing = entries(&folder)?;
        Ok(listing
            .into_iter()
            .filter(|(_, entry)| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|(name, _)| name.strip_suffix(TENSORS_ENDING)?.parse().ok())
            .collect())
    }
}
