//! Which transactions are being worked on: a stop that cannot wait names them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::base::TransactionId;

/// One transaction between end-of-data and its reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LateTransaction {
    /// Its number.
    pub transaction: TransactionId,
    /// The client that waits for its reply.
    pub client: String,
    /// Since its end-of-data.
    pub age: Duration,
}

type Entries = BTreeMap<TransactionId, (String, Instant)>;

/// The transactions under way.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<Entries>>);

/// Takes its transaction off the list when dropped, by a panic too.
pub(super) struct Entered {
    list: UnderWay,
    transaction: TransactionId,
}

impl UnderWay {
    /// Puts a transaction on the list.
    pub(super) fn enter(&self, transaction: TransactionId, client: &str) -> Entered {
        self.lock().insert(transaction, (client.to_owned(), Instant::now()));
        Entered { list: self.clone(), transaction }
    }

    /// Everything on the list, the oldest first.
    pub(super) fn list(&self) -> Vec<LateTransaction> {
        let entries = self.lock().clone();
        let mut list: Vec<LateTransaction> = entries
            .into_iter()
            .map(|(transaction, (client, since))| LateTransaction {
                transaction,
                client,
                age: since.elapsed(),
            })
            .collect();
        list.sort_by_key(|late| std::cmp::Reverse(late.age));
        list
    }

    /// A poisoned lock guards a plain list, which no panic leaves half-changed.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.list.lock().remove(&self.transaction);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::UnderWay;
    use crate::base::TransactionId;

    #[tokio::test(start_paused = true)]
    async fn names_what_is_under_way_the_oldest_first() {
        let list = UnderWay::default();
        let _old = list.enter(TransactionId::from_bytes([9; 16]), "shop");
        tokio::time::advance(Duration::from_secs(3)).await;
        let new = list.enter(TransactionId::from_bytes([1; 16]), "crm");
        let names =
            |list: &UnderWay| list.list().into_iter().map(|late| late.client).collect::<Vec<_>>();
        assert_eq!(names(&list), ["shop", "crm"]);
        assert_eq!(list.list()[0].age, Duration::from_secs(3));
        drop(new);
        assert_eq!(names(&list), ["shop"]);
    }
}
