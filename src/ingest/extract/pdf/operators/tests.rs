use super::*;

fn read(stream: &[u8]) -> Vec<(String, Vec<Object>)> {
    Operators::of(stream).map(|operation| (operation.operator, operation.operands)).collect()
}

fn string(text: &[u8]) -> Object {
    Object::String(text.to_vec(), StringFormat::Hexadecimal)
}

#[test]
fn operands_are_read_as_they_are_written() {
    let stream =
        b"% a comment (\n/F#41 -1.5 Tf [(a\\051\\)(b)\\\r\nc) -20 <4a4>]TJ\0/P <</N (x)/M [1 2]>>BDC\x0ctrue T*";
    let properties = [("N", string(b"x")), ("M", Object::Array(vec![1.into(), 2.into()]))];
    let properties = properties.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect();
    let expected = [
        ("Tf", vec![Object::Name(b"FA".to_vec()), Object::Real(-1.5)]),
        ("TJ", vec![Object::Array(vec![string(b"a))(b)c"), Object::Integer(-20), string(b"J@")])]),
        ("BDC", vec![Object::Name(b"P".to_vec()), Object::Dictionary(properties)]),
        ("T*", vec![Object::Boolean(true)]),
    ];
    assert_eq!(read(stream), expected.map(|(operator, operands)| (operator.to_owned(), operands)));
}

#[test]
fn what_breaks_the_rules_is_passed_over_and_not_the_rest() {
    for broken in
        ["\0\x0c", ">> ", ") ", "] ", "} { ", "\u{e9} ", "--5 0 m ", "- . l ", "1.2.3 w ", "5-3 w ", "<zz ", "[(a) 3 "]
    {
        let stream = format!("{broken}(seen) Tj");
        let last = read(stream.as_bytes()).pop();
        assert_eq!(last.map(|(operator, _)| operator).as_deref(), Some("Tj"), "{broken}");
    }
    let endless = format!("{}(seen) Tj (seen", "(".repeat(100_000));
    let mut operators = Operators::of(endless.as_bytes());
    assert!(operators.by_ref().last().is_some() && operators.is_damaged());
    assert_eq!(
        read(b"--5 5-3 1.2.3 - x"),
        [("x".to_owned(), vec![Object::Integer(-5), Object::Integer(5), Object::Real(1.2), Object::Real(0.0),])]
    );
}

#[test]
fn pictures_in_the_stream_are_passed_over() {
    let data: [&[u8]; 4] = [b"\xff\xfe(EI \x00<< EI ) \x80\x80 EI", b"Gat~>EI", b"\x01\x02EI", b"\x01\x02\x03\nEI"];
    for data in data {
        let stream = [&b"BI /W 2 /H 2 /F [/A85 /Fl] ID "[..], data, b"\nQ (seen) Tj"].concat();
        let seen: Vec<String> = read(&stream).into_iter().map(|(operator, _)| operator).collect();
        assert_eq!(seen, ["BI", "Q", "Tj"], "{data:?}");
    }
}
