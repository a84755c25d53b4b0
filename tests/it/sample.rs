//! A few small documents, and questions about them: what answers are checked on.
//!
//! Letters outside ASCII stand before every sentence that is asked for, so that an offset in bytes is a wrong one.

pub const CANTEEN: &str = "\
# Eating at Müller & Söhne

Zürich has two sites, and each has a kitchen of its own. The staff canteen opens at half past eleven and closes at two \
o'clock.

## Paying

Meals in the canteen are paid with the company badge. Guests pay at the till, in cash only.
";

pub const PARKING: &str = "\
# Parking at Müller & Söhne

The underground car park has 180 spaces. Bicycles stand in the yard behind the café, under the roof.

## Charging

An electric car may stay at a charging point for four hours. After that it has to be moved to another space.
";

pub const LIBRARY: &str = "\
# The library at Müller & Söhne

The reading room is called «Salon Bleu». Books from the library may be kept for six weeks. A late return costs fifty \
cents a day.
";

/// Name, content, a question, and words that the quote of its answer holds.
pub const DOCUMENTS: [(&str, &str, &str, &str); 3] = [
    ("canteen.md", CANTEEN, "When does the staff canteen open?", "half past eleven"),
    ("parking.md", PARKING, "How long may an electric car stay at a charging point?", "four hours"),
    ("library.md", LIBRARY, "How long may books from the library be kept?", "six weeks"),
];

/// A question that none of them says anything about.
pub const UNRELATED: &str = "Which metal has the highest melting temperature?";

/// A form with all of them.
pub fn form() -> reqwest::multipart::Form {
    DOCUMENTS.iter().fold(reqwest::multipart::Form::new(), |form, (name, content, ..)| {
        form.part("file", crate::test_app::file(name, *content))
    })
}

/// A document of about `sections` times 60 words, no two of which are alike.
pub fn long_document(title: &str, sections: usize) -> String {
    let mut text = format!("# {title}\n");
    for number in 0..sections {
        text.push_str(&format!(
            "\n## Shelf {number} of {title}\n\nThe box on shelf {number} of {title} belongs to department {}. It was \
             packed in the week {} of the inventory, it weighs {} grams, and it may be opened by the keeper alone. \
             Whoever takes something out of box {number} writes it into the ledger on page {}, with the date and the \
             reason, and signs with both names.\n",
            number % 7,
            number % 52,
            number * 37 + 11,
            number * 3 + 1,
        ));
    }
    text
}
