//! Ready-made sources: a stream, a file's lines, a function that is asked.

use acequia_core::Payload;
use acequia_core::fault::Failure;
use acequia_core::source::SourceDecl;
use futures_core::Stream;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

/// Feed an accumulator from a stream. `make` is called at every start; where the stream has positions of
/// its own, prefer [`SourceDecl::run`] with `push_at`, so that a restart resumes.
pub fn stream<E, S, F>(make: F) -> SourceDecl
where
    E: Payload,
    S: Stream<Item = E> + Send + 'static,
    F: Fn() -> S + Send + Sync + 'static,
{
    SourceDecl::run(move |out| {
        let stream = make();
        async move {
            let mut stream = pin!(stream);
            while let Some(event) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
                out.push(event).await?;
            }
            Ok(())
        }
    })
}

/// How many lines are read ahead on the blocking thread.
const LINES_AHEAD: usize = 1024;

/// Feed an accumulator with the lines of a file, from a blocking thread. `decode` turns a line (without
/// its end) into an event; `None` skips it. After a restart it resumes behind the last line that was
/// published.
pub fn lines<E, F>(path: impl Into<PathBuf>, decode: F) -> SourceDecl
where
    E: Payload,
    F: Fn(u64, &str) -> Result<Option<E>, Failure> + Send + Sync + Clone + 'static,
{
    let path = path.into();
    SourceDecl::run(move |out| {
        let (path, decode) = (path.clone(), decode.clone());
        async move {
            let skip = out.resume_after().map_or(0, |offset| offset + 1);
            let (to, mut from) = tokio::sync::mpsc::channel(LINES_AHEAD);
            let reader = tokio::task::spawn_blocking(move || read_lines(&path, skip, &decode, &to));
            while let Some((number, event)) = from.recv().await {
                out.push_at(number, event).await?;
            }
            reader.await.map_err(|error| Failure::error(format_args!("the reading thread ended: {error}")))?
        }
    })
}

fn read_lines<E, F>(
    path: &std::path::Path,
    skip: u64,
    decode: &F,
    to: &tokio::sync::mpsc::Sender<(u64, E)>,
) -> Result<(), Failure>
where
    F: Fn(u64, &str) -> Result<Option<E>, Failure>,
{
    let failed = |error: std::io::Error| Failure::error(format_args!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let lines = std::io::BufRead::lines(std::io::BufReader::with_capacity(1 << 16, file));
    for (number, line) in (0_u64..).zip(lines) {
        let line = line.map_err(failed)?;
        if number < skip {
            continue;
        }
        if let Some(event) = decode(number, &line)?
            && to.blocking_send((number, event)).is_err()
        {
            // The source was stopped; so is its thread.
            return Ok(());
        }
    }
    Ok(())
}

/// Ask a function at start and then each interval; `None` means unchanged.
pub fn poll<E, F, Fut>(interval: Duration, ask: F) -> SourceDecl
where
    E: Payload,
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<E>> + Send + 'static,
{
    SourceDecl::poll(interval, move || {
        let asked = ask();
        async move { Ok(asked.await) }
    })
}
