//! Finds libstrata.
//!
//!     LIBSTRATA_DIR   the folder of libstrata.so or libstrata.a; without it pkg-config is asked
//!     LIBSTRATA_STATIC    1: link libstrata.a into the program

use std::{env, process::Command};

fn folder() -> Option<String> {
    if let Ok(folder) = env::var("LIBSTRATA_DIR") {
        return Some(folder);
    }
    let told = Command::new("pkg-config").args(["--variable=libdir", "strata"]).output().ok()?;
    let folder = String::from_utf8(told.stdout).ok()?.trim().to_owned();
    (told.status.success() && !folder.is_empty()).then_some(folder)
}

fn main() {
    println!("cargo:rerun-if-env-changed=LIBSTRATA_DIR");
    println!("cargo:rerun-if-env-changed=LIBSTRATA_STATIC");
    let fixed = env::var("LIBSTRATA_STATIC").map_or(false, |value| value == "1");
    match folder() {
        Some(folder) => println!("cargo:rustc-link-search=native={folder}"),
        None => println!("cargo:warning=libstrata: neither LIBSTRATA_DIR nor pkg-config tells where it is"),
    }
    println!("cargo:rustc-link-lib={}=strata", if fixed { "static" } else { "dylib" });
}
