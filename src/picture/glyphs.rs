//! Digits, letters and signs as strokes, so that pictures need no font.

/// Strokes of a character on a grid of 5 columns and 7 rows: polylines separated by spaces, each
/// point a digit for the column and one for the row. Small letters look like capitals; a character
/// that is not here is a box.
pub fn strokes(character: char) -> &'static str {
    match character.to_ascii_uppercase() {
        ' ' => "",
        '0' | 'O' => "103041453616050110",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "01103041423323 334445361605",
        '4' => "300444 3036",
        '5' => "400002324345361605",
        '6' => "3010010516364544331304",
        '7' => "004016",
        '8' => "103041423313020110 1304051636454433",
        '9' => "4233130201103041453616",
        'A' => "062046 1434",
        'B' => "06003041423303 3344453606",
        'C' => "4130100105163645",
        'D' => "00304145360600",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "2026 1030 1636",
        'J' => "4045361605",
        'K' => "0006 400346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'P' => "06003041423303",
        'Q' => "103041453616050110 3446",
        'R' => "06003041423303 2346",
        'S' => "413010010213334445361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016233640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '.' => "2526",
        ',' => "2516",
        ':' => "2122 2526",
        '-' | '–' => "1333",
        '_' => "0646",
        '+' => "1333 2224",
        '=' => "1232 1434",
        '%' => "4006 0010110100 3545463635",
        '/' => "4006",
        '(' => "30212536",
        ')' => "10212516",
        '@' => "33222334444130100105163646",
        '>' | '→' => "0343 314335",
        _ => "0040460600",
    }
}

/// The points of each stroke: column and row.
pub fn polylines(character: char) -> impl Iterator<Item = Vec<[f32; 2]>> {
    let digit = |byte: u8| f32::from(byte.saturating_sub(b'0'));
    strokes(character).split(' ').filter(|stroke| !stroke.is_empty()).map(move |stroke| {
        stroke
            .as_bytes()
            .chunks(2)
            .map(|pair| [digit(pair[0]), digit(pair[pair.len() - 1])])
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stroke_is_whole_points_on_the_grid() {
        for character in (' '..='~').chain(['→', 'é']) {
            for stroke in strokes(character).split(' ').filter(|stroke| !stroke.is_empty()) {
                assert!(stroke.len() % 2 == 0 && stroke.len() >= 4, "{character:?}: {stroke}");
                for [column, row] in stroke.as_bytes().as_chunks::<2>().0 {
                    assert!((b'0'..=b'4').contains(column), "{character:?}: {stroke}");
                    assert!((b'0'..=b'6').contains(row), "{character:?}: {stroke}");
                }
            }
        }
    }

    #[test]
    fn digits_and_letters_look_different() {
        let alphabet: Vec<char> = ('0'..='9').chain('A'..='Z').filter(|&c| c != 'O').collect();
        for (index, &a) in alphabet.iter().enumerate() {
            for &b in &alphabet[index + 1..] {
                assert_ne!(strokes(a), strokes(b), "{a} and {b}");
            }
        }
    }
}
