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

/// How often a checkpoint is looked for while other processes replace the pack. Arbitrary: for each
/// repetition, a whole run must have been packed meanwhile.
const LOOKS: usize = 16;

/// One run's folder, which need not exist yet. It is cheap to clone.
///
/// Reading gives `None` for a file that is missing *or damaged*. A damaged file is set aside first.
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

    /// True if the folder exists, whatever it contains.
    ///
    /// # Errors
    /// Failures of the system; [`Error::LeadsOut`](crate::Error::LeadsOut).
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
    /// Failures of the system; this also holds for all methods that follow.
    pub fn params(&self) -> Result<Option<String>> {
        self.read(Content::Params(self.key), Content::text)
    }

    /// Publishes the parameters, terminated by a newline. Existing ones are kept.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn publish_params(&self, text: &str) -> Result<()> {
        let mut batch = self.store.batch();
        batch.params(self, text);
        batch.publish().map(drop)
    }

    /// The loss, accuracy and learning rate per epoch and phase.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn history(&self) -> Result<Option<Table>> {
        self.read(Content::History(self.key), Content::table)
    }

    /// Publishes the history, which replaces the previous one.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table); failures of the system.
    pub fn publish_history(&self, table: &Table) -> Result<()> {
        let mut batch = self.store.batch();
        batch.history(self, table)?;
        batch.publish().map(drop)
    }

    /// The version, commit, processor and times.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn provenance(&self) -> Result<Option<Value>> {
        self.read(Content::Provenance(self.key), Content::json)
    }

    /// Publishes the provenance, which replaces the previous one.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn publish_provenance(&self, value: &Value) -> Result<()> {
        let mut batch = self.store.batch();
        batch.provenance(self, value);
        batch.publish().map(drop)
    }

    /// The state of optimizer, scheduler and counters at the newest checkpoint.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn read_resume(&self) -> Result<Option<Tensors>> {
        self.read(Content::Resume(self.key), Content::tensors)
    }

    /// Publishes the state to resume from, which replaces the previous one.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); failures of the system.
    pub fn publish_resume(&self, tensors: &Tensors) -> Result<()> {
        let mut batch = self.store.batch();
        batch.resume(self, tensors)?;
        batch.publish().map(drop)
    }

    /// The existing checkpoints, packed or loose, in order of updates.
    ///
    /// # Errors
    /// Failures of the system.
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
    /// Failures of the system.
    pub fn read_checkpoint(&self, id: CheckpointId) -> Result<Option<Tensors>> {
        Ok(self.read_checkpoints(&[id])?.pop().flatten())
    }

    /// Several checkpoints, in the order asked for. A packed file is opened once, and only what is asked for
    /// is read.
    ///
    /// # Errors
    /// Failures of the system.
    pub fn read_checkpoints(&self, ids: &[CheckpointId]) -> Result<Vec<Option<Tensors>>> {
        let mut pack = self.open_pack()?;
        ids.iter().map(|&id| self.find_checkpoint(id, &mut pack)).collect()
    }

    /// Finds a checkpoint that is packed, or loose, or packed by another process between the two looks.
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

    /// Sets aside a pack with a damaged checkpoint, and publishes a new pack with the others.
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

    /// Publishes checkpoints as loose files, one file per checkpoint. Existing ones, loose or packed, are
    /// kept.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); failures of the system.
    pub fn publish_checkpoints(&self, checkpoints: &[(CheckpointId, &Tensors)]) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.checkpoints(self, checkpoints)?;
        batch.publish()
    }

    /// Publishes checkpoints in one file together with all existing ones, packed or loose, which stay as they
    /// are.
    ///
    /// The new file replaces the old one atomically; then loose files are removed. Readers find every
    /// checkpoint at any moment.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge),
    /// [`Error::TensorName`](crate::Error::TensorName); failures of the system.
    pub fn publish_packed(&self, checkpoints: &[(CheckpointId, &Tensors)]) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.packed(self, checkpoints, Keep::All);
        batch.publish()
    }

    /// Packs the existing checkpoints into one file, and removes those that are not to be kept.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`](crate::Error::HeaderTooLarge); failures of the system.
    pub fn pack(&self, keep: Keep<'_>) -> Result<Published> {
        let mut batch = self.store.batch();
        batch.packed(self, &[], keep);
        batch.publish()
    }

    /// Asks for a claim to train this run.
    ///
    /// # Errors
    /// [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly); failures of the system.
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
