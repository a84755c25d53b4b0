//! Verbs: which words are forms of one, and the base of each.
//!
//! The lists hold what questions about documents use. A form that no list explains has no base, and a rule that needs
//! it does nothing. May depend on nothing.

use std::{collections::HashSet, sync::LazyLock};

/// Irregular verbs: base, past, participle.
const IRREGULAR: &[(&str, &str, &str)] = &[
    ("be", "was", "been"),
    ("bear", "bore", "born"),
    ("beat", "beat", "beaten"),
    ("become", "became", "become"),
    ("begin", "began", "begun"),
    ("bind", "bound", "bound"),
    ("break", "broke", "broken"),
    ("bring", "brought", "brought"),
    ("build", "built", "built"),
    ("buy", "bought", "bought"),
    ("catch", "caught", "caught"),
    ("choose", "chose", "chosen"),
    ("come", "came", "come"),
    ("cost", "cost", "cost"),
    ("cut", "cut", "cut"),
    ("deal", "dealt", "dealt"),
    ("do", "did", "done"),
    ("draw", "drew", "drawn"),
    ("drive", "drove", "driven"),
    ("eat", "ate", "eaten"),
    ("fall", "fell", "fallen"),
    ("feed", "fed", "fed"),
    ("feel", "felt", "felt"),
    ("fight", "fought", "fought"),
    ("find", "found", "found"),
    ("fly", "flew", "flown"),
    ("flee", "fled", "fled"),
    ("forbid", "forbade", "forbidden"),
    ("forget", "forgot", "forgotten"),
    ("freeze", "froze", "frozen"),
    ("get", "got", "got"),
    ("give", "gave", "given"),
    ("go", "went", "gone"),
    ("grow", "grew", "grown"),
    ("have", "had", "had"),
    ("hear", "heard", "heard"),
    ("hide", "hid", "hidden"),
    ("hit", "hit", "hit"),
    ("hold", "held", "held"),
    ("keep", "kept", "kept"),
    ("know", "knew", "known"),
    ("lay", "laid", "laid"),
    ("lead", "led", "led"),
    ("learn", "learnt", "learnt"),
    ("leave", "left", "left"),
    ("lend", "lent", "lent"),
    ("let", "let", "let"),
    ("lie", "lay", "lain"),
    ("lose", "lost", "lost"),
    ("make", "made", "made"),
    ("mean", "meant", "meant"),
    ("meet", "met", "met"),
    ("overcome", "overcame", "overcome"),
    ("pay", "paid", "paid"),
    ("put", "put", "put"),
    ("read", "read", "read"),
    ("ride", "rode", "ridden"),
    ("rise", "rose", "risen"),
    ("run", "ran", "run"),
    ("say", "said", "said"),
    ("see", "saw", "seen"),
    ("seek", "sought", "sought"),
    ("sell", "sold", "sold"),
    ("send", "sent", "sent"),
    ("set", "set", "set"),
    ("shoot", "shot", "shot"),
    ("show", "showed", "shown"),
    ("shut", "shut", "shut"),
    ("sing", "sang", "sung"),
    ("sink", "sank", "sunk"),
    ("sit", "sat", "sat"),
    ("sleep", "slept", "slept"),
    ("speak", "spoke", "spoken"),
    ("spend", "spent", "spent"),
    ("split", "split", "split"),
    ("spread", "spread", "spread"),
    ("stand", "stood", "stood"),
    ("steal", "stole", "stolen"),
    ("strike", "struck", "struck"),
    ("swear", "swore", "sworn"),
    ("swim", "swam", "swum"),
    ("take", "took", "taken"),
    ("teach", "taught", "taught"),
    ("tell", "told", "told"),
    ("think", "thought", "thought"),
    ("throw", "threw", "thrown"),
    ("understand", "understood", "understood"),
    ("undergo", "underwent", "undergone"),
    ("wear", "wore", "worn"),
    ("win", "won", "won"),
    ("withdraw", "withdrew", "withdrawn"),
    ("write", "wrote", "written"),
    ("rebuild", "rebuilt", "rebuilt"),
    ("overthrow", "overthrew", "overthrown"),
    ("oversee", "oversaw", "overseen"),
    ("rewrite", "rewrote", "rewritten"),
    ("lend", "lent", "lent"),
    ("bend", "bent", "bent"),
];

