//! E-mails as Outlook stores them (MSG): [MS-OXMSG] with the properties of [MS-OXPROPS].

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use encoding_rs::{Encoding, UTF_8};

use super::{
    Attachment, Content, Letter,
    body::{Body, Part},
    compressed,
    internet::extension_of,
    properties::{File, Properties},
};
use crate::ingest::extract::{ExtractError, charset, inside::Within, rtf};

/// The bytes before the first short value: of the message itself, of one that is attached, and of anything else.
const TOP: usize = 32;
const ATTACHED: usize = 24;
const PART: usize = 8;

/// Properties, by their identifiers.
mod id {
    pub(super) const SUBJECT: u16 = 0x0037;
    pub(super) const SUBMITTED: u16 = 0x0039;
    pub(super) const DELIVERED: u16 = 0x0e06;
    pub(super) const SENDER_NAME: u16 = 0x0c1a;
    pub(super) const SENDER_ADDRESS: u16 = 0x0c1f;
    pub(super) const SENDER_SMTP: u16 = 0x5d01;
    pub(super) const SENT_FOR_NAME: u16 = 0x0042;
    pub(super) const SENT_FOR_ADDRESS: u16 = 0x0065;
    pub(super) const SENT_FOR_SMTP: u16 = 0x5d02;
    pub(super) const SHOWN_TO: u16 = 0x0e04;
    pub(super) const SHOWN_CC: u16 = 0x0e03;
    pub(super) const BODY: u16 = 0x1000;
    pub(super) const COMPRESSED_RTF: u16 = 0x1009;
    pub(super) const HTML: u16 = 0x1013;
    pub(super) const INTERNET_CODE_PAGE: u16 = 0x3fde;
    pub(super) const NAME: u16 = 0x3001;
    pub(super) const ADDRESS: u16 = 0x3003;
    pub(super) const SMTP: u16 = 0x39fe;
    pub(super) const RECIPIENT_TYPE: u16 = 0x0c15;
    pub(super) const DATA: u16 = 0x3701;
    pub(super) const FILE_NAME: u16 = 0x3704;
    pub(super) const LONG_FILE_NAME: u16 = 0x3707;
    pub(super) const MIME_TYPE: u16 = 0x370e;
}

pub(super) fn letter<'a>(bytes: &'a [u8], within: &Within<'_>) -> Result<Letter<'a>, ExtractError> {
    let mut file = File::open(bytes)?;
    if !file.is_storage(Path::new("/")) {
        return Err(ExtractError::malformed("MSG", "it has no root"));
    }
    letter_in(&mut file, Path::new("/"), TOP, within, within.limits().max_file_depth, None)
}

fn letter_in<'a>(
    file: &mut File<'_>,
    storage: &Path,
    header: usize,
    within: &Within<'_>,
    deeper: usize,
    encoding: Option<&'static Encoding>,
) -> Result<Letter<'a>, ExtractError> {
    let mut properties = Properties::read(file, within, storage, header, encoding)?;
    let encoding = properties.encoding();
    let subject = properties.text(id::SUBJECT)?;
    let sender = person(&mut properties, id::SENDER_NAME, [id::SENDER_SMTP, id::SENDER_ADDRESS])?;
    let sender = match sender {
        Some(sender) => Some(sender),
        None => person(&mut properties, id::SENT_FOR_NAME, [id::SENT_FOR_SMTP, id::SENT_FOR_ADDRESS])?,
    };
    let shown = [properties.text(id::SHOWN_TO)?, properties.text(id::SHOWN_CC)?];
    let date = properties.time(id::SUBMITTED).or_else(|| properties.time(id::DELIVERED));
    let mut warnings = Vec::new();
    let body = body(&mut properties, within, &mut warnings)?;

    let mut recipients: [Vec<String>; 3] = Default::default();
    for storage in file.storages(storage, "__recip_version1.0_") {
        let mut recipient = Properties::read(file, within, &storage, PART, Some(encoding))?;
        // Flags of the transport stand in the same number.
        let place = (recipient.number(id::RECIPIENT_TYPE).unwrap_or(1) & 0xf).clamp(1, 3) as usize - 1;
        recipients[place].extend(person(&mut recipient, id::NAME, [id::SMTP, id::ADDRESS])?);
    }
    let mut about: Vec<(&'static str, String)> = sender.map(|sender| ("From", sender)).into_iter().collect();
    let shown = shown.into_iter().chain([None]);
    for ((field, recipients), shown) in ["To", "Cc", "Bcc"].into_iter().zip(recipients).zip(shown) {
        let listed = if recipients.is_empty() { shown } else { Some(recipients.join(", ")) };
        about.extend(listed.map(|listed| (field, listed)));
    }
    about.extend(date.map(|date| ("Date", date.format("%Y-%m-%d %H:%M +00:00").to_string())));

    let attached = file.storages(storage, "__attach_version1.0_");
    let mut attachments = Vec::with_capacity(attached.len());
    for storage in attached {
        attachments.push(attachment(file, &storage, within, deeper, encoding)?);
    }
    Ok(Letter { subject, about, body, attachments, warnings })
}

