//! MATLAB files, well made and hostile.

use std::io::Write;

use hpflow::testing::benchmark::matlab::{
    MAX_SIZE, MatlabError, MatlabValue, Numbers, Variable, numbers, parse,
};
use proptest::prelude::*;

/// A level 5 file of these elements, each with its type.
pub fn file(elements: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![b' '; 124];
    bytes[..10].copy_from_slice(b"MATLAB 5.0");
    bytes.extend([0, 1, b'I', b'M']);
    for (kind, data) in elements {
        bytes.extend(element(*kind, data));
    }
    bytes
}

fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
    bytes.extend(data);
    if kind != 15 {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

/// The content of an array of that class, with its values stored as the type `kind`.
fn array(class: u32, dimensions: &[i32], name: &str, kind: u32, values: &[u8]) -> Vec<u8> {
    let dimensions: Vec<u8> = dimensions.iter().flat_map(|d| d.to_le_bytes()).collect();
    [
        element(6, &[class.to_le_bytes(), [0; 4]].concat()),
        element(5, &dimensions),
        element(1, name.as_bytes()),
        element(kind, values),
    ]
    .concat()
}

pub fn doubles(name: &str, dimensions: &[i32], values: &[f64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    array(6, dimensions, name, 9, &values)
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn one(name: &str, dimensions: &[usize], values: &[f64]) -> Vec<Variable> {
    let numbers = Numbers { dimensions: dimensions.to_vec(), values: values.to_vec() };
    vec![Variable { name: name.to_owned(), value: MatlabValue::Numbers(numbers) }]
}

#[test]
fn numbers_are_read_plain_and_compressed() {
    let array = doubles("pts_coord", &[2, 2], &[1.5, -2.0, 3.0, 4.0]);
    let expected = one("pts_coord", &[2, 2], &[1.5, -2.0, 3.0, 4.0]);
    assert_eq!(parse(&file(&[(14, array.clone())])).unwrap(), expected);
    assert_eq!(parse(&file(&[(15, compress(&element(14, &array)))])).unwrap(), expected);
}

/// MATLAB stores whole numbers in the smallest type that holds them, whatever the array's class.
#[test]
fn every_storage_type_is_read() {
    for (kind, bytes, value) in [
        (1, vec![0xfe], -2.0),
        (2, vec![0xfe], 254.0),
        (3, vec![0xfe, 0xff], -2.0),
        (4, vec![0xfe, 0xff], 65534.0),
        (5, (-70_000_i32).to_le_bytes().to_vec(), -70_000.0),
        (6, 4_000_000_000_u32.to_le_bytes().to_vec(), 4e9),
        (7, 1.25_f32.to_le_bytes().to_vec(), 1.25),
        (9, 1e300_f64.to_le_bytes().to_vec(), 1e300),
        (12, (-5_i64).to_le_bytes().to_vec(), -5.0),
        (13, 5_u64.to_le_bytes().to_vec(), 5.0),
    ] {
        let read = parse(&file(&[(14, array(6, &[1, 1], "x", kind, &bytes))])).unwrap();
        assert_eq!(read, one("x", &[1, 1], &[value]), "type {kind}");
    }
}

#[test]
fn the_other_byte_order_and_the_short_form_are_read() {
    let mut bytes = vec![b' '; 124];
    bytes.extend([1, 0, b'M', b'I']);
    let content: Vec<u8> = [
        [0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 6, 0, 0, 0, 0].as_slice(),
        &[0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2],
        &[0, 1, 0, 1, b'x', 0, 0, 0],          // one byte of type 1
        &[0, 4, 0, 3, 0x01, 0x02, 0xff, 0xff], // four bytes of type 3
    ]
    .concat();
    bytes.extend([0, 0, 0, 14]);
    bytes.extend((content.len() as u32).to_be_bytes());
    bytes.extend(content);
    assert_eq!(parse(&bytes).unwrap(), one("x", &[1, 2], &[258.0, -1.0]));
}

#[test]
fn text_is_read_and_what_is_neither_is_named() {
    let utf16: Vec<u8> = "kätzchen".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let elements = [
        (14, array(4, &[1, 8], "class", 4, &utf16)),
        (14, array(4, &[1, 3], "utf8", 16, "é!".as_bytes())),
        (14, array(2, &[1, 1], "record", 5, &[0; 4])),
    ];
    let read = parse(&file(&elements)).unwrap();
    assert_eq!(read[0].value, MatlabValue::Text("kätzchen".to_owned()));
    assert_eq!(read[1].value, MatlabValue::Text("é!".to_owned()));
    let error = numbers(&read, "record").unwrap_err().to_string();
    assert_eq!(error, "variable \"record\" is a structure: expected an array of numbers");
    let error = numbers(&read, "kps").unwrap_err().to_string();
    assert_eq!(error, "no variable \"kps\", only \"class\", \"utf8\", \"record\"");
}

#[test]
fn what_is_no_such_file_is_refused_with_what_it_may_be() {
    for (bytes, what) in [
        (b"".to_vec(), "this is not a MATLAB file"),
        (b"<!DOCTYPE html>".to_vec(), "looks like a web page"),
        ([b"MATLAB 7.3 MAT-file".as_slice(), &[b' '; 200]].concat(), "save it with -v7"),
        (vec![0; 500], "this is not a MATLAB file"),
    ] {
        let error = parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_bomb_is_refused_at_a_bounded_size() {
    let zeros = vec![0; MAX_SIZE / 2 + 8];
    let bomb = || (15, compress(&zeros));
    assert_eq!(parse(&file(&[bomb(), bomb()])), Err(MatlabError::TooLarge));
}

#[test]
fn damage_is_an_error() {
    let whole = file(&[(14, doubles("pts_coord", &[2, 2], &[1.0, 2.0, 3.0, 4.0]))]);
    for length in 129..whole.len() {
        assert!(parse(&whole[..length]).is_err(), "cut at {length}");
    }
    for (dimensions, values) in [
        (vec![2, 3], vec![0.0; 4]),
        (vec![-1, -4], vec![0.0; 4]),
        (vec![i32::MAX, i32::MAX], vec![0.0; 1]),
        (vec![4], vec![0.0; 4]),
    ] {
        let bytes = file(&[(14, doubles("x", &dimensions, &values))]);
        assert!(matches!(parse(&bytes), Err(MatlabError::Damaged { .. })), "{dimensions:?}");
    }
    assert!(parse(&file(&[(15, b"not zlib".to_vec())])).is_err());
}

proptest! {
    #[test]
    fn arbitrary_changes_never_panic(
        changes in prop::collection::vec((124_usize..300, any::<u8>()), 1..6),
        compressed in any::<bool>(),
    ) {
        let array = doubles("pts_coord", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let mut content = element(14, &array);
        let mut whole = file(&[(14, array)]);
        for (position, byte) in changes {
            let length = whole.len();
            whole[position % length] = byte;
            let length = content.len();
            content[position % length] = byte;
        }
        let _ = parse(&if compressed { file(&[(15, compress(&content))]) } else { whole });
    }
}
