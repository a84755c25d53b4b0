//! Grouping questions that ask the same: by the cosine of their dense vectors.
//!
//! May depend on `domain` and the types of `metadata_store`.

use crate::metadata_store::OpenQuestion;

/// From which cosine on two questions ask the same.
pub const SAME_QUESTION: f32 = 0.75;

/// Groups questions: each group as positions in `questions`, in the order in which they were asked.
///
/// Questions are taken in the order of their ids, oldest first. Each joins the group whose first question is nearest to
/// it, if that is near enough, and begins a group of its own otherwise; of groups that are equally near, the older one
/// gets it. So the same questions give the same groups, and a question that comes later moves none of the older ones.
/// The largest group comes first, and of equally large ones the one with the newest question.
pub fn cluster(questions: &[OpenQuestion]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..questions.len()).collect();
    order.sort_unstable_by_key(|place| questions[*place].question.id);
    let units: Vec<Vec<f32>> = questions.iter().map(|question| unit(&question.vector)).collect();
    let comparable = |one: usize, other: usize| {
        let (one, other) = (&questions[one], &questions[other]);
        one.embedder == other.embedder
            && one.vector.len() == other.vector.len()
            && one.question.collection == other.question.collection
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in order {
        let mut nearest: Option<(usize, f32)> = None;
        for (number, group) in groups.iter().enumerate() {
            let Some(first) = group.first().copied().filter(|first| comparable(*first, place)) else { continue };
            let cosine = dot(&units[first], &units[place]);
            if cosine >= SAME_QUESTION && nearest.is_none_or(|(_, best)| cosine > best) {
                nearest = Some((number, cosine));
            }
        }
        match nearest.and_then(|(number, _)| groups.get_mut(number)) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups.sort_by_key(|group| {
        let newest = group.last().map(|place| questions[*place].question.id);
        (std::cmp::Reverse(group.len()), std::cmp::Reverse(newest))
    });
    groups
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 { vector.iter().map(|value| value / length).collect() } else { vector.to_vec() }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{AnswerId, OutcomeKind, UnansweredId, UnansweredQuestion, UnansweredState};

    fn question(number: u128, vector: &[f32]) -> OpenQuestion {
        OpenQuestion {
            question: UnansweredQuestion {
                id: UnansweredId(Uuid::from_u128(number)),
                answer_id: AnswerId(Uuid::nil()),
                conversation_id: None,
                collection: "default".to_owned(),
                question: format!("question {number}"),
                interpreted: None,
                outcome: OutcomeKind::Abstained,
                confidence: 0.1,
                nearest: vec![],
                state: UnansweredState::Open,
                asked_at: chrono::DateTime::UNIX_EPOCH,
            },
            embedder: "one".to_owned(),
            vector: vector.to_vec(),
        }
    }

    #[test]
    fn near_questions_stand_together_and_the_largest_group_first() {
        let questions = [
            question(1, &[1.0, 0.0]),
            question(2, &[0.0, 3.0]),
            question(3, &[0.1, 2.0]),
            question(4, &[2.0, 0.1]),
            question(5, &[0.0, 1.0]),
        ];
        assert_eq!(cluster(&questions), [vec![1, 2, 4], vec![0, 3]]);
        assert_eq!(cluster(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn questions_of_other_collections_and_embedders_are_never_together() {
        let mut questions = [question(1, &[1.0, 0.0]), question(2, &[1.0, 0.0]), question(3, &[1.0, 0.0])];
        questions[1].question.collection = "other".to_owned();
        questions[2].embedder = "two".to_owned();
        // Equally large: the newest first.
        assert_eq!(cluster(&questions), [vec![2], vec![1], vec![0]]);
    }

    proptest! {
        #[test]
        fn the_order_of_reading_changes_nothing_and_each_stands_once(
            vectors in proptest::collection::vec(proptest::collection::vec(-1f32..1.0, 3), 1..20), turn in 0usize..20,
        ) {
            let mut questions: Vec<OpenQuestion> =
                vectors.iter().enumerate().map(|(number, vector)| question(number as u128, vector)).collect();
            let ids = |questions: &[OpenQuestion]| -> Vec<Vec<UnansweredId>> {
                cluster(questions).into_iter()
                    .map(|group| group.into_iter().map(|place| questions[place].question.id).collect()).collect()
            };
            let before = ids(&questions);
            prop_assert_eq!(before.iter().map(Vec::len).sum::<usize>(), questions.len());
            let turn = turn % questions.len();
            questions.rotate_left(turn);
            prop_assert_eq!(&ids(&questions), &before);
        }
    }
}
