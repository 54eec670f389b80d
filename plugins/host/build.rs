//! Tells the crate for which target it is built: a package carries one library for each target, and the
//! host takes the one that was built for its own.

fn main() {
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=ACEQUIA_TARGET={target}");
    println!("cargo:rerun-if-changed=build.rs");
}
