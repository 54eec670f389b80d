//! `package!`: the same declarations in process and as a native library.

/// Declare a package once, for both ways of running it.
///
/// Makes `pub fn package() -> Package`, and under the crate's own feature `library` the exported symbol of a
/// native library. In process, depend on the crate with `default-features = false`.
///
/// ```
/// use acequia_sdk::{computation_graph, package, passthrough_accumulator, reactor};
///
/// #[passthrough_accumulator]
/// fn prices(price: f64) -> f64 {
///     price
/// }
///
/// #[reactor(accumulators = [prices], criteria = when_any(prices))]
/// struct PriceReactor;
///
/// #[computation_graph(trigger = reactor(PriceReactor), graph = { double(prices) })]
/// mod doubler {
///     pub fn double(price: &f64) -> f64 {
///         price * 2.0
///     }
/// }
///
/// package! {
///     name = "pricing",
///     reactors = [PriceReactor],
///     graphs = [doubler],
/// }
///
/// # fn main() {
/// assert_eq!(package().reactors().len(), 1);
/// # }
/// ```
///
/// `Cargo.toml` of such a crate has
///
/// ```toml
/// [lib]
/// crate-type = ["cdylib", "rlib"]
///
/// [features]
/// default = ["library"]
/// library = []
/// ```
///
/// A package that needs a tokio inside its library has `runtime = "own"` in its manifest: see the [crate's](crate) page.
///
/// `reactors` takes types that `#[reactor]` made, `graphs` modules of `#[computation_graph]`, `init` a
/// function `fn() -> Result<(), impl Display>` that runs once before the library is used; if it fails or
/// panics, the package is refused. Declarations made by hand go in with `with = function`, a
/// `fn(Package) -> Package`. All but `name` may be left out; the order is as here.
#[macro_export]
macro_rules! package {
    (
        name = $name:expr
        $(, reactors = [$($reactor:ty),* $(,)?])?
        $(, graphs = [$($graph:ident $(:: $rest:ident)*),* $(,)?])?
        $(, with = $with:expr)?
        $(, init = $init:expr)?
        $(,)?
    ) => {
        /// The declarations of this package.
        pub fn package() -> $crate::Package {
            <__AcequiaPackage as $crate::library::AuthorPackage>::package()
        }

        #[doc(hidden)]
        pub struct __AcequiaPackage;

        impl $crate::library::AuthorPackage for __AcequiaPackage {
            fn package() -> $crate::Package {
                let package = $crate::Package::new($name);
                $($(let package = package.with_reactor::<$reactor>();)*)?
                $($(let package = package.with_graph::<$graph $(:: $rest)* ::Graph>();)*)?
                $(let package = $with(package);)?
                package
            }

            $(fn init() -> ::std::result::Result<(), $crate::Failure> {
                ::std::result::Result::map_err($init(), $crate::Failure::error)
            })?
        }

        #[cfg(feature = "library")]
        $crate::__private::abi::export!($crate::library::Exported<__AcequiaPackage>);
    };
    ($($other:tt)*) => {
        ::std::compile_error!(
            "`package!` takes `name = \"…\"`, then where needed `reactors = [Type, …]`, `graphs = [module, …]`, `with = function` and `init = function`, in this order"
        );
    };
}
