//! What no document is asked: what changes from hour to hour, what only the person who asks can know, opinions and
//! feelings of the one who answers, sums, and predictions.
//!
//! May depend on `english`.

use super::phrase;
use crate::answer::preprocess::english::words::Word;

const NOW: &[&str] = &["today", "tonight", "tomorrow", "now", "currently", "current", "outside", "yesterday", "nearby"];
const NOW_PAIRS: &[&[&str]] = &[
    &["right", "now"],
    &["at", "the", "moment"],
    &["this", "weekend"],
    &["next", "week"],
    &["this", "week"],
    &["near", "me"],
    &["this", "afternoon"],
    &["this", "evening"],
    &["these", "days"],
    &["last", "night"],
];
/// Things that are asked for only as they are now.
const FLEETING: &[&str] = &[
    "weather",
    "rain",
    "raining",
    "snow",
    "snowing",
    "sunny",
    "bitcoin",
    "ethereum",
    "traffic",
    "horoscope",
    "lottery",
    "hot",
    "cold",
    "nasdaq",
    "dax",
];
/// The same in two words.
const FLEETING_PAIRS: &[&[&str]] = &[
    &["stock", "price"],
    &["share", "price"],
    &["stock", "market"],
    &["exchange", "rate"],
    &["price", "of", "gold"],
    &["price", "of", "oil"],
    &["gold", "price"],
    &["oil", "price"],
    &["dollar"],
    &["on", "tv"],
    &["at", "the", "cinema"],
    &["the", "news"],
    &["temperature", "outside"],
    &["the", "temperature"],
    &["train", "strike"],
];

const FORMS: &[&str] = &[
    // Weather, time and date.
    "weather forecast|today|tomorrow? *",
    "what is the weather like? in|at? _? _?",
    "how is the weather *",
    "is it raining|snowing|sunny|cold|hot|warm|windy|freezing|dark *",
    "is it going to rain|snow|be *",
    "will it rain|snow|be *",
    "do i need an umbrella *",
    "what time is it *",
    "what is the current|exact|local? time now? in? _? _?",
    "the current? time in? _?",
    "what time do we have",
    "do you have the time",
    "what day|date|month|year is it|today now|today?",
    "what day|date|month|year is it|today in _",
    "which|what day|month|year is it|this now|today?",
    "what is today|today's date|day?",
    "what is the current|today's? date|day today?",
    "current|today's date|time|year in? _?",
    // Prices, news, sport, shows.
    "any|latest|today's|breaking|the news today|about? *",
    "what is in|on? the news *",
    "what is the latest news *",
    "what happened in the world|news|today *",
    "what happened today|yesterday",
    "what is|was the score of? the? _? game|match?",
    "who won|lost the? last? game|match|race|fight|derby|super|lottery|election? bowl? last|yesterday|today|tonight night?",
    "who is winning *",
    "who will win|be|become *",
    "what will happen to|in|with the world|future|humanity|me|us *",
    "will the stock|housing|world|market|economy|dollar market|end|crash *",
    "will i|we|he|she ever|be|become|find|get|win|marry rich|famous|married|love|win|happy *",
    "when will i|the world die|end|marry|be *",
    "predict the *",
    "what are the? winning? lottery numbers *",
    "what is on tv|television|netflix *",
    // Opinions, feelings and life of the one who answers.
    "what do you think|feel|believe|reckon about|of? *",
    "what is|are your opinion|opinions|view|views|take|favourite|favorite|thoughts|thought|hobby|hobbies|dream|sign|biggest|religion *",
    "what is your favourite|favorite *",
    "which|what football|political|religion|party|team|music|colour|color|movie|food|film|book _? do|would you *",
    "do you ever|really? like|love|hate|believe|dream|sleep|eat|drink|enjoy|miss|fear|cry|get|feel|want|prefer|agree *",
    "do you have|own a|an|any? feelings|emotions|girlfriend|boyfriend|wife|husband|family|children|kids|friends|pets|pet|dog|cat|soul|consciousness|parents|hobbies|body|opinion|sister|brother *",
    "do you remember|know|love|like me *",
    "are you happy|sad|afraid|scared|conscious|sentient|self-aware|married|single|in|alive|angry|tired|bored|hungry|lonely|gay|religious|jealous|busy|smarter|better|smart|sure love|of|than|that? *",
    "would you rather|like|marry|die|kill|date|go *",
    "who|what would you vote|be|choose|save|do|want|say *",
    "what would you do if *",
    "who do you want|like|love|prefer|support|vote|hate|think *",
    "can you feel|love|think|dream|cry|die|smell|taste|see|hear *",
    "what do you look|want|like|feel|eat|wear|hate|love|do like|for|in? *",
    "can i trust|marry|love|kiss|meet you *",
    "what is the meaning|purpose of life|existence|everything",
    "is there a? god|heaven|afterlife|life after|on? death|mars?",
    // What only the person who asks can know.
    "what did i|we have|eat|do|say|wear|dream|buy|forget *",
    "where is|are my keys|key|phone|car|wallet|glasses|cat|dog|husband|wife|mom|mum|bag|umbrella|socks",
    "where did|have i|we put|park|leave|lose|parked|left my|the _",
    "where am i",
    "who am i",
    "how old|tall|heavy am i",
    "how am i",
    "what is my name|age|horoscope|birthday|favourite|favorite|iq|fate|future|wife's|mother's *",
    "what am i thinking|doing|wearing|holding|feeling *",
    "am i pretty|ugly|beautiful|fat|smart|stupid|dreaming|alive|right|crazy|in|a handsome|good|bad|love?",
    "does|do he|she|they|anyone love|like|hate|miss me",
    "should i marry|date|divorce|dump|break|kiss|love|forgive|quit|have|buy|get|move up|a|an|my|him|her|them|kids|children|with *",
    "what should|shall|can i|we wear|eat|cook|watch|do|name|read|buy|play|drink for|my|tonight|today|tomorrow|now|this *",
    "what should|shall i|we wear|eat|cook|watch|do|drink",
    "what is my|the|today's horoscope for? _?",
    // Around here, now.
    "recommend|suggest|find|show me|us? a|an|some|the? good|nice|cheap|best|nearest? restaurant|bar|hotel|cafe|movie|film|book|song|shop|doctor *",
    "* near me",
    "* nearby",
    "where is the nearest|closest *",
    "where can i buy|eat|get|find _ _? here|nearby|around|tonight",
    "when|where is the next bus|train|tram|flight|ferry|boat *",
    "is the _ still? open now|today|right? now?",
    "how is the traffic *",
    "how long does it take to drive|walk|get|fly * right? now|today",
    "convert # _ to|into|in _ _?",
    "how many|much _ are|is in? # _",
    "how many|much _ are|is there? in a|one _",
];