/// Regular verbs.
const REGULAR: &str = "abolish accept achieve act add address admit adopt affect agree allow amend announce answer appear \
    apply appoint approve argue arrange arrive ask attack attempt attend avoid award ban base belong besiege block borrow call \
    cancel capture carry cause cease censure change charge check cite claim close collect combine compare complain compose \
    compute configure connect conquer consider consist constitute construct contain continue contribute control convert cook \
    correct count cover create cross crown declare decide decline decrease defeat defend define delete deliver deny depend \
    derive describe deserve design destroy determine develop die differ direct disappear discover dissolve distribute divide \
    document drop earn elect embed emerge employ enable enact encourage end enforce enter escape establish estimate exceed \
    exclude execute exist expand expect expire explain explore export express extend extract face fail file finance finish fit \
    follow force form found fund generate govern grant guarantee handle happen help hire identify ignore impose improve include \
    increase influence ingest inhabit inherit initiate install instruct intend interpret introduce invade invent invest invite \
    involve issue join judge kill land last launch limit link list live load locate log look maintain manage marry matter \
    measure migrate move name need negotiate notice observe obtain occupy occur offer open operate oppose order organise organize \
    originate own park participate pass perform permit persecute place plan play police possess post practise predict prefer \
    prepare present preserve prevent print process produce prohibit promise promote propose protect prove provide publish purchase \
    purge pursue quit raise rank reach react recall receive recognise recognize recommend record recover reduce refer reform \
    refuse refund register reindex reject relate release rely remain remember remove rename renew repair repeat repeal replace \
    reply report represent request require reset resign resist resolve respond rest restart restore result resume retain retire \
    retry return reveal reverse revoke riot rise roll rotate rule sail save scan search secure select separate serve settle share \
    sign simulate sort sponsor start state stay stop store study submit succeed suffer suggest support surrender surround switch \
    talk target tax test threaten thrive touch train transfer transform translate transmit travel treat trigger try turn unify \
    unite update upgrade upload uninstall use validate value verify veto visit vote wait walk want warn watch weigh welcome work \
    worship yield attach enrol enroll claim transpose prosecute pardon convene reinvigorate contest swap weaken strengthen precede mention resemble teach melt boil split ban orbit oppose annex liberate \
    abandon absorb accuse acquire adapt adjust advise analyse annoy apologise applaud appreciate assassinate assemble assess \
    assign assist assume attract bury celebrate clarify climb commemorate complete conclude condemn confirm confiscate confront \
    convince dedicate deduce demolish deploy deprive detect devote disagree discourage discuss dominate drown elevate eliminate \
    embrace emigrate emphasise endorse engage engulf enhance enjoy ensure equip erect erode evaluate evolve examine expel \
    expose fulfil gain gather greet imprison impeach imply impress indicate infect inform injure inspect inspire integrate \
    intervene isolate justify lack lower modify multiply nominate omit outnumber overlap persuade perceive prevail proclaim \
    prosper punish ratify react recognise reconcile recruit redirect refine reflect regain regulate reign reintroduce rejoin \
    render renounce reopen repel resettle resume reuse rob ruin scatter seize shrink simplify skip solve spawn stabilise \
    stretch subdue subscribe substitute summon suppress surpass survive suspect suspend swallow terminate theorise tolerate \
    unlock vanish vary violate widen wipe";

/// Regular verbs that are met as nouns about as often: their past says that they are verbs, their base does not.
const ALSO_NOUNS: &str = "appeal approach award command commission concern conduct consult dance damage demand deposit display \
    doubt exchange exhibit experience fear feature fill fine flood focus forecast format guard guess guide halt harm impact \
    import interview laugh license lift mail match merge mix monitor note paint pass patent phase pick point pour practice \
    praise press progress protest question rent research reward sack sacrifice schedule score sentence shape shift side signal \
    span stage stamp step stress structure struggle supply tackle trace track trade transport trap trust type urge view \
    volunteer waste wish witness wonder wound";

/// The base of a form in the past, or of a participle; `None` when no list explains it.
pub fn base_of_past(word: &str) -> Option<String> {
    if word == "found" {
        return Some("find".to_owned());
    }
    if let Some((base, ..)) = IRREGULAR.iter().find(|(_, past, participle)| *past == word || *participle == word) {
        return Some((*base).to_owned());
    }
    let known = |base: &String| is_regular(base) || ALSO_NOUNS.split_whitespace().any(|verb| verb == base);
    regular_bases(word, "ed").into_iter().find(known).or_else(|| by_ending(word))
}

/// The base of a past form in -ed whose ending leaves no doubt: `liberated`, `weakened`, `modified`.
fn by_ending(word: &str) -> Option<String> {
    const KEEP_E: &[&str] = &[
        "ated", "ised", "ized", "uced", "nced", "rced", "ured", "osed", "ived", "oved", "erved", "olved", "uted",
        "udged", "ited", "ided", "uded", "oded", "ired", "ared", "ored", "ined", "aged", "used", "ased", "bled",
        "cled", "dled", "gled", "pled", "tled", "ribed", "zed",
    ];
    const DROP: &[&str] = &[
        "ected", "ished", "ened", "ained", "pted", "sted", "ssed", "acked", "ocked", "owed", "ucted", "nded", "ented",
        "ltered", "vered",
    ];
    let ends = |endings: &[&str]| word.len() > 6 && endings.iter().any(|ending| word.ends_with(ending));
    if word.len() > 6 && word.ends_with("ified") {
        return word.strip_suffix("ied").map(|stem| format!("{stem}y"));
    }
    if ends(DROP) {
        return word.strip_suffix("ed").map(str::to_owned);
    }
    ends(KEEP_E).then(|| word.strip_suffix('d').map(str::to_owned)).flatten()
}

