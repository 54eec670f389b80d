//! Whatever is altered, what is signed and altered is refused before anything of it is mapped.

use super::{Files, SIGNATURE, files, public, read, secret, signed};
use acequia_host::archive::{Contents, Limits};
use acequia_host::signature::Statement;
use acequia_host::{Signature, SignatureError, Verified, VerifyError};
use std::collections::BTreeMap;

/// The code at the beginning of a refusal.
#[track_caller]
fn refused(files: &Files) -> String {
    let error = read(files).expect_err("it was altered").to_string();
    error.split(':').next().unwrap_or_default().to_owned()
}

/// How often each code was said, for each flipped bit of the file at `at`.
fn flipped(files: &Files, at: usize) -> BTreeMap<String, usize> {
    let mut said = BTreeMap::new();
    for bit in 0..files[at].1.len() * 8 {
        let mut altered = files.clone();
        altered[at].1[bit / 8] ^= 1 << (bit % 8);
        *said.entry(refused(&altered)).or_default() += 1;
    }
    said
}

#[test]
fn what_was_signed_is_read_with_its_signer() {
    let package = read(&signed(&files(), &secret(1))).unwrap();
    let signature = package.signature().unwrap();
    assert_eq!(signature.key, public(1));
    assert!(read(&files()).unwrap().signature().is_none());

    let statement = Statement::of(package.contents(), package.manifest(), signature.abi);
    let lines: Vec<&str> = statement.as_str().lines().collect();
    assert_eq!(lines[..3], ["acequia package v1", "package pricing", "version 1.2.0"]);
    assert_eq!(lines.len(), 4 + 3, "the ABI, and each file but the signature: {lines:#?}");
    assert_eq!(signature.to_string().parse(), Ok(signature.clone()));
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let files = signed(&files(), &secret(1));
    let at = files.iter().position(|(name, _)| name == SIGNATURE).unwrap();
    let said = flipped(&files, at);
    assert_eq!(said.values().sum::<usize>(), files[at].1.len() * 8);
    assert!(said.keys().all(|code| ["E0820", "E0822"].contains(&code.as_str())), "{said:?}");
    assert!(said["E0820"] > 100 && said["E0822"] > 100, "{said:?}");
}

#[test]
fn every_flipped_bit_of_a_signed_file_is_refused() {
    let files = signed(&files(), &secret(1));
    for at in 0..files.len() - 1 {
        let said = flipped(&files, at);
        // A manifest may be none any more.
        assert!(said.keys().all(|code| ["E0815", "E0822", "E0840"].contains(&code.as_str())), "{said:?}");
        assert!(said["E0822"] > 0, "{}: {said:?}", files[at].0);
    }
}

#[test]
fn every_flipped_bit_of_a_signed_name_is_refused() {
    let files = signed(&files(), &secret(1));
    for (at, (name, _)) in files.iter().enumerate() {
        for bit in 0..name.len() * 8 {
            let mut bytes = name.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // A name that is no text is tried, byte by byte, in `archive`.
            let Ok(altered_name) = String::from_utf8(bytes) else { continue };
            let mut altered = files.clone();
            altered[at].0 = altered_name;
            if let Ok(package) = read(&altered) {
                panic!("bit {bit} of {name} is not signed: {:?}", package.contents());
            }
        }
    }
}

#[test]
fn files_that_come_go_or_change_places_are_refused() {
    let sound = signed(&files(), &secret(1));
    for at in 1..sound.len() - 1 {
        let mut without = sound.clone();
        without.remove(at);
        assert_eq!(refused(&without), "E0822", "without {}", sound[at].0);
    }
    let mut more = sound.clone();
    more.push(("src/more.rs".to_owned(), Vec::new()));
    assert_eq!(refused(&more), "E0822");
    let mut swapped = sound.clone();
    let code = std::mem::take(&mut swapped[1].1);
    swapped[1].1 = std::mem::replace(&mut swapped[2].1, code);
    assert_eq!(refused(&swapped), "E0822");

    let mut ordered = sound.clone();
    ordered.reverse();
    assert_eq!(read(&ordered).unwrap(), read(&sound).unwrap(), "their order means nothing");
}

#[test]
fn a_signature_of_another_package_key_or_abi_is_refused() {
    let sound = signed(&files(), &secret(1));
    let signature_of = |files: &Files| String::from_utf8(files.last().unwrap().1.clone()).unwrap();
    let with = |text: &str| {
        let mut altered = sound.clone();
        altered.last_mut().unwrap().1 = text.as_bytes().to_vec();
        read(&altered).unwrap_err()
    };
    let text = signature_of(&sound);

    let mut other = files();
    other[2].1.push(b'\n');
    let of_another = with(&signature_of(&signed(&other, &secret(1))));
    assert!(matches!(of_another, VerifyError::Signature(SignatureError::Broken { .. })), "{of_another}");
    let by_another = with(&text.replace(&public(1).to_string(), &public(2).to_string()));
    assert!(by_another.to_string().contains(&public(2).to_string()), "{by_another}");
    let abi = read(&sound).unwrap().signature().unwrap().abi;
    let for_another = with(&text.replace(&format!("abi {abi}"), &format!("abi {}", abi + 1)));
    assert!(matches!(for_another, VerifyError::Signature(SignatureError::Broken { .. })), "{for_another}");
    for spelled in
        [format!("{text}\n"), text.trim_end().to_owned(), text.replace('\n', "\r\n"), String::new()]
    {
        let error = with(&spelled);
        assert!(matches!(error, VerifyError::Signature(SignatureError::Malformed { .. })), "{error}");
    }
}

#[test]
fn a_signature_for_engines_of_another_abi_is_refused_by_name() {
    let package = read(&files()).unwrap();
    let ours = Signature::make(package.contents(), package.manifest(), &secret(1)).unwrap();
    let theirs = Signature::for_abi(package.contents(), package.manifest(), ours.abi + 1, &secret(1));
    let error = Verified::new(package.contents().clone().signed(Some(&theirs))).unwrap_err();
    let (signed, engine) = (format!("ABI {}", ours.abi + 1), format!("ABI {}", ours.abi));
    let text = error.to_string();
    assert!(["E0821", &signed, &engine, "pricing"].iter().all(|part| text.contains(*part)), "{text}");
}

#[test]
fn a_key_that_would_verify_anything_is_refused() {
    // The neutral element and points of small order verify under plain Ed25519 what nobody signed.
    for point in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ] {
        let signature = format!("{point}{}", "0".repeat(64));
        let mut files = files();
        let text =
            format!("acequia package signature v1\nkey ed25519:{point}\nabi 1\nsignature {signature}\n");
        files.push((SIGNATURE.to_owned(), text.into_bytes()));
        assert_eq!(refused(&files), "E0822", "{point}");
    }
}

#[test]
fn an_archive_is_signed_by_what_is_in_it_not_by_how_it_is_packed() {
    let package = read(&signed(&files(), &secret(1))).unwrap();
    let packed = package.contents().pack(Limits::default(), &mut |_| {}).unwrap();
    let again = Verified::new(Contents::read(&packed, Limits::default()).unwrap()).unwrap();
    assert_eq!(again, package);
    assert_eq!(again.contents().clone().signed(None), *read(&files()).unwrap().contents());
}
