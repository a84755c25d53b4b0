//! Small talk: greetings, thanks, goodbyes, and questions about the one who answers.
//!
//! May depend on its neighbour `phrase`.

use super::phrase;

const GREETINGS: &[&str] = &[
    "hi|hello|hey|heya|hallo|howdy|yo|greetings|hiya|morning there|all|again|everyone|team|bot|assistant|friend|footnote|folks|you?",
    "good morning|afternoon|evening|day to? all|everyone|team|you|sir?",
    "nice|pleased|good|lovely|great to meet|see|talk|speak|have to|with? you back? again? too?",
    "nice|good talking|speaking|chatting to|with you",
    "welcome back",
    "how are|r you|u doing|feeling? today|now|there?",
    "how do you do",
    "how is it going today?",
    "how was|is your day|weekend|morning so? far?",
    "what is up",
    "are you there|ready|awake",
    "is anybody|anyone|somebody|someone there",
    "test|testing|ping test? #? #?",
    "i am back|here|bored|tired|happy|sad|fine|good|ok|okay again?",
    "happy|merry _ year|christmas|easter|birthday?",
];

const THANKS: &[&str] = &[
    "thanks|thx|ty|cheers|merci|danke",
    "thanks|thx a? lot|bunch|million|again|so|very|for? much|that|everything|all|your? help?",
    "thank you very|so|again|for? much|that|everything|your? help?",
    "many thanks again?",
    "that|this is|was very|really|so? helpful|useful|great|perfect|good|nice|right|all",
    "that|this helped me? a? lot?",
    "very helpful",
    "that is all i need|needed|wanted to? know?",
    "well|good|great|nice|excellent job|work|done|answer",
    "you are|were very|so|really|the|a? great|good|best|awesome|amazing|helpful|kind|smart|clever|funny|nice bot|assistant?",
    "good|great|nice|smart|clever bot|assistant",
    "i love|like you",
    "you rock",
];

const GOODBYES: &[&str] = &[
    "bye|goodbye|ciao bye? now|for|everyone|all? now?",
    "good night everyone|all?",
    "see you|u|ya later|soon|tomorrow|around|next|then? week|time?",
    "have a nice|good|great|lovely _",
    "talk|speak to you later|soon|tomorrow",
    "take care",
    "until next time",
];

const ABOUT_ME: &[&str] = &[
    "who|what are|r you|u exactly?",
    "what is your name",
    "what are you called",
    "what should|can|may i call you",
    "are you a|an|the? real? robot|bot|chatbot|human|person|machine|ai|computer|program|man|woman|chatgpt|gpt|gpt-4|alexa|siri|real|alive",
    "am i talking|speaking|chatting to|with a|an? real? robot|bot|human|person|machine|ai|computer|someone",
    "who|what made|built|created|wrote|developed|trained|programmed|invented|owns you",
    "how old are you",
    "where are you from|located|based|living?",
    "where do you come|live from?",
    "how do you work",
    "what can|do you do for? me|us?",
    "what can you help me? with?",
    "what can i ask you? about?",
    "what do you know",
    "how can you help me|us?",
    "can|could you help me|us",
    "help me?",
    "tell me about|something about? yourself|you",
    "introduce yourself",
    "do you speak|understand english|german|french|spanish|me",
];

const FILLERS: &[&str] = &[
    "ok|okay|k|alright|fine|great|perfect|cool|nice|awesome|wow|good|excellent|super|amazing|brilliant|lovely|sweet|interesting|right|sure|yes|yep|yeah|no|nope|nah|maybe|please|sorry|lol|haha|hahaha|hm|hmm|oh|ah|aha|really|indeed|exactly|correct|wrong|oops thanks|please|then|thank|cool|great? you?",
    "got it thanks?",
    "i see thanks?",
    "i understand",
    "no problem|worries",
    "never mind",
    "nevermind",
    "of course",
    "makes sense",
    "not bad",
    "that|this is not? wrong|incorrect|nonsense|false|bad|stupid|right|true|correct",
    "you are|were wrong|useless|stupid|bad|terrible|annoying|dumb|an? idiot?",
    "bad|stupid|dumb|useless bot|answer|assistant",
    "i hate you",
    "i do|don't not? understand",
    "whatever",
    "just testing|kidding|looking",
];

/// Whether the words are small talk and nothing else: one of the forms, or several after each other.
pub(super) fn is_small_talk(words: &[&str]) -> bool {
    const LISTS: [&[&str]; 5] = [GREETINGS, THANKS, GOODBYES, ABOUT_ME, FILLERS];
    if words.is_empty() || words.len() > 14 {
        return false;
    }
    let fits = |words: &[&str]| LISTS.iter().any(|forms| phrase::any(forms, words));
    // `hi, how are you`, `great, thanks, bye`: the places that forms after each other reach. Each is looked at once: words
    // that fit alone and in pairs (`great great great`) could be cut in hundreds of ways.
    let mut reached = vec![0];
    for end in 1..=words.len() {
        if reached.iter().any(|start| fits(&words[*start..end])) {
            reached.push(end);
        }
    }
    reached.last() == Some(&words.len())
}

/// What is said to small talk.
pub(super) fn reply(words: &[&str]) -> &'static str {
    let ends_with = |forms: &[&str]| (0..words.len()).any(|at| phrase::any(forms, &words[at..]));
    if ends_with(GOODBYES) {
        "Goodbye."
    } else if ends_with(ABOUT_ME) {
        "I am Footnote. I answer questions from the documents of this collection and show where each answer stands. Ask me \
         what they say about something."
    } else if ends_with(THANKS) {
        "You are welcome. Ask another question about the documents whenever you like."
    } else if ends_with(FILLERS) {
        "Ask a question about the documents of this collection."
    } else {
        "Hello. Ask a question about the documents of this collection."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_talk(text: &str) -> bool {
        is_small_talk(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn small_talk_is_whole_and_may_come_in_a_row() {
        for text in [
            "hi how are you",
            "ok thanks bye",
            "great great great ok thanks great great great bye",
            "who are you",
            "good morning",
            "have a nice day",
        ] {
            assert!(small_talk(text), "{text}");
        }
        for text in [
            "who are you supposed to call",
            "good morning allowance",
            "yes vote in the referendum",
            "help with expenses",
        ] {
            assert!(!small_talk(text), "{text}");
        }
        assert_eq!(reply(&["ok", "bye"]), "Goodbye.");
        assert!(reply(&["who", "are", "you"]).contains("Footnote"));
    }
}
