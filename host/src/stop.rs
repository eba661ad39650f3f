//! What ends a command early: signals and deadlines, heard on one thread of the process from the first time that anybody listens. Whatever
//! blocks the command (a disk, a terminal that nobody reads), it can't keep them from being heard. What is told has a moment to say what became of
//! it; then the process is ended.
//!
//! A signal that was heard stays heard: what begins after it is told at once, and at a question nobody waits for an answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::error::Error;
use crate::output::stderr;

/// Why a command ends before its work does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C, a signal that asks for the end, or a terminal that went away.
    Interrupted,
    /// The time that was given is over.
    OutOfTime(Duration),
}

/// Requests end at the deadline by themselves, with a better message than this one's: they go first.
const GRACE: Duration = Duration::from_millis(200);

/// How long a command may take to end when it was told to.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// What comes sooner after the first signal is of the same event, and no second one: a session that ends sends several.
const AGAIN: Duration = Duration::from_millis(500);

/// The signals that end a program.
const ENDING: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// Which status a process ends with that doesn't end by itself.
type LastResort = Box<dyn Fn(Stop) -> u8 + Send>;

/// What is done before a process ends at a question.
type Farewell = Box<dyn FnOnce() + Send>;

/// Something that isn't broken off once it is begun, since it can't be had again: the first stop waits for it, and only a second signal that a
/// person can have meant doesn't. It has begun before the first stop, or it mustn't begin at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unbroken(Arc<OnceLock<bool>>);

impl Unbroken {
    /// Begins it; `false` if a stop was heard before.
    pub(crate) fn begin(&self) -> bool {
        *self.0.get_or_init(|| true)
    }

    /// Whether it has begun, now that a stop is heard.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.get_or_init(|| false)
    }
}

/// What ends some work early, one after the other. The work is over when this is dropped.
pub(crate) struct Stops(mpsc::UnboundedReceiver<Stop>);

impl Stops {
    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Stop {
        match self.0.recv().await {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        say(Word::Over);
    }
}

/// Watches for what ends some work early; there is one at a time. If the command hasn't ended a moment after it was told, the process ends with the
/// status that `last_resort` names, and so it does if it is told when the work is over and nothing else has begun.
///
/// The first of the two futures is over when somebody listens: nothing should be sent before. The second is what is heard.
pub(crate) fn watch(
    deadline: Option<(Duration, Instant)>,
    last_resort: impl Fn(Stop) -> u8 + Send + 'static,
) -> (impl Future<Output = ()>, impl Future<Output = Stop>) {
    let (listening, mut stops) = watch_unbroken(deadline, Unbroken::default(), last_resort);
    (listening, async move { stops.next().await })
}

/// The same with something that isn't broken off. If that has begun at the first stop, the moment to say what became of it comes when it is
/// over, or with a second signal.
pub(crate) fn watch_unbroken(
    deadline: Option<(Duration, Instant)>,
    unbroken: Unbroken,
    last_resort: impl Fn(Stop) -> u8 + Send + 'static,
) -> (impl Future<Output = ()>, Stops) {
    let (listens, listening) = oneshot::channel();
    let (tell, told) = mpsc::unbounded_channel();
    say(Word::Begun(Work { deadline, unbroken, tell }, Box::new(last_resort), listens));
    // Where there is no thread, there is nothing to wait for.
    (async { listening.await.unwrap_or_default() }, Stops(told))
}

/// A question that a person is asked, until this is dropped. Who is asked blocks the command: a signal ends the process at once, with a word.
pub(crate) struct Question;

impl Question {
    /// From now on, where signals are caught already; else the system ends the process, also one that is suspended.
    pub(crate) fn shown(first: impl FnOnce() + Send + 'static) -> Option<Question> {
        THREAD.get().map(|_| Question::asked(first))
    }

    /// From now on; `first` is done before anything is said.
    pub(crate) fn asked(first: impl FnOnce() + Send + 'static) -> Question {
        let (listens, listening) = oneshot::channel();
        say(Word::Asked(Box::new(first), listens));
        let _ = listening.blocking_recv();
        Question
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        say(Word::Answered);
    }
}

/// What the thread is told by the command.
enum Word {
    Begun(Work, LastResort, oneshot::Sender<()>),
    Over,
    Asked(Farewell, oneshot::Sender<()>),
    Answered,
    /// What is done first at a question is done.
    Parted,
}

static THREAD: OnceLock<mpsc::UnboundedSender<Word>> = OnceLock::new();

fn say(word: Word) {
    let thread = THREAD.get_or_init(|| {
        let (sender, words) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            // Without a loop of its own a signal ends the process by itself, and nobody waits for this thread.
            if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                runtime.block_on(listen(words));
            }
        });
        sender
    });
    let _ = thread.send(word);
}

