//! What follows when a copy of the store was put back. Nobody knows what was spent, given out or ended since the copy was
//! made; so what could revive ends, before anybody is served, in one commit that also says so.

use hostler_core::access::{Token, TokenKind};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Invitation, Places, Withdrawal};
use hostler_core::event::Event;
use hostler_core::reading::Severity;
use hostler_core::request::{Context, Happening, Step};
use hostler_core::{NodeId, Timestamp};
use hostler_engine::now;
use hostler_store::{Store, StoreError};

/// Ends what could revive, where the store is a copy that was put back; else changes nothing. For before anything is served.
///
/// Every invitation that lived when the copy was made is withdrawn: it may have been used since. Log-ins, and the command
/// line's own tokens, end. Programs' tokens, users and devices are as they were then. Neighbours for whom nothing waits
/// begin a new epoch, so that they tell anew what they told since; for the others the next meeting shows whether they have
/// messages that this store doesn't know, and until then nothing is given to them. Requests that were under way end: what was
/// done since isn't done again.
///
/// # Errors
/// The store's; nothing was changed then, and the next start does it.
pub async fn reconcile(store: &dyn Store, own: &NodeId, parent: Option<&NodeId>) -> Result<(), StoreError> {
    let Some(at) = store.copied_at()? else { return Ok(()) };
    let withdrawn = invitations(store, at)?;
    let ended = tokens(store)?;
    let (invitations, log_ins) = (withdrawn.0.len(), ended.0.len());
    let text = format!(
        "A backup of {at} was put back. {invitations} PINs and keys that lived then were withdrawn, because nobody knows \
         which were used since, and {log_ins} log-ins ended. Users, programs' tokens and bars are as they were then: \
         whoever was removed, revoked or barred since is to be again. Devices that came in since are strangers and need a new PIN."
    );
    let event = Event {
        at: now(),
        node: None,
        device: None,
        name: "backup.restored".to_owned(),
        severity: Severity::Warning,
        text,
    };
    let requests = requests(store, own)?;
    let all = [withdrawn, ended, numbering(store, parent)?, requests, Changes::from(Change::Happened(event))];
    let all: Changes = all.into_iter().flat_map(|changes| changes.0).chain([Change::Reconciled]).collect();
    match store.commit(all.clone()).await {
        // Nobody who asked is told then: it ends there at its limit.
        Err(StoreError::OutboxFull { .. }) => {
            let silent = all.0.into_iter().filter(|change| !matches!(change, Change::Send { .. }));
            store.commit(silent.collect()).await?;
        }
        outcome => outcome?,
    }
    tracing::warn!(backup = %at, invitations, log_ins, "a backup was put back; what could revive was withdrawn");
    Ok(())
}

/// The end of each invitation that was good for somebody when the copy was made.
fn invitations(store: &dyn Store, at: Timestamp) -> Result<Changes, StoreError> {
    let lived = |invitation: &Invitation| {
        invitation.expires_at > at && !matches!(invitation.places, Places::Exactly { left: 0 })
    };
    let rows = store.all_invitations()?.into_iter().filter(|row| lived(&row.value));
    let withdrawn = rows.filter_map(|row| {
        let value = Some(Box::new(row.value.withdrawn(Withdrawal::BackupRestored)?));
        Some(Change::Invitation { digest: row.value.digest, expect: Expect::Version(row.version), value })
    });
    Ok(withdrawn.collect())
}

/// The end of each request that was under way.
fn requests(store: &dyn Store, own: &NodeId) -> Result<Changes, StoreError> {
    let context = Context { own: own.clone(), now: now() };
    let under_way = store.flights()?.into_iter().filter(|row| row.value.outcome().is_none());
    let ended = under_way.map(|row| {
        let Step { next, changes } = row.value.step(Happening::PutBack, &context);
        let (id, expect) = (next.id.clone(), Expect::Version(row.version));
        changes.and(Change::Flight { id, expect, value: Some(Box::new(next)) })
    });
    Ok(ended.fold(Changes::none(), Changes::with))
}

fn tokens(store: &dyn Store) -> Result<Changes, StoreError> {
    let ends = |token: &Token| match token.kind {
        TokenKind::Session | TokenKind::Local => true,
        TokenKind::Program => false,
    };
    let tokens = store.tokens()?.into_iter().filter(|(_, token)| ends(token));
    Ok(tokens.map(|(digest, _)| Change::Token { digest, value: None }).collect())
}

fn numbering(store: &dyn Store, parent: Option<&NodeId>) -> Result<Changes, StoreError> {
    let children = store.children()?.into_iter().map(|child| child.value.id);
    let mut changes = Changes::none();
    for to in children.chain(parent.cloned()) {
        let numbers = store.numbers(&to)?;
        if numbers.waiting == 0 {
            changes = changes.and(Change::Renumber { to, epoch: numbers.epoch });
        }
    }
    Ok(changes)
}
