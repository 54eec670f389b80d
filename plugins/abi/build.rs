//! Notes which compiler builds this, for the text that a refused library shows.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = std::process::Command::new(compiler).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=ACEQUIA_RUSTC={}", version.unwrap_or_else(|_| "unknown rustc".to_owned()));
}
