#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Says which texts it is given, and answers when it is told how.
struct Fake {
    given: Sender<Vec<String>>,
    answers: Receiver<Answer>,
}

enum Answer {
    /// A vector that holds the number that the text is.
    Well,
    Fail,
    Panic,
    Vectors(Vec<Vec<f32>>),
}

impl Session for Fake {
    fn run(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        // Either end may be gone when a test is over.
        let _ = self.given.send(texts.iter().map(|text| (*text).to_owned()).collect());
        match self.answers.recv().unwrap_or(Answer::Fail) {
            Answer::Well => Ok(texts.iter().map(|text| vec![text.parse().unwrap_or(-1.0)]).collect()),
            Answer::Fail => Err("as told".into()),
            Answer::Panic => panic!("as told"),
            Answer::Vectors(vectors) => Ok(vectors),
        }
    }
}

// The queue comes last: when it is dropped it waits for the session, which ends once `answer` is gone.
struct Bench {
    given: Receiver<Vec<String>>,
    answer: Sender<Answer>,
    queue: Arc<Queue>,
}

impl Bench {
    fn new(tuning: Tuning) -> Self {
        let (given, given_here) = channel();
        let (answer, answers) = channel();
        let queue = Queue::start(vec![Fake { given, answers }], 1, tuning).unwrap();
        Self { queue: Arc::new(queue), given: given_here, answer }
    }

    /// What the session got next.
    async fn given(&mut self) -> Vec<String> {
        let given = std::mem::replace(&mut self.given, channel().1);
        let (texts, given) = tokio::task::spawn_blocking(move || {
            (given.recv_timeout(Duration::from_secs(60)).expect("the session is given a batch"), given)
        })
        .await
        .unwrap();
        self.given = given;
        texts
    }

    fn call(&self, texts: &[&str], urgency: Urgency) -> tokio::task::JoinHandle<Reply> {
        let texts: Vec<Counted> = texts.iter().map(|text| Counted { text: (*text).to_owned(), tokens: 10 }).collect();
        let queue = self.queue.clone();
        tokio::spawn(async move { queue.embed(texts, urgency).await })
    }