/// Whether the words ask for something that no document is asked.
pub(super) fn is_out_of_scope(words: &[&str]) -> bool {
    let words = words.strip_prefix(&["and"]).unwrap_or(words);
    phrase::any(FORMS, words) || is_fleeting(words)
}

/// Whether something is asked for that changes from hour to hour, as it is now.
fn is_fleeting(words: &[&str]) -> bool {
    let holds = |pairs: &[&[&str]]| pairs.iter().any(|pair| words.windows(pair.len()).any(|window| window == *pair));
    let now = words.iter().any(|word| NOW.contains(word)) || holds(NOW_PAIRS);
    let fleeting = words.iter().any(|word| FLEETING.contains(word)) || holds(FLEETING_PAIRS);
    now && fleeting && words.len() <= 12
}

/// Whether a sum is asked for: numbers and operators, and hardly a word besides.
pub(super) fn is_sum(text: &str, rest: &[Word]) -> bool {
    const ASKING: &[&str] = &[
        "what",
        "is",
        "are",
        "how",
        "much",
        "calculate",
        "compute",
        "solve",
        "the",
        "result",
        "of",
        "evaluate",
        "equals",
        "equal",
        "to",
        "for",
        "x",
    ];
    const OPERATING: &[&str] = &[
        "plus",
        "minus",
        "times",
        "divided",
        "by",
        "multiplied",
        "over",
        "square",
        "root",
        "squared",
        "cubed",
        "power",
        "percent",
        "modulo",
        "mod",
        "cube",
        "factorial",
        "sum",
        "of",
    ];
    let spelled = rest.iter().filter(|word| OPERATING.contains(&word.lower.as_str()) && word.lower != "of").count();
    let is_term = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit() || "+-*/=^(√".contains(c))
            && word.chars().all(|c| c.is_ascii_digit() || "+-*/×÷^%=().,x√:".contains(c))
            || word == "%"
            || (word.chars().all(|c| "+-*/×÷^%=x".contains(c)) && word != "x")
    };
    let terms = rest.iter().filter(|word| is_term(&word.lower)).count();
    let others = rest.iter().any(|word| {
        let lower = word.lower.as_str();
        !is_term(lower) && !ASKING.contains(&lower) && !OPERATING.contains(&lower)
    });
    let numbers = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    let joined = rest.iter().any(|word| {
        is_term(&word.lower) && word.lower.chars().skip(1).any(|c| "+*/×÷^=x".contains(c))
            || matches!(word.lower.as_str(), "+" | "*" | "/" | "=" | "-" | "%" | "×" | "÷")
    });
    // `15 % of 80`: words are cut at white space, so the sign stands alone.
    let percent = text.contains('%') && numbers >= 2;
    !others && terms > 0 && ((numbers >= 2 && (joined || percent || spelled > 0)) || (spelled >= 2 && numbers >= 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::preprocess::english::words::words;

    fn sum(text: &str) -> bool {
        is_sum(text, &words(text))
    }

    #[test]
    fn sums_are_sums_and_names_with_digits_are_not() {
        for text in [
            "what is 2+2",
            "17 * 23?",
            "how much is 15 % of 80",
            "what is the square root of 144",
            "what's 5 times 7",
            "calculate 45 / 9",
            "100-37=",
        ] {
            assert!(sum(text), "{text}");
        }
        for text in [
            "what is 2FA",
            "the 3-2-1 rule",
            "what is 802.1X",
            "1562",
            "what is the sum of the angles",
            "error 409",
            "1562-1598",
        ] {
            assert!(!sum(text), "{text}");
        }
    }

    #[test]
    fn the_hour_counts_only_where_it_is_asked_for() {
        let out = |text: &str| is_out_of_scope(&text.split(' ').collect::<Vec<_>>());
        for text in [
            "what is the weather like today",
            "what time is it in tokyo",
            "what is the current price of gold",
            "do you like pizza",
        ] {
            assert!(out(text), "{text}");
        }
        for text in [
            "what is the time limit for a question",
            "what is the current version",
            "do you support postgresql",
            "how does the weather affect delivery",
            "what was the share price in 2019",
        ] {
            assert!(!out(text), "{text}");
        }
    }
}
