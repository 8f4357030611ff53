//! A store in which one file is foreign.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use concertina::prelude::*;
use concertina_store::{Durability, Keep, Memo, RunKey, Store, StoreOptions};
use concertina_table::Values;

use crate::{reseal, tell};

/// How often a checksum is corrected in a file; a packed file has several.
const SEALS: usize = 4;
/// A run that has only a claim. It differs from the trained run, because a process that trains waits for
/// claims.
const CLAIMED: &str = "00000000000000000000000000000000000000000000000000000000000000aa";
/// The file of the claim.
const CLAIM: &str = "claims/00000000000000000000000000000000000000000000000000000000000000aa.json";
/// The note on a file that was set aside.
const INCIDENT: &str = "set-aside/0123456789abcdef/incident.json";

/// A store on disk, and its contents in an undamaged state.
#[derive(Debug)]
pub struct Template {
    root: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The files that can be replaced by a foreign file, in the order of the first byte.
    places: Vec<PathBuf>,
    key: RunKey,
    params: ValidParams,
    memo: Memo,
}

/// The beginning of the names of our folders, followed by a name and the process id.
const FOLDERS: &str = "concertina-hostile-";

/// A folder in memory, if there is one.
fn fast_place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Removes the folders that targets of this process made, and those of processes that have ended. To be
/// called at the very end.
pub fn tidy() {
    let own = std::process::id();
    for entry in fs::read_dir(fast_place()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name =
            name.to_str().and_then(|name| name.strip_prefix(FOLDERS)?.rsplit_once('-')?.1.parse().ok());
        // If it is unknown which processes are running, only our own folders are removed.
        let ended =
            |pid: u32| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists();
        if name.is_some_and(|pid: u32| pid == own || ended(pid)) {
            let _ = fs::remove_dir_all(entry.path()); // another process may be faster
        }
    }
}

/// A folder of our own, which [`tidy`] removes.
pub(crate) fn fast_folder(name: &str) -> PathBuf {
    let folder = fast_place().join(format!("{FOLDERS}{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder); // of an earlier process with the same id
    fs::create_dir_all(&folder).expect("a folder for tests can be made");
    folder
}

impl Template {
    /// Creates the store of one tiny run, with a file of every kind.
    pub fn new(root: PathBuf) -> Self {
        let mut params = Params::default();
        (params.network.units, params.task.input_dim, params.task.clusters) = (3, 2, 2);
        (params.task.train_samples, params.task.delay) = (4, 2);
        (params.train.batch, params.train.epochs) = (2, 2);
        let sweep = Sweep::of(params).check().expect("a small run");
        let study = Study::open(&root).expect("an empty folder becomes a store");
        let runs = study.train(&sweep).expect("a small run trains");
        runs.analyse(&analysis()).expect("a small run is analysed");
        let (key, params) = (*runs.first().key(), runs.first().params().clone());
        let store = Store::open(&root).expect("it was just created");
        let run = store.run(&key);
        let id = run.checkpoint_ids().expect("a whole store")[0];
        let tensors = run.read_checkpoint(id).expect("a whole store").expect("it is listed");
        let memo = Memo::of(&key, &[], "made_up", 1, "{}");
        let rows = memo_rows([0, 1]);
        store.publish_memo(&memo, rows, "epoch").expect("a memo is kept");
        let other: RunKey = CLAIMED.parse().expect("64 digits");
        store.run(&other).publish_checkpoints(&[(id, &tensors)]).expect("a checkpoint is kept");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("inside the root")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        };
        write(
            CLAIM,
            r#"{"host":"elsewhere","machine":"0123456789abcdef","pid":7,"started":1,"token":"0123456789abcdef"}"#,
        );
        write(
            INCIDENT,
            r#"{"path":"runs/00/x/params.toml","reason":"no checksum","set_aside":"set-aside/0123456789abcdef/params.toml"}"#,
        );
        let mut files = BTreeMap::new();
        collect(&root, Path::new(""), &mut files);
        let of_run = Path::new("runs").join(&key.to_string()[..2]).join(key.to_string());
        let memo_place = Path::new("analyses").join(&memo.key().to_string()[..2]);
        let loose = Path::new("runs/00").join(CLAIMED).join("checkpoints");
        let places = vec![
            of_run.join("params.toml"),
            of_run.join("checkpoints.safetensors"),
            of_run.join("resume.safetensors"),
            of_run.join("history.parquet"),
            of_run.join("provenance.json"),
            "FORMAT".into(),
            CLAIM.into(),
            memo_place.join(format!("{}.parquet", memo.key())),
            INCIDENT.into(),
            loose.join(format!("{id}.safetensors")),
        ];
        for place in &places {
            assert!(files.contains_key(place), "{} is missing", place.display());
        }
        Self { root, files, places, key, params, memo }
    }

    /// Inputs of [`store`]: each file unchanged, after the byte that tells where it belongs.
    pub fn seeds(&self) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
        self.places.iter().enumerate().map(|(number, place)| {
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = match place.iter().next().and_then(|first| first.to_str()) {
                Some("claims") => "claim.json".to_owned(),
                Some("analyses") => "memo.parquet".to_owned(),
                _ => name,
            };
            (format!("{number}_{name}"), [&[number as u8], self.files[place].as_slice()].concat())
        })
    }

    /// Restores the store to its original state.
    fn reset(&self) {
        let _ = fs::remove_dir_all(&self.root);
        for (path, bytes) in &self.files {
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().expect("inside the root")).expect("a folder can be made");
            fs::write(path, bytes).expect("a file can be written");
        }
    }
}