    /// Lets the calls made so far reach the queue.
    async fn until_waiting(&self, first: usize, passages: usize) {
        loop {
            {
                let waiting = self.queue.shared.waiting();
                if (waiting.first.len(), waiting.passages.len()) == (first, passages) {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

fn tuning() -> Tuning {
    Tuning { batch_tokens: 20, ..Tuning::for_threads(1) }
}

#[test]
fn the_default_uses_the_threads_it_was_given() {
    for threads in 0..64 {
        let Tuning { sessions, threads_per_session, batch_tokens, .. } = Tuning::for_threads(threads);
        assert!((1..=threads.max(1)).contains(&(sessions * threads_per_session)), "{threads}");
        assert!(sessions <= 4 && batch_tokens >= 384);
    }
    assert_eq!(Tuning::for_threads(2).sessions, 2);
}

#[tokio::test]
async fn vectors_come_back_in_order_whatever_the_batches_were() {
    let bench = Bench::new(tuning());
    for _ in 0..3 {
        bench.answer.send(Answer::Well).unwrap();
    }
    let vectors = bench.call(&["5", "4", "3", "2", "1"], Urgency::Passages).await.unwrap().unwrap();
    assert_eq!(vectors, [[5.0], [4.0], [3.0], [2.0], [1.0]]);
    assert_eq!(bench.queue.embed(Vec::new(), Urgency::Passages).await.unwrap(), Vec::<Vec<f32>>::new());
}

#[tokio::test]
async fn a_question_overtakes_the_passages_that_wait() {
    let mut bench = Bench::new(tuning());
    let passages = bench.call(&["1", "2", "3", "4"], Urgency::Passages);
    assert_eq!(bench.given().await, ["1", "2"]);
    let question = bench.call(&["9"], Urgency::First);
    bench.until_waiting(1, 2).await;
    bench.answer.send(Answer::Well).unwrap();
    assert_eq!(bench.given().await, ["9"]);
    bench.answer.send(Answer::Well).unwrap();
    assert_eq!(question.await.unwrap().unwrap(), [[9.0]]);
    assert_eq!(bench.given().await, ["3", "4"]);
    bench.answer.send(Answer::Well).unwrap();
    assert_eq!(passages.await.unwrap().unwrap().len(), 4);
}

#[tokio::test]
async fn the_texts_of_several_callers_share_a_batch() {
    let mut bench = Bench::new(tuning());
    let busy = bench.call(&["0"], Urgency::Passages);
    assert_eq!(bench.given().await, ["0"]);
    let one = bench.call(&["1"], Urgency::Passages);
    bench.until_waiting(0, 1).await;
    let two = bench.call(&["2"], Urgency::Passages);
    bench.until_waiting(0, 2).await;
    bench.answer.send(Answer::Well).unwrap();
    assert_eq!(bench.given().await, ["1", "2"]);
    bench.answer.send(Answer::Well).unwrap();
    for (call, expected) in [(busy, 0.0), (one, 1.0), (two, 2.0)] {
        assert_eq!(call.await.unwrap().unwrap(), [[expected]]);
    }
}

#[tokio::test]
async fn a_caller_that_left_is_skipped_and_gives_its_room_back() {
    let mut bench = Bench::new(Tuning { waiting_passages: 3, ..tuning() });
    let busy = bench.call(&["0"], Urgency::Passages);
    assert_eq!(bench.given().await, ["0"]);
    let left = bench.call(&["1", "2"], Urgency::Passages);
    bench.until_waiting(0, 2).await;
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    let next = bench.call(&["3", "4"], Urgency::Passages);
    bench.answer.send(Answer::Well).unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(bench.given().await, ["3", "4"]);
    bench.answer.send(Answer::Well).unwrap();
    next.await.unwrap().unwrap();
}

#[tokio::test]
async fn full_queues_say_busy_and_name_what_fills_them() {
    let patience = Duration::from_millis(20);
    let mut bench = Bench::new(Tuning { waiting_passages: 2, waiting_questions: 1, patience, ..tuning() });
    let passages = bench.call(&["1", "2"], Urgency::Passages);
    assert_eq!(bench.given().await, ["1", "2"]);
    let question = bench.call(&["9"], Urgency::First);
    bench.until_waiting(1, 0).await;
    for (urgency, what) in [(Urgency::Passages, "passages"), (Urgency::First, "questions")] {
        let error = bench.call(&["7"], urgency).await.unwrap().unwrap_err();
        assert!(matches!(error, EmbedderError::Busy { waiting } if waiting == what), "{error}");
        assert!(error.is_transient());
    }
    for _ in 0..2 {
        bench.answer.send(Answer::Well).unwrap();
    }
    passages.await.unwrap().unwrap();
    question.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_larger_than_the_queue_is_served_all_the_same() {
    let bench = Bench::new(Tuning { waiting_passages: 2, ..tuning() });
    for _ in 0..3 {
        bench.answer.send(Answer::Well).unwrap();
    }
    let vectors = bench.call(&["1", "2", "3", "4", "5"], Urgency::Passages).await.unwrap().unwrap();
    assert_eq!(vectors.len(), 5);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let bench = Bench::new(Tuning { question_timeout: Duration::from_millis(20), ..tuning() });
    let error = bench.call(&["1"], Urgency::First).await.unwrap().unwrap_err();
    assert!(matches!(error, EmbedderError::Timeout { .. }) && error.is_transient(), "{error}");
    bench.answer.send(Answer::Well).unwrap();
}

#[tokio::test]
async fn only_the_caller_of_the_text_that_fails_is_failed() {
    let mut bench = Bench::new(tuning());
    let busy = bench.call(&["0"], Urgency::Passages);
    assert_eq!(bench.given().await, ["0"]);
    let good = bench.call(&["1"], Urgency::Passages);
    bench.until_waiting(0, 1).await;
    let bad = bench.call(&["2"], Urgency::Passages);
    bench.until_waiting(0, 2).await;
    for answer in [Answer::Well, Answer::Panic, Answer::Well, Answer::Fail] {
        bench.answer.send(answer).unwrap();
    }
    busy.await.unwrap().unwrap();
    assert_eq!(good.await.unwrap().unwrap(), [[1.0]]);
    let error = bad.await.unwrap().unwrap_err();
    assert!(matches!(&error, EmbedderError::Inference(told) if told == "as told"), "{error}");
}

#[tokio::test]
async fn vectors_of_the_wrong_shape_are_refused() {
    for wrong in [vec![], vec![vec![1.0, 2.0]], vec![vec![f32::NAN]], vec![vec![1.0], vec![2.0]]] {
        let bench = Bench::new(tuning());
        bench.answer.send(Answer::Vectors(wrong)).unwrap();
        let error = bench.call(&["1"], Urgency::First).await.unwrap().unwrap_err();
        assert!(matches!(error, EmbedderError::Inference(_)), "{error}");
    }
}

#[tokio::test]
async fn who_waits_when_it_stops_is_told_so() {
    let mut bench = Bench::new(tuning());
    let running = bench.call(&["1"], Urgency::Passages);
    assert_eq!(bench.given().await, ["1"]);
    let waiting = bench.call(&["2"], Urgency::Passages);
    bench.until_waiting(0, 1).await;
    {
        let mut state = bench.queue.shared.waiting();
        state.closed = true;
        state.passages.clear();
    }
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, EmbedderError::Stopped), "{error}");
    bench.answer.send(Answer::Well).unwrap();
    assert_eq!(running.await.unwrap().unwrap(), [[1.0]]);
}
