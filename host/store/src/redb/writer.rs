//! The one thread that writes. What arrives while it writes is applied together with the next write, so that many
//! commits share one write to the disk.

use super::apply::Batch;
use super::file::File;
use crate::{Kept, Observer, StoreError};
use hostler_core::changes::Changes;
use hostler_core::message::Epoch;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::oneshot;

/// At most so many jobs share one write, so that none waits long.
const GROUP: usize = 1_000;

pub(super) enum Job {
    Commit(Changes),
    Keep(Vec<Kept>),
}

type Waiting = (Job, oneshot::Sender<Result<(), StoreError>>);

pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Waiting>>,
    observers: Arc<Mutex<Vec<Observer>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(database: Arc<File>, epoch: Epoch) -> Self {
        let (sender, jobs) = mpsc::channel();
        let observers: Arc<Mutex<Vec<Observer>>> = Arc::default();
        let watching = Arc::clone(&observers);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || run(&database, epoch, &jobs, &watching))
            .map_err(|error| tracing::error!(%error, "the store's thread can't be started"))
            .ok();
        Self { jobs: Some(sender), observers, thread }
    }

    pub(super) fn observe(&self, observer: Observer) {
        self.observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    pub(super) async fn submit(&self, job: Job) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send((job, done)).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(database: &File, epoch: Epoch, jobs: &mpsc::Receiver<Waiting>, observers: &Mutex<Vec<Observer>>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP - 1));
        match write(database, epoch, &group) {
            Ok(answers) => {
                let observers = observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for ((job, done), answer) in group.into_iter().zip(answers) {
                    if let (Job::Commit(changes), Ok(())) = (&job, &answer) {
                        observers.iter().for_each(|observer| observer(changes));
                    }
                    let _ = done.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a write of {} changes failed as a whole", group.len());
                database.recover_from(&error);
                for (_, done) in group {
                    let _ = done.send(Err(error.clone()));
                }
            }
        }
    }
}

/// One write for the whole group. Each job is checked before any of it is written, so one that is refused
/// leaves the others alone; an error of the disk undoes them all.
fn write(database: &File, epoch: Epoch, group: &[Waiting]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let transaction = database.begin_write()?;
    let answers = {
        let mut batch = Batch::open(&transaction, epoch)?;
        group
            .iter()
            .map(|(job, _)| match job {
                Job::Commit(changes) => match batch.check(changes) {
                    Err(StoreError::Storage(error)) => Err(StoreError::Storage(error)),
                    Err(refusal) => Ok(Err(refusal)),
                    Ok(()) => batch.apply(changes).map(Ok),
                },
                Job::Keep(kept) => batch.keep(kept).map(Ok),
            })
            .collect::<Result<Vec<_>, StoreError>>()?
    };
    transaction.commit()?;
    Ok(answers)
}
