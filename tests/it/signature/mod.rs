//! Signatures: what is read is what was signed, to the bit; and whose signature is taken.

mod altered;
mod trusted;

use acequia_host::archive::{Contents, Limits};
use acequia_host::{PublicKey, SecretKey, Signature, Verified, VerifyError};

const SIGNATURE: &str = "package.sig";

/// A key that is the same in each run.
fn secret(number: u8) -> SecretKey {
    format!("ed25519-secret:{}", format!("{number:02x}").repeat(32)).parse().unwrap()
}

fn public(number: u8) -> PublicKey {
    secret(number).public()
}

/// Files of a package, by name.
type Files = Vec<(String, Vec<u8>)>;

/// A small package, as files.
fn files() -> Files {
    let manifest = "[package]\nname = \"pricing\"\nversion = \"1.2.0\"\n";
    let files = [("package.toml", manifest), ("lib/moon/libx.so", "code"), ("src/lib.rs", "fn f() {}")];
    files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec()
}

/// An archive of these files, by another writer.
fn archive(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    zstd::encode_all(builder.into_inner().unwrap().as_slice(), 1).unwrap()
}

fn read(files: &Files) -> Result<Verified, VerifyError> {
    Verified::new(Contents::read(&archive(files), Limits::default())?)
}

/// The same files, signed.
fn signed(files: &Files, secret: &SecretKey) -> Files {
    let package = read(files).unwrap();
    let signature = Signature::make(package.contents(), package.manifest(), secret).unwrap();
    let mut files = files.clone();
    files.push((SIGNATURE.to_owned(), signature.to_string().into_bytes()));
    files
}
