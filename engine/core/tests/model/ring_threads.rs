//! The ring under threads: many producers, one drawer that sleeps until the bell rings.

use acequia_core::Overflow;
use acequia_core::ring::{Doorbell, Ring};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

fn block_on<F: Future>(future: F) -> F::Output {
    let sleeper = Arc::new(Sleeper::default());
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        sleeper.wait();
    }
}

/// Sleeps until rung; counts the rings.
#[derive(Default)]
struct Sleeper {
    rung: Mutex<bool>,
    changed: Condvar,
    rings: AtomicU64,
}

impl Doorbell for Sleeper {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

impl Sleeper {
    fn wait(&self) {
        let rung = self.rung.lock().unwrap();
        let (mut rung, timeout) =
            self.changed.wait_timeout_while(rung, Duration::from_secs(10), |rung| !*rung).unwrap();
        assert!(!timeout.timed_out(), "a wake-up was lost");
        *rung = false;
    }
}

const PRODUCERS: u64 = 6;
const EACH: u64 = 4000;

fn produce(ring: &Ring<(u64, u64)>, producer: u64) {
    match producer % 3 {
        0 => (0..EACH).for_each(|n| assert!(block_on(ring.push((producer, n))).is_ok())),
        1 => {
            for n in 0..EACH {
                let mut item = (producer, n);
                while let Err(refused) = ring.try_push(item) {
                    item = refused.into_item();
                    thread::yield_now();
                }
            }
        }
        _ => {
            let mut items: VecDeque<_> = (0..EACH).map(|n| (producer, n)).collect();
            if producer < 3 {
                assert_eq!(block_on(ring.push_many(&mut items)).unwrap() as u64, EACH);
            } else {
                while !items.is_empty() {
                    ring.try_push_many(&mut items, None).unwrap();
                    thread::yield_now();
                }
            }
        }
    }
}

/// Draw until everything has come; returns how often the ring was found non-empty.
fn draw_all(ring: &Ring<(u64, u64)>, sleeper: &Sleeper) -> u64 {
    let (mut items, mut tickets) = (VecDeque::new(), VecDeque::new());
    let (mut next, mut last_ticket) = ([0; PRODUCERS as usize], None);
    let (mut seen, mut filled) = (0, 0);
    while seen < PRODUCERS * EACH {
        sleeper.wait();
        let n = ring.draw(&mut items, &mut tickets);
        filled += u64::from(n > 0);
        assert_eq!(n, tickets.len());
        for ((producer, number), ticket) in items.drain(..).zip(tickets.drain(..)) {
            let next = &mut next[usize::try_from(producer).unwrap()];
            assert_eq!(number, *next, "each producer's order is kept");
            *next += 1;
            assert!(last_ticket.is_none_or(|last| last < ticket), "arrival numbers ascend");
            last_ticket = Some(ticket);
            seen += 1;
        }
    }
    filled
}

#[test]
fn many_producers_lose_no_item_no_order_and_no_bell() {
    for capacity in [1, 3, 64] {
        let ring = Arc::new(Ring::new(capacity, Overflow::Block, Some(Arc::new(AtomicU64::new(0)))));
        let sleeper = Arc::new(Sleeper::default());
        ring.set_doorbell(Arc::clone(&sleeper) as Arc<dyn Doorbell>);
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || produce(&ring, producer))
            })
            .collect();

        let filled = draw_all(&ring, &sleeper);

        producers.into_iter().for_each(|producer| producer.join().unwrap());
        let entry = ring.entry();
        assert_eq!((entry.accepted, entry.unsettled, entry.dropped()), (PRODUCERS * EACH, 0, 0));
        assert_eq!(sleeper.rings.load(Ordering::SeqCst), filled, "one ring each time it became non-empty");
    }
}

#[test]
fn a_closed_ring_wakes_every_waiting_sender() {
    let ring = Arc::new(Ring::new(1, Overflow::Block, None));
    ring.try_push((0, 0)).unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|n| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || block_on(ring.push((1, n))).unwrap_err().into_item())
        })
        .collect();
    thread::yield_now();

    ring.close();

    let back: Vec<_> = waiting.into_iter().map(|sender| sender.join().unwrap()).collect();
    assert_eq!(back, [(1, 0), (1, 1), (1, 2), (1, 3)]);
    assert_eq!(ring.try_pop(), Some((0, 0)), "what waited stays");
}
