//! An answer that many share: whoever asks is given one that was asked for after they came, and nobody asks twice for that.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The newest answer, and whom it still serves.
pub(super) struct Shared<T> {
    /// How many have come.
    came: AtomicU64,
    /// The answer, and how many had come when it was asked for.
    newest: Mutex<Option<(u64, T)>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { came: AtomicU64::new(0), newest: Mutex::new(None) }
    }
}

impl<T: Clone> Shared<T> {
    /// An answer that is no older than this call. Those who come while one is under way wait for the next, which they share.
    pub(super) async fn get(&self, ask: impl AsyncFnOnce() -> T) -> T {
        let ticket = self.came.fetch_add(1, Ordering::SeqCst);
        let mut newest = self.newest.lock().await;
        if let Some((before, answer)) = &*newest
            && ticket < *before
        {
            return answer.clone();
        }
        let before = self.came.load(Ordering::SeqCst);
        let answer = ask().await;
        *newest = Some((before, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn those_who_come_meanwhile_share_the_next_answer() {
        let (shared, asked) = (Shared::<u32>::default(), Cell::new(0));
        let mut task = Context::from_waker(Waker::noop());
        let (end, ended) = oneshot::channel::<()>();
        let next = || {
            asked.set(asked.get() + 1);
            asked.get()
        };
        let mut first = pin!(shared.get(async || {
            let number = next();
            let _ = ended.await;
            number
        }));
        assert!(first.as_mut().poll(&mut task).is_pending());
        let mut second = pin!(shared.get(async || next()));
        let mut third = pin!(shared.get(async || next()));
        assert!(second.as_mut().poll(&mut task).is_pending());
        assert!(third.as_mut().poll(&mut task).is_pending());
        end.send(()).unwrap();
        assert_eq!(first.as_mut().poll(&mut task), Poll::Ready(1));
        assert_eq!(second.as_mut().poll(&mut task), Poll::Ready(2));
        assert_eq!(third.as_mut().poll(&mut task), Poll::Ready(2), "it came before the second was asked for");
        let mut late = pin!(shared.get(async || next()));
        assert_eq!(
            late.as_mut().poll(&mut task),
            Poll::Ready(3),
            "what is older than the question is no answer"
        );
    }
}