/// An analysis of few samples; which one does not matter.
fn analysis() -> EffectiveDimension {
    EffectiveDimension { samples: 4, ..Default::default() }
}

/// Rows of a memo, each with an epoch and a value.
fn memo_rows(epochs: [i64; 2]) -> Table {
    let columns = [("epoch", Values::from(epochs.to_vec())), ("value", Values::from(vec![0.5, 1.5]))];
    Table::from_columns(columns).expect("columns of one length")
}

fn collect(root: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(root.join(below)).expect("a folder of ours") {
        let entry = entry.expect("a folder of ours");
        let path = below.join(entry.file_name());
        if entry.file_type().expect("a file of ours").is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a file of ours"));
        }
    }
}

/// A store in which one file is replaced by these bytes, unchanged and then with corrected checksums. The
/// store is opened, listed, read and verified; then repaired, trained and analysed. The first byte selects
/// the file.
pub fn store(bytes: &[u8]) {
    static TEMPLATE: OnceLock<Mutex<Template>> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| Mutex::new(Template::new(fast_folder("store"))));
    let template = template.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((first, bytes)) = bytes.split_first() else { return };
    let place = &template.places[usize::from(*first) % template.places.len()];
    template.reset();
    let path = template.root.join(place);
    let mut bytes = bytes.to_vec();
    let mut damaged = true;
    for seal in 0..=SEALS {
        fs::write(&path, &bytes).expect("the folder is ours");
        let reason = look(&template, place);
        damaged = reason.is_some();
        let Some(reason) = reason.filter(|_| seal < SEALS) else { break };
        let resealed = match path.extension() {
            Some(json) if json == "json" && seal == 0 => {
                Some(reseal::json(&bytes, &format!("run {} provenance", template.key)))
            }
            _ => reseal::by_reason(&bytes, &reason),
        };
        let Some(resealed) = resealed else { break };
        bytes = resealed;
    }
    // Damaged files are set aside and recomputed in the same way, whatever they contain, so one in eight is
    // enough.
    if !damaged || bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) % 8 == 0 {
        mend(&template);
    }
}

/// Reads everything and changes nothing. Returns why the file at this place is damaged.
fn look(template: &Template, place: &Path) -> Option<String> {
    let store = match Store::read_only(&template.root) {
        Ok(store) => store,
        Err(error) => {
            tell(&error);
            let _ = error.hint();
            return None;
        }
    };
    for key in store.keys().expect("all folders are our own") {
        let run = store.run(&key);
        let ids = run.checkpoint_ids().expect("damage is not an error");
        run.read_checkpoints(&ids[..ids.len().min(4)]).expect("damage is not an error");
        run.params().expect("damage is not an error");
        run.history().expect("damage is not an error");
        run.provenance().expect("damage is not an error");
        run.read_resume().expect("damage is not an error");
    }
    store.memo(template.memo.key()).expect("damage is not an error");
    store.incidents().expect("damage is not an error");
    store.usage().expect("damage is not an error");
    let findings = store.verify().expect("damage is not an error");
    let study = Study::builder(&template.root).jobs(NonZeroUsize::MIN).read_only().expect("it was just open");
    study.run_table().expect("damage is not an error");
    if let Err(error) = study.stored_run(&template.key.to_string()) {
        tell(&error);
    }
    findings.into_iter().find(|finding| finding.path == place).map(|finding| finding.reason)
}

/// Uses the store: what is damaged is set aside and recomputed.
fn mend(template: &Template) {
    let open = || StoreOptions::new().durability(Durability::Process).claim_timeout(Duration::ZERO);
    let store = match open().open(&template.root) {
        Ok(store) => store,
        Err(error) => {
            tell(&error);
            match Store::repair_format(&template.root) {
                Ok(store) => store,
                Err(error) => return tell(&error),
            }
        }
    };
    let claimed: RunKey = CLAIMED.parse().expect("64 digits");
    drop(store.run(&claimed).claim().expect("damage is not an error"));
    let rows = memo_rows([1, 2]);
    if let Err(error) = store.publish_memo(&template.memo, rows, "epoch") {
        tell(&error);
    }
    let sweep = template.params.clone().into();
    let study = Study::builder(&template.root).jobs(NonZeroUsize::MIN).open().expect("the store is open");
    match study.train(&sweep) {
        Ok(runs) => {
            if let Err(error) = runs.analyse(&analysis()) {
                tell(&error);
            }
        }
        Err(error) => tell(&error),
    }
    store.run(&template.key).pack(Keep::All).expect("damage is not an error");
    store.repair().expect("damage is not an error");
    let left: Vec<_> = store.verify().expect("damage is not an error");
    assert!(left.iter().all(|finding| finding.reason.starts_with("not a file")), "{left:?}");
}
