//! What requests owe each other: nothing but time.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::{cell::RefCell, rc::Rc};

use super::*;
use crate::models::generator::{
    load::load,
    tiny::{self, Noise, Shape},
};

/// What a listener has heard.
#[derive(Default)]
struct Heard {
    tokens: Vec<u32>,
    end: Option<End>,
    left: bool,
}

#[derive(Default, Clone)]
struct Ear(Rc<RefCell<Heard>>);

impl Listener for Ear {
    fn has_left(&self) -> bool {
        self.0.borrow().left
    }

    fn token(&mut self, token: u32) {
        self.0.borrow_mut().tokens.push(token);
    }

    fn end(self, end: End) {
        self.0.borrow_mut().end = Some(end);
    }
}

fn model(held: usize) -> Llama {
    let folder = tempfile::tempdir().unwrap();
    let loaded = load(&tiny::write(folder.path(), &Shape::default()), None).unwrap();
    Llama::new(loaded.weights, 1024, held)
}

/// Prompts of many lengths, some of which begin alike and some of which repeat themselves.
fn prompts(count: usize) -> Vec<Vec<u32>> {
    let shared = Noise(1).tokens(300);
    (0..count)
        .map(|number| {
            let mut prompt = shared[..[0, 40, 128, 170, 300][number % 5]].to_vec();
            let more = Noise(50 + number as u64).tokens(1 + number * 7 % 90);
            prompt.extend(if number.is_multiple_of(3) { more.repeat(2) } else { more });
            prompt
        })
        .collect()
}

#[test]
fn answers_are_the_same_alone_and_together_with_and_without_what_was_read_before() {
    let prompts = prompts(120);
    let mut alone = model(1024);
    // One after the other, nothing kept, nothing guessed.
    let right: Vec<Vec<u32>> = prompts
        .iter()
        .enumerate()
        .map(|(number, prompt)| alone.trace(prompt, 5 + number % 30, &[], |_| ()).0)
        .collect();
    let mut batch = Batch::new(model(1600), Vec::new(), 7);
    let ears: Vec<Ear> = prompts.iter().map(|_| Ear::default()).collect();
    let (mut next, mut most) = (0, 0);
    while next < prompts.len() || !batch.is_idle() {
        // A few come at a time, so that some are reading while others write.
        for _ in 0..2 {
            if next < prompts.len() && batch.admit(&prompts[next], 5 + next % 30, ears[next].clone()).is_ok() {
                next += 1;
            }
        }
        most = most.max(batch.requests.len());
        batch.step();
    }
    assert!(most >= 5, "{most}");
    for (number, (ear, right)) in ears.iter().zip(&right).enumerate() {
        let heard = ear.0.borrow();
        assert_eq!((&heard.tokens, heard.end), (right, Some(End::MaxTokens)), "prompt {number}");
    }
}

#[test]
fn a_long_prompt_does_not_hold_up_an_answer_that_is_being_written() {
    let mut batch = Batch::new(model(2048), Vec::new(), 4);
    let (short, long) = (Ear::default(), Ear::default());
    batch.admit(&Noise(3).tokens(20), 60, short.clone()).ok().unwrap();
    batch.step();
    batch.admit(&Noise(4).tokens(900), 5, long.clone()).ok().unwrap();
    let mut steps = 0;
    while long.0.borrow().tokens.is_empty() {
        let before = short.0.borrow().tokens.len();
        batch.step();
        steps += 1;
        assert!(short.0.borrow().tokens.len() > before);
    }
    assert_eq!(steps, 900usize.div_ceil(CHUNK_BESIDE));
}

#[test]
fn who_finds_no_room_waits_and_who_leaves_makes_some() {
    let mut batch = Batch::new(model(1024), Vec::new(), 4);
    let [first, second, third] = [0; 3].map(|_| Ear::default());
    batch.admit(&Noise(5).tokens(600), 300, first.clone()).ok().unwrap();
    assert!(batch.admit(&Noise(6).tokens(100), 50, second.clone()).is_err());
    batch.step();
    first.0.borrow_mut().left = true;
    batch.step();
    assert!(batch.is_idle() && first.0.borrow().end.is_none());
    batch.admit(&Noise(6).tokens(100), 3, second.clone()).ok().unwrap();
    for _ in 0..5 {
        batch.step();
    }
    assert_eq!((second.0.borrow().end, second.0.borrow().tokens.len()), (Some(End::MaxTokens), 3));
    // No more than so many at once.
    let mut narrow = Batch::new(model(1024), Vec::new(), 1);
    narrow.admit(&[5], 3, first).ok().unwrap();
    assert!(narrow.admit(&[5], 3, third).is_err());
    assert_eq!(narrow.abandon().count(), 1);
    assert!(narrow.is_idle());
}