/// The past of an irregular verb by its base.
pub(super) fn past_of_irregular(base: &str) -> Option<&'static str> {
    IRREGULAR.iter().find(|(irregular, ..)| *irregular == base).map(|(_, past, _)| *past)
}

/// The base of a form of the third person, such as `lasts`.
pub fn base_of_third(word: &str) -> Option<String> {
    let plain = word.strip_suffix('s').filter(|_| !word.ends_with("ss"))?;
    let mut candidates = vec![plain.to_owned()];
    candidates.extend(plain.strip_suffix("ie").map(|stem| format!("{stem}y")));
    candidates.extend(plain.strip_suffix('e').map(str::to_owned));
    candidates.into_iter().find(|base| is_base(base))
}

/// Whether a word is a form of the third person that can hardly be a noun: `comes`.
pub fn is_third(word: &str) -> bool {
    const FORMS: &str = "allows applies becomes begins belongs brings carries chooses comes consists contains decides \
        depends describes exists gets gives goes happens has includes keeps knows loses makes occurs provides receives \
        requires says sees sends speaks takes tells thinks writes";
    FORMS.split_whitespace().any(|form| form == word)
}

/// The base of a form in -ing, such as `deleting`.
pub fn base_of_gerund(word: &str) -> Option<String> {
    regular_bases(word, "ing").into_iter().find(|base| is_base(base))
}

/// Whether a word is the base of a verb in the lists.
pub fn is_base(word: &str) -> bool {
    is_regular(word) || IRREGULAR.iter().any(|(base, ..)| *base == word)
}

/// Whether a word is a past form or participle that can hardly be anything else.
pub fn is_past(word: &str) -> bool {
    if matches!(word, "left" | "lay" | "rose" | "saw" | "born") {
        return true;
    }
    let irregular = |(base, past, participle): &(&str, &str, &str)| {
        (*past == word && past != base || *participle == word && participle != base) && *base != "be"
    };
    IRREGULAR.iter().any(irregular)
        || (word.len() > 3
            && word.ends_with("ed")
            && !matches!(
                word,
                "feed"
                    | "deed"
                    | "weed"
                    | "shed"
                    | "speed"
                    | "need"
                    | "seed"
                    | "hundred"
                    | "breed"
                    | "exceed"
                    | "succeed"
                    | "united"
                    | "indeed"
                    | "embed"
            ))
}

/// Whether a word is a participle that can follow `was`.
pub fn is_participle(word: &str) -> bool {
    IRREGULAR.iter().any(|(.., participle)| *participle == word) || (is_past(word) && word.ends_with("ed"))
}

/// The participle of a past form: `wrote` gives `written`.
pub fn participle_of_past(word: &str) -> Option<&str> {
    let irregular = IRREGULAR.iter().find(|(_, past, _)| *past == word).map(|(.., participle)| *participle);
    irregular.or_else(|| is_past(word).then_some(word).filter(|word| word.ends_with("ed")))
}

fn is_regular(word: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| REGULAR.split_whitespace().collect());
    KNOWN.contains(word)
}

/// What can stand before a regular ending: `stopped` gives `stopp`, `stoppe`, `stop`; `tried` also gives `try`.
fn regular_bases(word: &str, ending: &str) -> Vec<String> {
    let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() > 1) else { return Vec::new() };
    let mut bases = vec![format!("{stem}e"), stem.to_owned()];
    bases.extend(stem.strip_suffix('i').map(|stem| format!("{stem}y")));
    let mut end = stem.chars().rev();
    if let (Some(last), Some(before)) = (end.next(), end.next())
        && last == before
    {
        bases.push(stem[..stem.len() - last.len_utf8()].to_owned());
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_to_their_base_or_to_nothing() {
        for (form, base) in [
            ("led", "lead"),
            ("stopped", "stop"),
            ("carried", "carry"),
            ("issued", "issue"),
            ("came", "come"),
            ("founded", "found"),
        ] {
            assert_eq!(base_of_past(form).as_deref(), Some(base), "{form}");
        }
        assert_eq!(base_of_past("liberated").as_deref(), Some("liberate"));
        assert_eq!(base_of_past("grokked"), None);
        assert_eq!(base_of_third("lasts").as_deref(), Some("last"));
        assert_eq!(base_of_third("carries").as_deref(), Some("carry"));
        assert_eq!(base_of_gerund("deleting").as_deref(), Some("delete"));
        assert_eq!(participle_of_past("wrote"), Some("written"));
        assert!(is_past("besieged") && !is_past("speed") && !is_past("read"));
    }
}
