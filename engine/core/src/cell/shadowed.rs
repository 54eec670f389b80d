//! Running a graph over columns of another form than it reads: its view is a converted one.

use super::ids::FiringIds;
use super::inputs::inputs_of;
use super::run::{GraphRun, RunContext, RunEnd};
use crate::graph::View;
use crate::wire::Shadows;

impl GraphRun {
    /// Find out whether the columns have the form that the part reads; if not, convert what it will see.
    #[cold]
    pub(super) fn run_through_shadows(
        &mut self,
        view: &View<'_>,
        ids: FiringIds<'_>,
        mut from: usize,
        cx: &mut RunContext<'_>,
    ) -> Option<RunEnd> {
        let known = self.shadows.take();
        let inputs = &self.decl().inputs;
        let kept = known
            .unwrap_or_else(|| Shadows::are_needed(inputs, view).then(|| Box::new(Shadows::new(inputs))));
        let Some(mut shadows) = kept else {
            self.shadows = Some(None);
            return self.run_over(view, view, ids, from, cx);
        };
        shadows.lie_over(view);
        let mut end = None;
        while end.is_none() && from < view.len() {
            let bad = shadows.next_bad(from);
            let n = bad.map_or(view.len(), |(firing, _)| firing);
            end = self.run_over(view, &shadows.view().prefix(n), ids, from, cx);
            from = n;
            if let (None, Some((firing, failure))) = (&end, bad) {
                self.failed(ids.get(firing), failure, None, cx, &mut |_| inputs_of(view, firing));
                from = firing + 1;
            }
        }
        shadows.release();
        self.shadows = Some(Some(shadows));
        end
    }
}