async fn listen(mut words: mpsc::UnboundedReceiver<Word>) {
    let [mut interrupt, mut end, mut hang_up] = ENDING.map(caught);
    let mut ear = Ear::default();
    loop {
        tokio::select! {
            // What came before something begun was for it too.
            biased;
            () = received(&mut interrupt) => ear.signal(SignalKind::interrupt(), Instant::now()),
            () = received(&mut end) => ear.signal(SignalKind::terminate(), Instant::now()),
            () = received(&mut hang_up) => ear.signal(SignalKind::hangup(), Instant::now()),
            Some(word) = words.recv() => ear.told(word, Instant::now()),
            () = at(ear.deadline()) => ear.out_of_time(Instant::now()),
            () = at(ear.end.map(|(_, end)| end)) => {
                let status = ear.status();
                crate::run::end_all();
                // It had its time to end by returning.
                #[allow(clippy::disallowed_methods)]
                std::process::exit(status.into())
            }
        }
        if let Some(first) = ear.farewell.take() {
            // Whoever holds standard error may hold it for ever.
            std::thread::spawn(move || {
                first();
                stderr::error(&Error::new(ErrorCode::Interrupted, "interrupted").hint("nothing was changed"));
                say(Word::Parted);
            });
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Some work that can be ended early.
struct Work {
    deadline: Option<(Duration, Instant)>,
    unbroken: Unbroken,
    tell: mpsc::UnboundedSender<Stop>,
}

/// What the thread knows.
#[derive(Default)]
struct Ear {
    /// When the first signal came.
    first: Option<Instant>,
    work: Option<Work>,
    /// Of the last work, also when it is over: what became of it may still be on its way to a reader.
    last_resort: Option<LastResort>,
    question: Option<Farewell>,
    /// Who asks after a signal is kept waiting until the process ends.
    kept_waiting: Option<oneshot::Sender<()>>,
    /// What is to be done, now that a question has ended.
    farewell: Option<Farewell>,
    /// When the process ends, and why.
    end: Option<(Stop, Instant)>,
}

impl Ear {
    fn told(&mut self, word: Word, now: Instant) {
        match word {
            Word::Begun(work, last_resort, listens) => {
                // The time of something else may be over.
                self.end = self.end.filter(|(why, _)| *why == Stop::Interrupted);
                self.last_resort = Some(last_resort);
                if self.first.is_some() {
                    let _ = (work.unbroken.has_begun(), work.tell.send(Stop::Interrupted));
                }
                self.work = Some(work);
                let _ = listens.send(());
            }
            Word::Over => {
                self.work = None;
                if self.first.is_some() {
                    self.end_after(Stop::Interrupted, now + LAST_PATIENCE);
                }
            }
            Word::Asked(first, listens) => {
                self.question = Some(first);
                match self.first {
                    Some(_) => {
                        self.kept_waiting = Some(listens);
                        self.end_question(now);
                    }
                    None => drop(listens.send(())),
                }
            }
            Word::Answered => self.question = None,
            Word::Parted => self.end = self.end.map(|(why, _)| (why, now)),
        }
    }

    fn signal(&mut self, kind: SignalKind, now: Instant) {
        let is_first = self.first.is_none();
        let since = now - *self.first.get_or_insert(now);
        self.end_question(now);
        let is_meant = kind != SignalKind::hangup() && since >= AGAIN;
        let is_waited_for = self.work.as_ref().is_some_and(|work| work.unbroken.has_begun() && !is_meant);
        if let Some(work) = self.work.as_ref().filter(|_| is_first || !is_waited_for) {
            let _ = work.tell.send(Stop::Interrupted);
        }
        if !is_waited_for {
            self.end_after(Stop::Interrupted, now + LAST_PATIENCE);
        }
    }

    fn end_question(&mut self, now: Instant) {
        if let Some(first) = self.question.take() {
            self.farewell = Some(first);
            (self.last_resort, self.end) = (None, Some((Stop::Interrupted, now + LAST_PATIENCE)));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let (_, end) = self.work.as_ref()?.deadline?;
        end.checked_add(GRACE)
    }

    fn out_of_time(&mut self, now: Instant) {
        if let Some(work) = &mut self.work
            && let Some((given, _)) = work.deadline.take()
        {
            let stop = Stop::OutOfTime(given);
            let _ = (work.unbroken.has_begun(), work.tell.send(stop));
            self.end_after(stop, now + LAST_PATIENCE);
        }
    }

    fn end_after(&mut self, stop: Stop, moment: Instant) {
        self.end.get_or_insert((stop, moment));
    }

    fn status(&self) -> u8 {
        let interrupted = ErrorCode::Interrupted.exit_status();
        match (&self.last_resort, self.end) {
            (Some(last_resort), Some((why, _))) => last_resort(why),
            _ => interrupted,
        }
    }
}

/// The signals that end a program, while it waits for another one that a person has in front: none of them ends this one.
pub(crate) struct InFront {
    keyboard: [Option<Signal>; 2],
    end: Option<Signal>,
    hang_up: Option<Signal>,
}

impl InFront {
    /// From now on.
    pub(crate) fn begin() -> InFront {
        InFront {
            keyboard: [SignalKind::interrupt(), SignalKind::quit()].map(caught),
            end: caught(SignalKind::terminate()),
            hang_up: caught(SignalKind::hangup()),
        }
    }

    /// Waits for one that the other program has to be told of, and says its number: those of the keyboard it has already, since a terminal
    /// sends them to all that is in front.
    pub(crate) async fn next_to_pass_on(&mut self) -> i32 {
        let [interrupt, quit] = &mut self.keyboard;
        loop {
            tokio::select! {
                () = received(interrupt) => {}
                () = received(quit) => {}
                () = received(&mut self.end) => return SignalKind::terminate().as_raw_value(),
                () = received(&mut self.hang_up) => return SignalKind::hangup().as_raw_value(),
            }
        }
    }
}

/// Catches a signal; nothing where it can't be caught, or where whoever started this program has it ignored (`nohup`, jobs in the background
/// of a script).
fn caught(kind: SignalKind) -> Option<Signal> {
    if is_ignored(kind) { None } else { signal(kind).ok() }
}

/// Waits for ever if there is nothing to be received.
async fn received(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Whether the process was started with a signal ignored. Linux says so; elsewhere none is.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the thread knows, and its time.
    struct Story {
        ear: Ear,
        began: Instant,
        told: Option<mpsc::UnboundedReceiver<Stop>>,
    }

    const GIVEN: Duration = Duration::from_secs(9);

    impl Story {
        fn new() -> Story {
            Story { ear: Ear::default(), began: Instant::now(), told: None }
        }

        fn now(&self, millis: u64) -> Instant {
            self.began + Duration::from_millis(millis)
        }

        /// Work that begins then, with a deadline or not, and ends the process with `status` in the end.
        fn begin(&mut self, millis: u64, deadline: bool, unbroken: &Unbroken, status: u8) {
            let (tell, told) = mpsc::unbounded_channel();
            let deadline = deadline.then(|| (GIVEN, self.now(millis) + GIVEN));
            let work = Work { deadline, unbroken: unbroken.clone(), tell };
            let (listens, mut listening) = oneshot::channel();
            self.told = Some(told);
            let begun = Word::Begun(work, Box::new(move |_| status), listens);
            self.ear.told(begun, self.now(millis));
            assert_eq!(listening.try_recv(), Ok(()));
        }

        fn signal(&mut self, millis: u64) {
            self.ear.signal(SignalKind::interrupt(), self.now(millis));
        }

        fn hang_up(&mut self, millis: u64) {
            self.ear.signal(SignalKind::hangup(), self.now(millis));
        }

        /// What was to be done at a question is done then, if it was to be.
        fn part(&mut self, millis: u64) -> bool {
            let has_ended = self.ear.farewell.take().is_some();
            if has_ended {
                self.ear.told(Word::Parted, self.now(millis));
            }
            has_ended
        }

        fn over(&mut self, millis: u64) {
            self.ear.told(Word::Over, self.now(millis));
        }

        /// A question, and whether it may be asked.
        fn ask(&mut self, millis: u64) -> bool {
            let (listens, mut listening) = oneshot::channel();
            self.ear.told(Word::Asked(Box::new(|| {}), listens), self.now(millis));
            listening.try_recv().is_ok()
        }

        /// What the work was told since the last time.
        fn told(&mut self) -> Vec<Stop> {
            let told = self.told.as_mut().unwrap();
            std::iter::from_fn(|| told.try_recv().ok()).collect()
        }

        /// When the process ends, in milliseconds, and with which status.
        fn end(&self) -> Option<(u128, u8)> {
            self.ear.end.map(|(_, end)| ((end - self.began).as_millis(), self.ear.status()))
        }
    }

    #[test]
    fn a_signal_is_told_and_leaves_a_moment() {
        let mut story = Story::new();
        story.begin(0, false, &Unbroken::default(), 8);
        assert_eq!((story.told(), story.end()), (vec![], None));
        story.signal(10);
        assert_eq!((story.told(), story.end()), (vec![Stop::Interrupted], Some((1010, 8))));
        // A second one gives no more time.
        story.signal(500);
        story.over(600);
        assert_eq!(story.end(), Some((1010, 8)));
    }

    /// Between two pieces of work nobody hears it but this thread.
    #[test]
    fn what_begins_after_a_signal_is_told() {
        let mut story = Story::new();
        story.begin(0, false, &Unbroken::default(), 1);
        story.over(5);
        story.signal(10);
        let unbroken = Unbroken::default();
        story.begin(20, true, &unbroken, 8);
        assert_eq!((story.told(), story.end()), (vec![Stop::Interrupted], Some((1010, 8))));
        assert!(!unbroken.begin());
        story.over(30);
        assert!(!story.ask(40));
        assert_eq!(story.end(), Some((1040, 130)));
        assert!(story.part(50));
        assert_eq!(story.end(), Some((50, 130)));
    }

    #[test]
    fn what_isnt_broken_off_is_waited_for_at_the_first_signal() {
        let unbroken = Unbroken::default();
        let mut story = Story::new();
        story.begin(0, false, &unbroken, 130);
        assert!(unbroken.begin());
        story.signal(10);
        assert_eq!((story.told(), story.end()), (vec![Stop::Interrupted], None));
        // It ends, and has its moment then.
        story.over(5000);
        assert_eq!(story.end(), Some((6000, 130)));

        let mut story = Story::new();
        story.begin(0, false, &unbroken, 130);
        story.signal(10);
        // A session that ends sends several, and nobody can repeat a terminal that went away.
        story.signal(20);
        story.hang_up(900);
        assert_eq!((story.told(), story.end()), (vec![Stop::Interrupted], None));
        story.signal(1000);
        assert_eq!((story.told(), story.end()), (vec![Stop::Interrupted], Some((2000, 130))));
    }

    #[test]
    fn what_isnt_broken_off_begins_before_a_stop_or_never() {
        let (early, late) = (Unbroken::default(), Unbroken::default());
        assert!(early.begin() && early.clone().has_begun());
        assert!(!late.clone().has_begun() && !late.begin());
    }

    #[test]
    fn a_deadline_is_of_its_own_work() {
        let mut story = Story::new();
        story.begin(0, true, &Unbroken::default(), 6);
        assert_eq!(story.ear.deadline(), Some(story.now(9200)));
        story.over(100);
        assert_eq!(story.ear.deadline(), None);
        story.begin(200, true, &Unbroken::default(), 6);
        story.ear.out_of_time(story.now(9400));
        assert_eq!((story.told(), story.end()), (vec![Stop::OutOfTime(GIVEN)], Some((10400, 6))));
        assert_eq!(story.ear.deadline(), None);
        // Somebody who can do without goes on.
        story.over(9500);
        story.begin(9600, false, &Unbroken::default(), 6);
        assert_eq!((story.told(), story.end()), (vec![], None));
    }

    #[test]
    fn nobody_waits_for_an_answer() {
        let mut story = Story::new();
        assert!(story.ask(0) && story.end().is_none());
        story.signal(10);
        // Whoever keeps the words from being said, doesn't keep it from ending.
        assert_eq!(story.end(), Some((1010, 130)));
        assert!(story.part(20));
        assert_eq!(story.end(), Some((20, 130)));

        let mut story = Story::new();
        assert!(story.ask(0));
        story.ear.told(Word::Answered, story.now(5));
        story.signal(10);
        assert!(!story.part(20));
        assert_eq!(story.end(), Some((1010, 130)));
    }
}