/// A name with an address, or whichever of them there is.
fn person(
    properties: &mut Properties<'_, '_, '_>,
    name: u16,
    addresses: [u16; 2],
) -> Result<Option<String>, ExtractError> {
    let name = properties.text(name)?.map(|name| name.trim().to_owned());
    let mut address = None;
    for id in addresses {
        // Exchange gives its own kind of address (`/o=…/cn=…`), which tells nobody anything.
        address = address.or(properties.text(id)?.filter(|address| address.contains('@')));
    }
    Ok(match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (_, Some(address)) => Some(address),
        (name, None) => name,
    })
}

fn body<'a>(
    properties: &mut Properties<'_, '_, '_>,
    within: &Within<'_>,
    warnings: &mut Vec<String>,
) -> Result<Body<'a>, ExtractError> {
    let mut body = Body::default();
    body.plain.extend(properties.text(id::BODY)?.map(Cow::Owned));
    let html = match properties.binary(id::HTML)? {
        Some(bytes) => {
            let declared = charset::declared_in_markup(&bytes);
            let number = properties.number(id::INTERNET_CODE_PAGE);
            let encoding = declared.or_else(|| number.and_then(charset::of_code_page)).unwrap_or(UTF_8);
            let decoded = charset::decode(&bytes, Some(encoding));
            warnings.extend(decoded.warnings);
            Some(decoded.text)
        }
        None => properties.text(id::HTML)?,
    };
    body.rich.extend(html.map(|html| Part::Html(Cow::Owned(html))));
    if body.rich.is_empty()
        && let Some(packed) = properties.binary(id::COMPRESSED_RTF)?
    {
        match compressed::unpacked(&packed, within.limits()) {
            Ok(rtf) => match rtf::html_inside(&rtf) {
                Some(html) => body.rich.push(Part::Html(Cow::Owned(html))),
                None if body.plain.is_empty() => match rtf::read(&rtf, within.limits()) {
                    Ok(document) => body.read = Some(document),
                    Err(reason) => {
                        warnings.push(format!("the formatted text of the e-mail could not be read: {reason}"))
                    }
                },
                None => {}
            },
            Err(reason) => warnings.push(format!("the formatted text of the e-mail could not be read: {reason}")),
        }
    }
    Ok(body)
}

fn attachment<'a>(
    file: &mut File<'_>,
    storage: &Path,
    within: &Within<'_>,
    deeper: usize,
    encoding: &'static Encoding,
) -> Result<Attachment<'a>, ExtractError> {
    let mut properties = Properties::read(file, within, storage, PART, Some(encoding))?;
    let mut name = None;
    for id in [id::LONG_FILE_NAME, id::FILE_NAME, id::NAME] {
        name = name.or(properties.text(id)?);
    }
    let kind = properties.text(id::MIME_TYPE)?.unwrap_or_default().to_ascii_lowercase();
    let object: Option<PathBuf> = properties.object(id::DATA);
    let data = properties.binary(id::DATA)?;
    let content = match (object, data) {
        (_, Some(bytes)) => Content::File(Cow::Owned(bytes)),
        (Some(object), None) if file.has_values(&object) && deeper > 0 => {
            let inner = letter_in(file, &object, ATTACHED, within, deeper - 1, Some(encoding))?;
            Content::Letter(Box::new(inner))
        }
        (Some(object), None) if file.has_values(&object) => Content::Unread("it lies too deep in other e-mails".into()),
        (Some(_), None) => Content::Unread("it is an object of another program".into()),
        (None, None) => Content::Unread("its bytes are not in the e-mail".into()),
    };
    Ok(Attachment { name, extension: extension_of(&kind), content })
}
